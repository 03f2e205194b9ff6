"""A published speed, and the deployment that reached it."""

from typing import Literal

from pydantic import Field, model_validator

from dashboard.costs.capacity.parts import Entry, Positive, Source


class Figure(Entry):
    """Tokens a second that somebody measured on known hardware."""

    name: str
    model: str
    precision: str
    hardware: str
    accelerators: int = Field(ge=1)
    layout: Literal["tensor", "expert"]
    kv_bits: int = Field(default=16, ge=1)
    kind: Literal["mixed", "decode", "prefill"] = Field(
        description="Output tokens with prefill, output tokens alone, or input tokens"
    )
    prompt: int = Field(ge=1, description="Tokens of a prompt; in decode, tokens in the cache")
    answer: int | None = Field(default=None, ge=1)
    batch: int | None = Field(default=None, ge=1, description="At once; None: all that fit")
    tokens_per_s: Positive
    use: Literal["calibrate", "held-out"]
    note: str | None = None
    source: Source

    @model_validator(mode="after")
    def _says_all_that_its_kind_needs(self) -> "Figure":
        if self.kind == "mixed" and self.answer is None:
            raise ValueError(f"{self.name}: a mixed figure needs the tokens of an answer.")
        if self.kind == "decode" and self.batch is None:
            raise ValueError(f"{self.name}: a decode figure needs its batch.")
        return self
