"""Every option of the product, from the environment or from a file, with working defaults."""

import difflib
import os
import sys
import tomllib
from pathlib import Path
from typing import Any, Literal, get_args

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

PREFIX = "BREAKEVEN_"
FILE = "breakeven.toml"


class Settings(BaseSettings):
    """Options by environment variable, `BREAKEVEN_` and the field's name in capitals; where there
    is none, by the field's name in the file that `BREAKEVEN_CONFIG` names, or in `breakeven.toml`
    in the working folder."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore")

    home: Path = Field(
        default_factory=lambda: user_data_path("breakeven", appauthor=False),
        description="Folder of the weights, the database and the logs.",
    )
    database_url: str | None = Field(
        default=None,
        description="Where the ledger is: sqlite:////path/to/ledger.db or "
        "postgresql://user:password@host/database, which several gateways may share; default: "
        "ledger.db in the home.",
    )
    host: str = Field(default="localhost", description="Address of `python -m engine serve`.")
    port: int = Field(default=8501, ge=1, le=65535, description="Port of `python -m engine serve`.")
    model: str | None = Field(
        default=None,
        description="The model that is served: the path of a Hugging Face folder of safetensors or "
        "of a GGUF file, or its name in the home's folder `models`; default: the "
        "embedded model; `none`: only upstreams serve.",
    )
    upstreams: str | None = Field(
        default=None,
        description="OpenAI-compatible servers that answer behind the gateway: their URLs, /v1 "
        "included, separated by commas, or the path of a TOML file of [[upstream]] tables.",
    )
    meters: str | None = Field(
        default=None,
        description="Energy meters read over HTTP (DCGM exporter, Kepler, node exporter, Shelly, "
        "Tasmota, Redfish): their URLs, separated by commas, or the path of a TOML file of "
        "[[meter]] tables.",
    )
    threads: int = Field(
        default=0, ge=0, description="Processor threads of the engine; 0: one a physical core."
    )
    experts_per_token: int | None = Field(
        default=None, ge=0, description="Routed experts a token; default: the model's own."
    )
    precision: str | None = Field(
        default=None,
        pattern="^(float32|bfloat16|int8|int4)$",
        description="How weights are held in memory: float32, bfloat16, int8 or int4; default: "
        "int4 where the model's files have 4 bits already, as most GGUF files do, else int8.",
    )
    offload: bool = Field(
        default=False,
        description="Leave routed experts in their file and read only those that are chosen, so "
        "that a model larger than the memory still answers.",
    )
    max_running: int = Field(default=8, ge=1, le=64, description="Requests computed together.")
    max_waiting: int = Field(
        default=128, ge=0, description="Requests that may queue before new ones get a 503."
    )
    max_body_bytes: int = Field(
        default=8 * 2**20, ge=1024, description="Largest request body accepted, in bytes."
    )
    cpu_tdp_w: float | None = Field(
        default=None,
        gt=0,
        description="Processor's thermal design power in watts, for the energy estimate.",
    )
    smtp_host: str | None = Field(
        default=None, description="Mail server that sends alerts; without it none go by e-mail."
    )
    smtp_port: int = Field(default=587, ge=1, le=65535, description="Port of the mail server.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="How mail is encrypted: starttls (mostly port 587), tls (mostly 465), none.",
    )
    smtp_user: str | None = Field(
        default=None, description="User at the mail server; without it no log-in is made."
    )
    smtp_password: SecretStr | None = Field(
        default=None, description="Password at the mail server. It is never shown."
    )
    smtp_from: str | None = Field(
        default=None,
        description="Whom alerts by e-mail come from; default: the user, where it is an address.",
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/?#\s]+/?$",
        description="The dashboard's address as people type it, such as https://breakeven.example: "
        "for links in alerts, and where the organisation's sign-in comes back to, at "
        "/oauth2callback. Everybody signs in where it is not this machine's own.",
    )
    oidc_metadata_url: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="The organisation's sign-in (OpenID Connect): the URL of its provider's "
        "metadata, which ends in /.well-known/openid-configuration.",
    )
    oidc_client_id: str | None = Field(
        default=None, description="What this dashboard is called at that provider."
    )
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="What it proves that with."
    )
    oidc_name: str = Field(
        default="your organisation", min_length=1, description="On the button: Sign in with …"
    )

    @model_validator(mode="after")
    def _oidc_is_whole(self) -> "Settings":
        needed = ("public_url", "oidc_metadata_url", "oidc_client_id", "oidc_client_secret")
        missing = [name for name in needed if getattr(self, name) is None]
        if any(name.startswith("oidc") and name not in missing for name in needed) and missing:
            names = ", ".join(f"{PREFIX}{name.upper()}" for name in missing)
            raise ValueError(f"Signing in with OpenID Connect also needs {names}")
        return self

    @property
    def weights_dir(self) -> Path:
        return self.home / "weights"

    @property
    def ledger_url(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'ledger.db'}"

    @property
    def sample_url(self) -> str:
        return f"sqlite:///{self.home / 'sample.db'}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        of_file = InitSettingsSource(settings_cls, _read(_file(), settings_cls))
        return init_settings, env_settings, of_file


class SettingsError(ValueError):
    """An option that cannot be, in a sentence for people."""


def settings() -> Settings:
    """The options. Ends the program, with a line for each one that is wrong."""
    try:
        return Settings()
    except SettingsError as error:
        sys.exit(f"Breakeven does not start: {error}")
    except ValidationError as error:
        wrong = [
            f"  {PREFIX}{str(one['loc'][0]).upper()} (or {one['loc'][0]} in {FILE}): {one['msg']};"
            f" it is {_told(str(one['loc'][0]), one['input'])}."
            if one["loc"]
            else f"  {one['msg'].removeprefix('Value error, ')}."
            for one in error.errors()
        ]
        sys.exit("\n".join(["Breakeven does not start; these options are wrong:", *wrong]))


def _told(name: str, value: Any) -> str:
    """What somebody wrote, unless it is secret."""
    field = Settings.model_fields.get(name)
    secret = field is not None and SecretStr in get_args(field.annotation)
    return "not shown here" if secret else repr(value)


def options_table() -> str:
    """Every option as a row of a markdown table."""
    rows = ["| variable | in the file | default | meaning |", "|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "user-data folder" if name == "home" else _words(field.default)
        rows.append(f"| `{PREFIX}{name.upper()}` | `{name}` | {default} | {field.description} |")
    return "\n".join(rows)


def _words(default: Any) -> str:
    if default is None:
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _file() -> Path | None:
    named = os.environ.get(f"{PREFIX}CONFIG")
    if named:
        return Path(named)
    return Path(FILE) if Path(FILE).is_file() else None


def _read(path: Path | None, options: type[BaseSettings]) -> dict[str, Any]:
    """SettingsError: no such file, not TOML, or an option that there is not."""
    if path is None:
        return {}
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}.") from error
    for name in found:
        if name not in options.model_fields:
            near = difflib.get_close_matches(name, options.model_fields, 1)
            meant = f" Did you mean {near[0]}?" if near else ""
            raise SettingsError(
                f"{path} has an option that there is not: {name}.{meant}"
                " `python -m engine options` lists them."
            )
    return found
