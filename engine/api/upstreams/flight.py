"""One request's stay at a server, noted as it goes."""

from collections.abc import Callable

from engine.api.source import Tally
from engine.api.upstreams.sharing import Spread, Stay

_TOGETHER_S = 0.1  # pieces that come faster are noted as one


class Flight:
    """`tally` is what the request's source knows of its tokens, now and later."""

    def __init__(
        self, request_id: int, tally: Tally, clock: Callable[[], float], *, streamed: bool
    ) -> None:
        self.began = clock()
        self.ended: float | None = None
        self.first_token: float | None = None
        self._request_id, self._tally, self._clock = request_id, tally, clock
        self._streamed = streamed
        self._output: list[Spread] = []
        self._counted = 0

    def tokens(self, count: int) -> None:
        """So many came just now, about; all of the answer where it is not streamed."""
        if count < 1:
            return
        now = self._clock()
        self._counted += count
        if self.first_token is None:
            self.first_token = now
            self._output = [Spread(now if self._streamed else self.began, now, count)]
            return
        last = self._output[-1]
        if last.since < last.until and now - last.since < _TOGETHER_S:
            self._output[-1] = Spread(last.since, now, last.tokens + count)
        else:
            self._output.append(Spread(last.until, now, count))

    def end(self) -> None:
        """It is over, well or not."""
        if self.ended is None:
            self.ended = self._clock()

    @property
    def is_clear(self) -> bool:
        """Whether its prompt's end is known."""
        return self.first_token is not None or self.ended is not None

    def stay(self, now: float) -> Stay:
        """As far as it is known now."""
        tally = self._tally
        scale = tally.output_tokens / self._counted if self._counted else 0.0
        return Stay(
            self._request_id,
            self.began,
            now if self.ended is None else self.ended,
            self.first_token,
            max(0, tally.input_tokens - tally.cached_input_tokens),
            [Spread(one.since, one.until, one.tokens * scale) for one in self._output],
        )

    def forget(self, before: float) -> None:
        """Nobody asks for earlier tokens any more, but for when the last of them came."""
        kept = [one for one in self._output[:-1] if one.until > before]
        self._output = kept + self._output[-1:]
