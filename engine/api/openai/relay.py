"""Completions that an upstream answers: passed on in its own words, metered here."""

from collections.abc import AsyncIterator
from typing import Any

from pydantic import Field, ValidationError
from pydantic_core import from_json

from db.ids import id_to_text
from engine.api.answer import Answer, Finished
from engine.api.errors import as_api_error, invalid
from engine.api.openai.completions_schema import MOST_PROMPTS
from engine.api.openai.fields import MOST_ANSWERS, StreamOptions, refusal
from engine.api.openai.kinds import COMPLETION, Kind
from engine.api.openai.usage import usage_of
from engine.api.reply import KEEP_ALIVE_EVERY_S, extension
from engine.api.schema_parts import Part
from engine.api.service import Call, Service
from engine.api.source import Piece
from engine.api.sse import DONE, KEEP_ALIVE, data
from engine.api.upstreams.source import UNBOUNDED, Job, UpstreamSource


class RelayedRequest(Part):
    """What the gateway itself has to know of a request; all else is the upstream's to check."""

    model: str
    messages: list[Any] | None = None
    prompt: Any = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = Field(None, ge=1, le=MOST_ANSWERS)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)

    def answers(self, kind: Kind) -> int:
        """`n`, to each prompt of completions: a list of texts or of lists of tokens is several."""
        prompts = self.prompt if kind is COMPLETION and isinstance(self.prompt, list) else []
        several = bool(prompts) and not isinstance(prompts[0], int)
        count = (self.n or 1) * (len(prompts) if several else 1)
        if count > MOST_PROMPTS:
            raise invalid(f"At most {MOST_PROMPTS} answers are given, n times all prompts.", "n")
        return count

    @property
    def most_tokens(self) -> int | None:
        """Of an answer; of two limits the larger one, as servers differ in which they heed."""
        limits = [limit for limit in (self.max_completion_tokens, self.max_tokens) if limit]
        return max(limits, default=None)

    def size(self, body: bytes) -> int:
        """Bytes of the text that is sent; a picture's tokens are not bounded by its bytes."""
        contents = [m.get("content") for m in self.messages or () if isinstance(m, dict)]
        parts = [part for content in contents if isinstance(content, list) for part in content]
        only_text = all(isinstance(part, dict) and part.get("type") == "text" for part in parts)
        return len(body) if only_text else UNBOUNDED

    @property
    def wants_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage


def relayed(service: Service, call: Call, body: bytes, kind: Kind) -> "RelayReply | None":
    """The answer to a request for a model of an upstream; None where it is for another one, or no
    request at all. An ApiError (400, with the field at fault) where it is half of one."""
    if not service.upstreams:  # the body is read by who computes it, and only once
        return None
    try:
        content = from_json(body)
        upstream = service.upstream_of(content["model"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if upstream is None:
        return None
    try:
        wanted = RelayedRequest.model_validate(content)
    except ValidationError as error:
        raise refusal(error.errors(include_url=False)[0]) from None
    job = Job(
        content,
        kind.path,
        wanted.size(body),
        call.caller.developer_id,
        wanted.answers(kind),
        wanted.most_tokens,
        with_parts=False,
    )
    source = upstream.source(job)
    answer = service.answer(call, source, streamed=bool(wanted.stream))
    return RelayReply(answer, source, kind, wants_usage=wanted.wants_usage)


class RelayReply:
    """The upstream's chunks under this gateway's id."""

    def __init__(
        self, answer: Answer, source: UpstreamSource, kind: Kind, *, wants_usage: bool
    ) -> None:
        self.answer = answer
        self.streamed = answer.row.streamed
        self.headers = {"x-request-id": id_to_text(answer.row.id)}
        self._source = source
        self._wants_usage = wants_usage
        self._id = f"{kind.prefix}-{id_to_text(answer.row.id)}"

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
        last: dict[str, Any] | None = None
        try:
            while not isinstance(item, Finished):
                if item is None:
                    yield KEEP_ALIVE
                elif item.raw is not None:
                    last = self._told(item.raw)
                    if _is_end(item):
                        ends.append(last)
                    else:
                        yield data(last)
                item = await self.answer.next(KEEP_ALIVE_EVERY_S)
        except Exception as error:
            yield data(as_api_error(error).body)
            return
        if ends:
            ends[-1]["breakeven"] = extension(self.answer, item)
        for end in ends:
            yield data(end)
        if last is not None and self._wants_usage:
            usage = self._source.usage or usage_of(item.tally)
            yield data({**last, "choices": [], "usage": usage})
        yield DONE

    def _told(self, chunk: dict[str, Any]) -> dict[str, Any]:
        chunk = {**chunk, "id": self._id, "model": self.answer.row.model}
        if not self._wants_usage:
            chunk.pop("usage", None)
        return chunk


def _is_end(piece: Piece) -> bool:
    """A chunk that ends an answer, and is about no other."""
    assert piece.raw is not None
    return piece.finish_reason is not None and len(piece.raw["choices"]) == 1
