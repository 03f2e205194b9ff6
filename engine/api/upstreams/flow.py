"""How many tokens go through the upstreams in a second, seen from the gateway."""

import time
from dataclasses import dataclass, field

from engine.api.source import Tally

SAMPLED_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class UpstreamLoad:
    """What all upstreams together did since the last one. A prompt's tokens count when its answer
    begins: when they were computed is not known."""

    duration_s: float
    prompt_tokens: int
    output_tokens: int
    running: int
    waiting: int


@dataclass(slots=True)
class Flow:
    """Takes differences of tallies. A count that an upstream corrects at the end to a lesser one
    takes nothing back."""

    _seen: dict[int, tuple[int, int]] = field(default_factory=dict)  # request → prompt, answer
    _prompt_tokens: int = 0
    _output_tokens: int = 0
    _began: float = field(default_factory=time.monotonic)

    def note(self, request_id: int, tally: Tally) -> None:
        """How far a request is."""
        prompt, output = self._seen.get(request_id, (0, 0))
        if not tally.output_tokens:
            return
        self._prompt_tokens += max(0, tally.input_tokens - tally.cached_input_tokens - prompt)
        self._output_tokens += max(0, tally.output_tokens - output)
        self._seen[request_id] = (
            max(prompt, tally.input_tokens - tally.cached_input_tokens),
            max(output, tally.output_tokens),
        )

    def over(self, request_id: int, tally: Tally) -> None:
        self.note(request_id, tally)
        self._seen.pop(request_id, None)

    def take(self, running: int, waiting: int) -> UpstreamLoad:
        now = time.monotonic()
        load = UpstreamLoad(
            now - self._began, self._prompt_tokens, self._output_tokens, running, waiting
        )
        self._began, self._prompt_tokens, self._output_tokens = now, 0, 0
        return load
