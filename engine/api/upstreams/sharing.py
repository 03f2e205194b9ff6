"""Whose joules: splits a machine's energy over the requests that its servers had, by tokens.

A server here is seen from outside: when a request was sent to it, when pieces of the answer came,
and how many tokens it says these were. In a window of about a second

    read = idle power × duration + the rest

and the rest is divided over the requests in flight by their tokens in the window:

- a prompt's tokens, without those that the server had cached, are spread evenly from when the
  request was sent until its first token, or until it ended without one;
- an answer's are spread evenly from one piece to the next; of an answer that comes in one piece,
  from when the request was sent. They are scaled to the sum that the server tells.

Where nobody has any tokens in a window, it is divided by the time in flight within it. So shares
add up, equal requests get equal shares, and the order changes nothing. A token counts as one
whether read or written, although written ones take more: what a token takes depends on the model,
the server and its batches, which nobody tells here.

Other clients of the machine are not seen: while a request is in flight, all above idling is its.
Windows without any tell the idle power; what is above it in them was somebody else's.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.energy.work import Part


@dataclass(frozen=True, slots=True)
class Spread:
    """So many tokens, evenly from one moment to another."""

    since: float
    until: float
    tokens: float

    def within(self, opened: float, closed: float) -> float:
        """Those after `opened`, until `closed`: every moment belongs to one window."""
        if self.until <= self.since:
            return self.tokens if opened < self.until <= closed else 0.0
        overlap = min(self.until, closed) - max(self.since, opened)
        return self.tokens * max(0.0, overlap) / (self.until - self.since)


@dataclass(frozen=True, slots=True)
class Stay:
    """A request's time at a server, in seconds of one clock; `ended` is now where it goes on.

    `first_token` None: none came. `prompt_tokens` without cached ones.
    """

    request_id: int
    began: float
    ended: float
    first_token: float | None
    prompt_tokens: float
    output: Sequence[Spread]

    def tokens(self, opened: float, closed: float) -> tuple[float, float]:
        """Of the prompt and of the answer in a window."""
        prompt = Spread(self.began, self._prompt_ended, self.prompt_tokens)
        output = math.fsum(spread.within(opened, closed) for spread in self.output)
        return prompt.within(opened, closed), output

    def seconds(self, opened: float, closed: float) -> tuple[float, float]:
        """In flight in a window: before the first token, and after it."""
        before = min(self._prompt_ended, closed) - max(self.began, opened)
        after = min(self.ended, closed) - max(self._prompt_ended, opened)
        return max(0.0, before), max(0.0, after)

    @property
    def _prompt_ended(self) -> float:
        return self.ended if self.first_token is None else self.first_token


def in_flight(stays: Sequence[Stay], opened: float, closed: float) -> list[Stay]:
    """Those at the server in a window, if only for a moment."""
    return [
        stay
        for stay in stays
        if any(stay.seconds(opened, closed)) or any(stay.tokens(opened, closed))
    ]


def parts_of(stays: Sequence[Stay], opened: float, closed: float) -> dict[int, Part]:
    """What part of a window's rest is whose; together 1, or nothing where nobody was in flight."""
    measures: tuple[Callable[[Stay], tuple[float, float]], ...] = (
        lambda stay: stay.tokens(opened, closed),
        lambda stay: stay.seconds(opened, closed),
    )
    for measure in measures:
        told: dict[int, list[tuple[float, float]]] = {}
        for stay in in_flight(stays, opened, closed):  # a request may be there twice, tried again
            told.setdefault(stay.request_id, []).append(measure(stay))
        total = math.fsum(value for pairs in told.values() for pair in pairs for value in pair)
        if total > 0:
            return {
                request_id: Part(
                    math.fsum(value for pair in pairs for value in pair) / total,
                    math.fsum(prompt for prompt, _ in pairs) / total,
                )
                for request_id, pairs in told.items()
            }
    return {}


def busy_part(stays: Sequence[Stay], opened: float, closed: float) -> float:
    """The part of a window in which any request was in flight, from 0 to 1."""
    if closed <= opened:
        return 0.0
    busy, reached = 0.0, opened
    for stay in sorted(stays, key=lambda stay: stay.began):
        since, until = max(stay.began, reached), min(stay.ended, closed)
        if until > since:
            busy += until - since
            reached = until
    return min(1.0, busy / (closed - opened))
