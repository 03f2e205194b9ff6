"""Which upstreams there are: BREAKEVEN_UPSTREAMS, as URLs or as the path of a TOML file."""

import os
import tomllib
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from db.errors import InvalidInput
from engine.energy.remote.config import MeterConfig
from engine.energy.window import HERE

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
    machine: str = Field(
        default="",
        validate_default=True,
        description="The computer that it runs on, as ledger and pages call it. Those that name "
        "the same one share its meters; default: host and port of the address.",
    )
    meters: tuple[MeterConfig, ...] = Field(
        default=(),
        description="Energy meters of that computer, as in BREAKEVEN_METERS: addresses or tables; "
        "default: none, so its energy is unknown.",
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

    @field_validator("machine")
    @classmethod
    def _has_a_machine(cls, name: str, info: ValidationInfo) -> str:
        if name.strip() == HERE:
            raise ValueError(f"{HERE} is what the gateway's own machine is called; take another")
        return name.strip() or urlsplit(info.data.get("url", "")).netloc

    @field_validator("meters", mode="before")
    @classmethod
    def _addresses_are_meters(cls, meters: Any) -> Any:
        if not isinstance(meters, list | tuple):
            return meters
        return [{"url": one} if isinstance(one, str) else one for one in meters]

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
    found = [_checked(table, f"{path}, upstream {i}") for i, table in enumerate(listed, 1)]
    _require_each_meter_once(found, path)
    return found


def meters_by_machine(configs: Sequence[UpstreamConfig]) -> dict[str, list[MeterConfig]]:
    """Every machine, with the meters that any of its upstreams names, each once."""
    found: dict[str, dict[MeterConfig, None]] = {}
    for config in configs:
        found.setdefault(config.machine, {}).update(dict.fromkeys(config.meters))
    return {machine: list(meters) for machine, meters in found.items()}


def _require_each_meter_once(configs: Sequence[UpstreamConfig], path: Path) -> None:
    """What two count would stand twice on the ledger."""
    machines = meters_by_machine(configs)
    for machine, meters in machines.items():
        names = Counter(meter.name for meter in meters)
        if twice := [name for name, times in names.items() if times > 1]:
            raise InvalidInput(
                _SETTING,
                f"{path}: two meters of {machine} are called {twice[0]}; give each a name, or "
                "describe the same one in the same words.",
            )
    for (one, its), (other, others) in combinations(machines.items(), 2):
        for meter in its:
            if any(_overlap(meter, another) for another in others):
                raise InvalidInput(
                    _SETTING,
                    f"{path}: the meter {meter.url} would count for {one} and for {other}; give "
                    "their upstreams the same machine, or its devices to one of them each.",
                )


def _overlap(one: MeterConfig, other: MeterConfig) -> bool:
    """Whether two meters may count the same joules."""
    if urlsplit(one.url).netloc != urlsplit(other.url).netloc:
        return False
    paths = {urlsplit(meter.url).path.rstrip("/") for meter in (one, other)}
    if len(paths) > 1 and "" not in paths:  # such as two chassis of one controller
        return False
    if one.devices is None or other.devices is None:
        return True
    return bool(set(one.devices) & set(other.devices))


def _checked(table: Any, place: str) -> UpstreamConfig:
    try:
        found = UpstreamConfig.model_validate(table)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        field = _named(detail["loc"])
        message = detail["msg"].removeprefix("Value error, ")
        raise InvalidInput(_SETTING, f"{place}: {field}: {message}.") from error
    if found.api_key_env and found.api_key is None:
        raise InvalidInput(
            _SETTING, f"{place}: the environment has no variable {found.api_key_env}."
        )
    for meter in found.meters:
        if name := meter.missing_variable:
            raise InvalidInput(_SETTING, f"{place}: the environment has no variable {name}.")
        if name := meter.unusable_variable:
            raise InvalidInput(
                _SETTING, f"{place}: the variable {name} holds letters that cannot be sent."
            )
    if found.tokenizer is not None and not found.tokenizer.exists():
        raise InvalidInput(_SETTING, f"{place}: there is no tokenizer at {found.tokenizer}.")
    return found


def _named(location: tuple[int | str, ...]) -> str:
    match location:
        case ("meters", int(index), *rest):
            return ": ".join([f"meter {index + 1}", *map(str, rest)])
        case _:
            return ".".join(map(str, location)) or "table"
