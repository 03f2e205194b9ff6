"""Which meters are read over HTTP: BREAKEVEN_METERS, as URLs or as the path of a TOML file."""

import os
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from engine.energy.meters import Kind

_SECRETS = {"user", "pass", "passwd", "password", "token", "key"}


class MeterSettingError(ValueError):
    """The setting cannot be used; the message is one line for people."""


class MeterConfig(BaseModel):
    """One meter, a `[[meter]]` table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(description="Its address; of a known path, or of the server alone.")
    name: str = Field(
        default="",
        validate_default=True,
        description="What the ledger and the page call it; default: host and port of the address.",
    )
    format: Literal["auto", "dcgm", "kepler", "node-exporter", "shelly", "tasmota", "redfish"] = (
        Field(default="auto", description="What answers there; default: recognised by its answer.")
    )
    of: Kind | None = Field(
        default=None,
        description="What it measures: machine, processor or accelerator; default: what its "
        "format usually does.",
    )
    devices: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="Only these, where a page covers more, such as the indices of GPUs.",
    )
    accuracy: float | None = Field(
        default=None, gt=0, lt=1, description="Its relative error, 0.01 for ±1%; by format."
    )
    every_s: float = Field(default=1.0, ge=0.2, le=60, description="Seconds between readings.")
    user_env: str | None = Field(
        default=None, description="Name of the environment variable with its user; default: admin."
    )
    password_env: str | None = Field(
        default=None, description="Name of the environment variable with its password."
    )
    token_env: str | None = Field(
        default=None, description="Name of the environment variable with its bearer token."
    )
    verify_tls: bool = Field(
        default=True, description="Whether a certificate must be valid; controllers sign their own."
    )

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("write it as http://host:port or http://host:port/path")
        if parts.username or parts.password or parts.fragment:
            raise ValueError("write it without user, password and fragment")
        if _SECRETS & {name.lower() for name in parse_qs(parts.query)}:
            raise ValueError("write it without password; name its variable in password_env")
        _ = parts.port  # raises a ValueError that says what is wrong with it
        return url.strip()

    @field_validator("name")
    @classmethod
    def _has_a_name(cls, name: str, info: ValidationInfo) -> str:
        return name.strip() or urlsplit(info.data.get("url", "")).netloc

    @property
    def user(self) -> str:
        # Shelly's and Tasmota's only user.
        return _secret(self.user_env) or "" if self.user_env else "admin"

    @property
    def password(self) -> str | None:
        return _secret(self.password_env)

    @property
    def token(self) -> str | None:
        return _secret(self.token_env)

    @property
    def unusable_variable(self) -> str | None:
        """One whose value no header can carry. Its value is never told."""
        named = (self.user_env, self.password_env, self.token_env)
        values = {name: _secret(name) or "" for name in named if name}
        bad = (n for n, value in values.items() if not (value.isascii() and value.isprintable()))
        return next(bad, None)

    @property
    def missing_variable(self) -> str | None:
        """One that it names but the environment lacks."""
        named = (self.user_env, self.password_env, self.token_env)
        return next((name for name in named if name and name not in os.environ), None)


def read_meters(setting: str | None) -> list[MeterConfig]:
    """MeterSettingError, in one line for people, where the setting or its file cannot be used."""
    if not setting or not setting.strip():
        return []
    if "://" in setting:
        place = "BREAKEVEN_METERS"
        found = [_checked({"url": url}, place) for url in setting.split(",") if url.strip()]
    else:
        place = str(Path(setting).expanduser())
        tables = _tables(setting, Path(place))
        found = [_checked(table, f"{place}, meter {i}") for i, table in enumerate(tables, 1)]
    names = Counter(meter.name for meter in found)
    if twice := [name for name, times in names.items() if times > 1]:
        raise MeterSettingError(f"{place}: two meters are called {twice[0]}; give each a name.")
    return found


def _tables(setting: str, path: Path) -> list[Any]:
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise MeterSettingError(
            f"BREAKEVEN_METERS is {setting!r}: neither URLs nor a file that can be read "
            f"({error.strerror})."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MeterSettingError(f"{path} is no valid TOML: {error}.") from error
    listed = tables.get("meter")
    if not isinstance(listed, list) or set(tables) != {"meter"}:
        raise MeterSettingError(f"{path} must consist of [[meter]] tables.")
    return listed


def _checked(table: Any, place: str) -> MeterConfig:
    try:
        found = MeterConfig.model_validate(table)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        field = ".".join(map(str, detail["loc"])) or "table"
        message = detail["msg"].removeprefix("Value error, ")
        raise MeterSettingError(f"{place}: {field}: {message}.") from error
    if name := found.missing_variable:
        raise MeterSettingError(f"{place}: the environment has no variable {name}.")
    if name := found.unusable_variable:
        raise MeterSettingError(
            f"{place}: the variable {name} holds letters that cannot be sent; plain ASCII can."
        )
    return found


def _secret(name: str | None) -> str | None:
    """A variable's value; secrets that are mounted as files end in a new line."""
    value = os.environ.get(name) if name else None
    return None if value is None else value.strip()
