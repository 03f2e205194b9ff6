"""Tells once a second what goes through the upstreams."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from engine.api.answer import Answer
from engine.api.source import Tally
from engine.api.upstreams.dispatch import Dispatch
from engine.api.upstreams.flow import SAMPLED_EVERY_S, Flow, UpstreamLoad

log = logging.getLogger(__name__)


class Sampler:
    """`answers` are those in flight, the engine's here included. Lives on one event loop."""

    def __init__(
        self,
        dispatch: Dispatch,
        answers: Callable[[], Iterable[Answer]],
        tell: Callable[[UpstreamLoad], None],
    ) -> None:
        self._dispatch, self._answers, self._tell = dispatch, answers, tell
        self._flow = Flow()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._sample(), name="upstream-flow")

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def over(self, request_id: int, tally: Tally) -> None:
        """A request that an upstream answered is over."""
        self._flow.over(request_id, tally)

    async def _sample(self) -> None:
        """What goes wrong is logged once, and the next second is told all the same."""
        is_logged = False
        while True:
            await asyncio.sleep(SAMPLED_EVERY_S)
            try:
                self._take()
            except Exception:
                if not is_logged:
                    log.exception("What the upstreams do could not be told; going on.")
                is_logged = True

    def _take(self) -> None:
        for answer in self._answers():
            if answer.row.engine == "upstream":
                self._flow.note(answer.row.id, answer.source.tally)
        self._tell(self._flow.take(self._dispatch.running, self._dispatch.waiting))
