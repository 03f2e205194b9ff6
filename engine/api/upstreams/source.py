"""One request's computation by an upstream."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from engine.api.errors import ApiError
from engine.api.source import EngineKind, Piece, Tally
from engine.api.upstreams import counting, wire
from engine.api.upstreams.dispatch import Dispatch
from engine.api.upstreams.flight import Flight
from engine.api.upstreams.replica import Replica, ServedModel, reason
from engine.api.upstreams.translate import Reader, pieces_of, said_in
from engine.api.upstreams.wire import Broken, Dropped, Unreachable

log = logging.getLogger(__name__)

_LONGEST_CONTEXT = 131_072  # assumed where the upstream does not say
UNBOUNDED = 2**40  # a job's size, where its bytes say nothing of its tokens
_TEMPLATE_TOKENS = 2048  # that a chat template may add to what is sent
_WORTH_ANOTHER_SERVER = frozenset({429, 502, 503})


@dataclass(frozen=True, slots=True)
class Job:
    """What is sent to which `path` of the API: `body`, `size` its bytes. `tenant`: whose turn it
    takes. `with_parts`: whether the answer's parts are wanted beside the upstream's own words."""

    body: dict[str, Any]
    path: str
    size: int
    tenant: int
    answers: int
    max_tokens: int | None  # an answer
    with_parts: bool


class UpstreamSource:
    """Tried at other servers of the same model as long as nothing of an answer has come."""

    engine: EngineKind = "upstream"

    def __init__(
        self, model: ServedModel, job: Job, dispatch: Dispatch, session: aiohttp.ClientSession
    ) -> None:
        self.model = model.name
        self.answers = job.answers
        self.short = False
        self.fingerprint: str | None = None
        known = 0 if job.size == UNBOUNDED else counting.by_length(job.size)
        self.tally = Tally(known, exact=False, cached_is_known=False)
        self.most_tokens = _most_tokens(job, model.context_length)
        self.usage: dict[str, Any] | None = None  # in the upstream's own words
        self._job = job
        self._dispatch = dispatch
        self._session = session
        self._begun = False
        self._texts: list[str] = []
        self._scope: asyncio.Timeout | None = None

    async def pieces(self, request_id: int) -> AsyncIterator[Piece]:
        scope = self._scope = asyncio.timeout(None)
        try:
            async with scope:
                async for piece in self._from_any_server(request_id):
                    yield piece
        except TimeoutError:
            if not scope.expired():
                raise
            self._settle_by_length()

    def abort(self) -> None:
        if self._scope is not None and not self._scope.expired():
            self._scope.reschedule(asyncio.get_running_loop().time())

    async def _from_any_server(self, request_id: int) -> AsyncIterator[Piece]:
        tried: set[Replica] = set()
        dropped: set[Replica] = set()
        last: ApiError | None = None
        while True:
            try:
                replica = await self._dispatch.take(
                    self.model.lower(), self._job.tenant, passed_over=tried
                )
            except ApiError as error:
                raise last or error from None
            try:
                async for piece in self._from_server(replica, request_id):
                    yield piece
                return
            except Broken as error:
                if self._begun:
                    raise _unanswered("broke off its answer", error) from error
                last = _unanswered("does not answer", error)
                if isinstance(error, Unreachable):
                    replica.fail(str(error))
                else:
                    replica.doubt()
                if isinstance(error, Dropped) and replica not in dropped:
                    dropped.add(replica)
                    continue  # a new connection may well do
            except ApiError as error:
                if self._begun or error.status not in _WORTH_ANOTHER_SERVER:
                    raise
                last = error
            finally:
                self._dispatch.give_back(replica, self._job.tenant)
            tried.add(replica)

    async def _from_server(self, replica: Replica, request_id: int) -> AsyncIterator[Piece]:
        streamed = bool(self._job.body.get("stream"))
        flight = replica.machine.begin(request_id, self.tally, streamed=streamed)
        try:
            async with self._open(replica) as response:
                if not streamed:
                    within_s = replica.config.first_token_within_s
                    answer = await wire.whole(response, within_s)
                    flight.tokens(1)
                    for piece in self._whole_pieces(answer):
                        yield piece
                else:
                    async for piece in self._streamed_pieces(response, replica, flight):
                        yield piece
        finally:
            flight.end()
        await self._settle(replica)

    @asynccontextmanager
    async def _open(self, replica: Replica) -> AsyncIterator[aiohttp.ClientResponse]:
        config = replica.config
        try:
            async with self._session.post(
                f"{replica.url}{self._job.path}",
                json=self._job.body,
                headers=replica.headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    sock_connect=config.connect_within_s,
                    sock_read=config.first_token_within_s,
                ),
            ) as response:
                if response.status != 200:
                    raise await wire.refusal(response)
                yield response
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unreachable(f"The connection failed ({reason(error)}).") from error
        except aiohttp.ServerTimeoutError as error:
            raise Broken("It did not answer in time.") from error
        except aiohttp.ServerDisconnectedError as error:
            raise Dropped("It closed the connection.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Dropped(f"The connection broke ({reason(error)}).") from error

    async def _streamed_pieces(
        self, response: aiohttp.ClientResponse, replica: Replica, flight: Flight
    ) -> AsyncIterator[Piece]:
        readers = [Reader() for _ in range(self.answers)] if self._job.with_parts else None
        open_answers = set(range(self.answers))
        async for chunk in wire.events(response, replica.config):
            if "error" in chunk:
                raise wire.failed(chunk)
            with _understood():
                flight.tokens(self._estimate(chunk))
                pieces = self._read(chunk, readers)
            self._begun = True
            for piece in pieces:
                if piece.index not in open_answers:  # it has ended before
                    piece.parts, piece.finish_reason = [], None
                elif piece.finish_reason is not None:
                    open_answers.discard(piece.index)
                yield piece
        if open_answers:
            raise Broken("It ended in the middle of its answer.")

    def _read(self, chunk: dict[str, Any], readers: list[Reader] | None) -> list[Piece]:
        """What a chunk adds; its own words go with the first of its pieces."""
        if wire.take_usage(chunk.get("usage"), self.tally):
            self.usage = chunk["usage"]
        pieces = [p for p in pieces_of(chunk, readers) if 0 <= p.index < self.answers]
        if pieces:
            pieces[0].raw = chunk
        return pieces

    def _whole_pieces(self, answer: dict[str, Any]) -> list[Piece]:
        with _understood():
            for choice in answer["choices"]:
                self._texts += said_in(choice, "message")
            if wire.take_usage(answer.get("usage"), self.tally):
                self.usage = answer["usage"]
            pieces = [p for p in pieces_of(answer, None) if 0 <= p.index < self.answers]
        if {piece.index for piece in pieces if piece.finish_reason} != set(range(self.answers)):
            raise Broken("Its answer is not complete.")
        self._begun = True
        pieces[0].raw = answer
        return pieces

    def _estimate(self, chunk: dict[str, Any]) -> int:
        """Until the upstream says better, a chunk with text in it is a token."""
        count = 0
        for choice in chunk.get("choices") or ():
            if texts := said_in(choice, "delta"):
                self._texts += texts
                count += 1
        if not self.tally.exact:
            self.tally.output_tokens += count
        return count

    async def _settle(self, replica: Replica) -> None:
        """Where the upstream told no usage, count."""
        if self.usage is not None:
            return
        text = "".join(self._texts)
        try:
            prompt, _ = await counting.count_prompt(self._session, replica, self._job.body)
            self.tally.input_tokens = prompt
            self.tally.output_tokens = await counting.count_text(self._session, replica, text)
        except Exception:  # the answer is out already
            log.exception("The tokens of an answer of %s are estimated by length.", replica.url)
            self._settle_by_length()

    def _settle_by_length(self) -> None:
        """An answer that was cut: nobody is asked any more."""
        if self.usage is None:
            size = len("".join(self._texts).encode())
            self.tally.output_tokens = max(self.tally.output_tokens, counting.by_length(size))


def _unanswered(what: str, error: Broken) -> ApiError:
    code = "upstream_unreachable" if what == "does not answer" else "upstream_broke_off"
    return ApiError(502, f"The upstream {what}: {error}", type="server_error", code=code)


@contextmanager
def _understood() -> Iterator[None]:
    """What has another shape than a completion's is the upstream's fault, and told as such."""
    try:
        yield
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise Broken("It sent something that is no completion.") from error


def _most_tokens(job: Job, context: int | None) -> int:
    """A byte of text is a token at most, the template adds some, and nothing is longer than the
    context."""
    longest = context or _LONGEST_CONTEXT
    most = job.size + _TEMPLATE_TOKENS + job.answers * min(job.max_tokens or longest, longest)
    return min(most, job.answers * longest)
