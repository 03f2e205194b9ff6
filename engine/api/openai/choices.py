"""Answers that go out as a list of choices: to a chat, and to texts that are continued."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from db.ids import id_to_text
from engine.api.answer import Answer, Finished
from engine.api.errors import as_api_error
from engine.api.openai.choice import Choice
from engine.api.openai.continuation import Continuation
from engine.api.openai.fields import StreamOptions
from engine.api.openai.kinds import Kind
from engine.api.openai.usage import usage_of
from engine.api.reply import KEEP_ALIVE_EVERY_S, extension
from engine.api.source import Piece
from engine.api.sse import DONE, KEEP_ALIVE, data


class ChoicesReply:
    """Puts a request's outputs into OpenAI's words."""

    def __init__(
        self,
        answer: Answer,
        kind: Kind,
        choices: Sequence[Choice | Continuation],
        options: StreamOptions | None,
    ) -> None:
        self.answer = answer
        self.streamed = answer.row.streamed
        self.headers = {"x-request-id": id_to_text(answer.row.id)}
        self._kind = kind
        self._include_usage = options is not None and options.include_usage
        self._choices = choices
        self._common = {
            "id": f"{kind.prefix}-{id_to_text(answer.row.id)}",
            "created": answer.row.started_at // 1000,
            "model": answer.row.model,
            "system_fingerprint": answer.source.fingerprint,
        }

    async def collect(self) -> dict[str, Any]:
        """All of it."""
        while not isinstance(item := await self.answer.next(), Finished):
            assert item is not None
            for _ in self._choices[item.index].deltas(item):
                pass
        return {
            **self._common,
            "object": self._kind.whole,
            "choices": [choice.whole() for choice in self._choices],
            "usage": usage_of(item.tally),
            "breakeven": extension(self.answer, item),
        }

    async def events(self, item: Piece | Finished | None) -> AsyncIterator[bytes]:
        """Chunks as events, `item` the first piece (None: not yet).

        An error on the way is the last event. The end is told once the row is durable.
        """
        try:
            while not isinstance(item, Finished):
                if item is None:
                    yield KEEP_ALIVE
                else:
                    for delta in self._choices[item.index].deltas(item):
                        yield data(self._chunk([delta]))
                item = await self.answer.next(KEEP_ALIVE_EVERY_S)
        except Exception as error:
            yield data(as_api_error(error).body)
            return
        *ends, last = (self._chunk([choice.end()]) for choice in self._choices)
        for end in (*ends, {**last, "breakeven": extension(self.answer, item)}):
            yield data(end)
        if self._include_usage:
            yield data({**self._chunk([]), "usage": usage_of(item.tally)})
        yield DONE

    def _chunk(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        chunk = {**self._common, "object": self._kind.chunk, "choices": choices}
        return {**chunk, "usage": None} if self._include_usage else chunk
