"""Chat completions that an upstream answers: passed on in its own words, metered here."""

from collections.abc import AsyncIterator
from typing import Any

from pydantic import Field, ValidationError

from db.ids import id_to_text
from engine.api.answer import Answer, Finished
from engine.api.errors import as_api_error
from engine.api.openai.schema import MOST_ANSWERS, StreamOptions, api_error
from engine.api.openai.usage import usage_of
from engine.api.reply import KEEP_ALIVE_EVERY_S, extension
from engine.api.schema_parts import Part
from engine.api.source import Piece
from engine.api.sse import DONE, KEEP_ALIVE, data
from engine.api.upstreams.source import UpstreamSource


class RelayedRequest(Part):
    """What the gateway itself has to know of a request; all else is the upstream's to check."""

    model: str
    messages: list[Any] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = Field(None, ge=1, le=MOST_ANSWERS)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)

    @property
    def streamed(self) -> bool:
        return bool(self.stream)

    @property
    def most_tokens(self) -> int | None:
        """Of an answer."""
        limits = [limit for limit in (self.max_completion_tokens, self.max_tokens) if limit]
        return min(limits, default=None)

    @property
    def wants_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage


def parse_relayed(body: Any) -> RelayedRequest:
    """An ApiError (400, with the field at fault) where it is not one."""
    try:
        return RelayedRequest.model_validate(body)
    except ValidationError as error:
        raise api_error(error.errors(include_url=False)[0]) from None


class RelayReply:
    """The upstream's chunks under this gateway's id."""

    def __init__(self, answer: Answer, source: UpstreamSource, wanted: RelayedRequest) -> None:
        self.answer = answer
        self.streamed = wanted.streamed
        self.headers = {"x-request-id": id_to_text(answer.row.id)}
        self._source = source
        self._wants_usage = wanted.wants_usage
        self._id = f"chatcmpl-{id_to_text(answer.row.id)}"

    async def collect(self) -> dict[str, Any]:
        whole: dict[str, Any] = {}
        while not isinstance(item := await self.answer.next(), Finished):
            assert item is not None
            whole = item.raw or whole
        told = {"id": self._id, "model": self.answer.row.model}
        return {
            **whole,
            **told,
            "usage": self._source.usage or usage_of(item.tally),
            "breakeven": extension(self.answer, item),
        }

    async def events(self, item: Piece | Finished | None) -> AsyncIterator[bytes]:
        """What ends an answer waits until the row is durable."""
        ends: list[dict[str, Any]] = []
        try:
            while not isinstance(item, Finished):
                if item is None:
                    yield KEEP_ALIVE
                elif item.raw is not None and item.finish_reason is None:
                    yield data(self._told(item.raw))
                elif item.raw is not None:
                    ends.append(self._told(item.raw))
                item = await self.answer.next(KEEP_ALIVE_EVERY_S)
        except Exception as error:
            yield data(as_api_error(error).body)
            return
        if ends:
            ends[-1]["breakeven"] = extension(self.answer, item)
        for end in ends:
            yield data(end)
        if ends and self._wants_usage:
            usage = self._source.usage or usage_of(item.tally)
            yield data({**ends[-1], "choices": [], "usage": usage})
        yield DONE

    def _told(self, chunk: dict[str, Any]) -> dict[str, Any]:
        chunk = {**chunk, "id": self._id, "model": self.answer.row.model}
        if not self._wants_usage:
            chunk.pop("usage", None)
        return chunk
