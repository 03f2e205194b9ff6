"""Which upstreams there are: BREAKEVEN_UPSTREAMS, as URLs or as the path of a TOML file."""

import os
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from db.errors import InvalidInput

_SETTING = "upstreams"


class UpstreamConfig(BaseModel):
    """One server, an `[[upstream]]` table of the file. Several that serve a model of the same name
    are its replicas. Durations are seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(description="Address of its API, /v1 included.")
    models: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="Models served from there; default: all it lists."
    )
    api_key_env: str | None = Field(
        default=None, description="Name of the environment variable with its API key."
    )
    max_running: int = Field(
        default=64, ge=1, description="Requests sent to it at once; more wait here, in turns."
    )
    connect_within_s: float = Field(default=5.0, gt=0, description="Time to connect.")
    first_token_within_s: float = Field(
        default=600.0, gt=0, description="Time until its answer begins."
    )
    silent_at_most_s: float = Field(
        default=120.0, gt=0, description="Time between two pieces of an answer."
    )
    tokenizer: Path | None = Field(
        default=None,
        description="Folder or GGUF file of its model, to count tokens with where it does not "
        "report them; default: its own /tokenize, else an estimate by length.",
    )

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("write it as http://host:port/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("write it without user, password, query and fragment")
        return url.strip().rstrip("/")

    @property
    def api_key(self) -> str | None:
        return os.environ.get(self.api_key_env) if self.api_key_env else None


def read_upstreams(setting: str | None) -> list[UpstreamConfig]:
    """InvalidInput, in one line for people, where the setting or its file cannot be used."""
    if not setting or not setting.strip():
        return []
    if "://" in setting:
        return [_checked({"url": url}, "BREAKEVEN_UPSTREAMS") for url in setting.split(",")]
    path = Path(setting).expanduser()
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InvalidInput(
            _SETTING,
            f"BREAKEVEN_UPSTREAMS is {setting!r}: neither URLs nor a file that can be read "
            f"({error.strerror}).",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(_SETTING, f"{path} is no valid TOML: {error}.") from error
    listed = tables.get("upstream")
    if not isinstance(listed, list) or set(tables) != {"upstream"}:
        raise InvalidInput(_SETTING, f"{path} must consist of [[upstream]] tables.")
    return [_checked(table, f"{path}, upstream {i}") for i, table in enumerate(listed, 1)]


def _checked(table: Any, place: str) -> UpstreamConfig:
    try:
        found = UpstreamConfig.model_validate(table)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        field = ".".join(map(str, detail["loc"])) or "table"
        message = detail["msg"].removeprefix("Value error, ")
        raise InvalidInput(_SETTING, f"{place}: {field}: {message}.") from error
    if found.api_key_env and found.api_key is None:
        raise InvalidInput(
            _SETTING, f"{place}: the environment has no variable {found.api_key_env}."
        )
    if found.tokenizer is not None and not found.tokenizer.exists():
        raise InvalidInput(_SETTING, f"{place}: there is no tokenizer at {found.tokenizer}.")
    return found
