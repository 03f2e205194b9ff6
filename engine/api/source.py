"""Where an answer comes from: the engine of this machine, or an upstream."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from engine.api.ask import Ask
from engine.runtime.protocol import TokenLogprob
from engine.tools.tool import Part

EngineKind = Literal["embedded", "upstream"]


@dataclass(slots=True)
class Piece:
    """What came of one of a request's answers (`index`).

    With `finish_reason` set it is the last of that answer; `stopped_by` is the stop string that
    ended it. `raw` is what an upstream said, in its own words.
    """

    index: int = 0
    parts: list[Part] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    finish_reason: str | None = None
    stopped_by: str | None = None
    raw: dict[str, Any] | None = None


@dataclass(slots=True)
class Tally:
    """What is known of a computation so far, all of its answers together.

    `exact` False: the counts are estimates. `cached_is_known` False: nobody told how much of the
    prompt was cached, and `cached_input_tokens` is 0. `experts[layer][expert]` counts choices.
    """

    input_tokens: int
    cached_input_tokens: int = 0
    output_tokens: int = 0
    exact: bool = True
    cached_is_known: bool = True
    queue_ms: float | None = None
    experts_per_token: int | None = None
    experts_active_mean: float | None = None
    experts: list[list[int]] | None = None

    @property
    def total(self) -> int:
        return self.input_tokens + self.output_tokens


class Engine(Protocol):
    """Serves one model."""

    async def prepare(self, ask: Ask, tenant: int) -> "Source":
        """Make a request ready to be computed. An ApiError where that cannot be; raises
        ChatTemplateError and BadSchema."""
        ...

    async def count(self, ask: Ask, tenant: int) -> int:
        """Tokens of its prompt. Raises what `prepare` raises, but takes a prompt of any length."""
        ...


class Source(Protocol):
    """One request's computation. `answers`: how many it has; `most_tokens`: what it may take at
    most, prompt included; `short`: the context takes fewer tokens than the request allows;
    `fingerprint` changes where the same seed may give another answer."""

    engine: EngineKind
    model: str  # as clients know it
    answers: int
    most_tokens: int
    short: bool
    fingerprint: str | None
    tally: Tally

    def pieces(self, request_id: int) -> AsyncIterator[Piece]:
        """Compute it. Raises what went wrong."""
        ...

    def abort(self) -> None:
        """Compute no more; `pieces` then ends soon."""
        ...
