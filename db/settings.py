"""Every option of the product, from the environment (`BREAKEVEN_…`) with working defaults."""

from pathlib import Path

from platformdirs import user_data_path
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Options by environment variable: `BREAKEVEN_` and the field's name in capitals."""

    model_config = SettingsConfigDict(env_prefix="BREAKEVEN_", extra="ignore")

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

    @property
    def weights_dir(self) -> Path:
        return self.home / "weights"

    @property
    def ledger_url(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'ledger.db'}"

    @property
    def sample_url(self) -> str:
        return f"sqlite:///{self.home / 'sample.db'}"
