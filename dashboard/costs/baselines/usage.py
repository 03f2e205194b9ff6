"""What is priced: tokens and requests by developer and model, over a range of time."""

from typing import Literal

from pydantic import Field, model_validator

from dashboard.costs.models import Moment
from dashboard.costs.strict import Strict


class ModelUsage(Strict):
    """What one developer used of one model. None is unknown, never 0.

    `input_tokens` includes the cached ones and those written to a cache. `developer_id` None:
    nobody known here; `name` is then their label elsewhere.
    """

    developer_id: int | None
    name: str
    model: str | None
    requests: int | None = Field(default=None, ge=0)
    input_tokens: int | None = Field(ge=0)
    cached_input_tokens: int | None = Field(default=None, ge=0)
    cache_write_tokens: int | None = Field(default=None, ge=0)
    output_tokens: int | None = Field(ge=0)

    @model_validator(mode="after")
    def _cached_is_part_of_input(self) -> "ModelUsage":
        parts = (self.cached_input_tokens or 0) + (self.cache_write_tokens or 0)
        if self.input_tokens is not None and parts > self.input_tokens:
            raise ValueError(
                f"{self.name}'s {parts:,} cached tokens are more than the {self.input_tokens:,} "
                "input tokens, which must include them."
            )
        return self

    @property
    def tokens(self) -> int:
        """Input and output, as far as known."""
        return (self.input_tokens or 0) + (self.output_tokens or 0)

    @property
    def tokens_known(self) -> bool:
        return self.input_tokens is not None and self.output_tokens is not None


class UsageRange(Strict):
    """Usage in `start` ≤ t < `end`: what the gateway metered, or what imported files tell."""

    start: Moment
    end: Moment
    origin: Literal["ledger", "imported"] = "ledger"
    rows: tuple[ModelUsage, ...] = ()

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "UsageRange":
        if self.end < self.start:
            raise ValueError("A range of usage must not end before it starts.")
        return self
