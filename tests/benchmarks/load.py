"""Loads a chat endpoint: as fast as it goes over kept connections, or at a given rate.

A bare HTTP/1.1 client on an event loop of its own. Answers are kept as they came and read only
after the time is taken, so that checking them costs the gateway under test nothing.
"""

import asyncio
import gc
import json
import random
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from tests.benchmarks.instant_upstream import ANSWER, CONTENT_LENGTH, HEAD_END, MODEL, USAGE

ANSWER_WITHIN_S = 60.0


@dataclass(frozen=True)
class Target:
    """A server on this machine, and the key it wants."""

    name: str
    port: int
    key: str = "none"
    rows: Callable[[], int] | None = None  # how many requests its log holds as answered

    def request(self, *, stream: bool) -> bytes:
        body: dict[str, Any] = {
            "model": MODEL,
            "messages": [{"role": "user", "content": "Say twenty words."}],
        }
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        payload = json.dumps(body).encode()
        head = (
            "POST /v1/chat/completions HTTP/1.1\r\n"
            f"host: localhost:{self.port}\r\n"
            f"authorization: Bearer {self.key}\r\n"
            "content-type: application/json\r\n"
            f"content-length: {len(payload)}"
        )
        return head.encode() + HEAD_END + payload


@dataclass
class Run:
    """What one load came to: its length, the milliseconds of each good answer, the bad ones."""

    elapsed_s: float
    answered: int  # with status 200, whatever the body, warming up included
    rows: int = 0  # by which the target's log grew
    taken_ms: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return len(self.taken_ms) / self.elapsed_s

    def quantile_ms(self, percent: int) -> float:
        return statistics.quantiles(self.taken_ms, n=100)[percent - 1]


class Connection(asyncio.Protocol):
    """A kept connection that carries one request at a time."""

    def __init__(self) -> None:
        self._waiting: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    async def ask(self, request: bytes) -> bytes:
        """The whole answer, head included; `ConnectionError` if it is cut off."""
        self._waiting = asyncio.get_running_loop().create_future()
        self._received = bytearray()
        self._whole: int | None = None
        self.transport.write(request)
        return await self._waiting

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._waiting is not None and self._is_whole():
            waiting, self._waiting = self._waiting, None
            waiting.set_result(bytes(self._received))

    def _is_whole(self) -> bool:
        if self._whole is None:
            head_end = self._received.find(HEAD_END)
            if head_end < 0:
                return False
            length = CONTENT_LENGTH.search(self._received, 0, head_end)
            # Without a length the body is chunked, and a JSON text has no line of "0" in it.
            self._whole = head_end + len(HEAD_END) + int(length[1]) if length else 0
        if self._whole:
            return len(self._received) >= self._whole
        return self._received.endswith(b"\r\n0" + HEAD_END)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionError("closed before the answer's end"))


class Client:
    """Asks one target the same thing again and again and remembers what came back and when."""

    def __init__(self, target: Target, *, stream: bool) -> None:
        self.target = target
        self.stream = stream
        self._request = target.request(stream=stream)
        self._idle: list[Connection] = []
        self._answers: list[tuple[float, bytes]] = []
        self._errors: list[str] = []
        self._answered = 0

    async def ask(self, since: float) -> None:
        """One request on an idle connection or a new one, timed from `since`."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                connection = self._idle_connection() or await self._connect()
                answer = await connection.ask(self._request)
        except (OSError, TimeoutError) as error:
            self._errors.append(f"{type(error).__name__}: {error}")
            return
        self._answers.append(((time.perf_counter() - since) * 1000, answer))
        self._answered += answer.startswith(b"HTTP/1.1 200")
        self._idle.append(connection)

    def _idle_connection(self) -> Connection | None:
        """A connection that the server has not closed for being idle too long."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.transport.is_closing():
                return connection
        return None

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, "localhost", self.target.port)
        return connection

    async def warm_up(self, connections: int) -> None:
        """Open the connections and forget their first answers."""
        for _ in range(3):
            await asyncio.gather(*[self.ask(time.perf_counter()) for _ in range(connections)])
        self._answers.clear()

    def close(self) -> None:
        for connection in self._idle:
            connection.transport.close()

    def told(self, elapsed_s: float) -> Run:
        """The run's figures, its answers read only now."""
        run = Run(elapsed_s, self._answered, failures=self._errors)
        for taken_ms, answer in self._answers:
            if fault := fault_of(answer, stream=self.stream):
                run.failures.append(fault)
            else:
                run.taken_ms.append(taken_ms)
        return run


async def flat_out(client: Client, connections: int, seconds: float) -> Run:
    """Closed loop: every connection asks anew as soon as it is answered."""
    await client.warm_up(connections)
    begin = time.perf_counter()

    async def keep_asking() -> None:
        while (now := time.perf_counter()) < begin + seconds:
            await client.ask(now)

    await asyncio.gather(*[keep_asking() for _ in range(connections)])
    elapsed_s = time.perf_counter() - begin
    client.close()
    return client.told(elapsed_s)


async def at_rate(client: Client, rate: float, seconds: float) -> Run:
    """Open loop: requests arrive at random on a timetable, whatever the server does.

    A request's time counts from when it was due, so that waiting in line counts. A thread keeps the
    timetable: the event loop's own timers are a millisecond coarse.
    """
    await client.warm_up(8)
    loop = asyncio.get_running_loop()
    asked: list[asyncio.Task[None]] = []
    begin = time.perf_counter() + 0.1

    def ask(due: float) -> None:
        asked.append(loop.create_task(client.ask(due)))

    def keep_timetable() -> None:
        chance = random.Random(1)
        due = begin
        while due < begin + seconds:
            time.sleep(max(due - time.perf_counter(), 0))
            loop.call_soon_threadsafe(ask, due)
            due += chance.expovariate(rate)

    timetable = threading.Thread(target=keep_timetable)
    timetable.start()
    await asyncio.to_thread(timetable.join)
    await asyncio.gather(*asked)
    elapsed_s = time.perf_counter() - begin
    client.close()
    return client.told(elapsed_s)


def without_pauses(run: Callable[[], Run]) -> Run:
    """The run without this process's garbage collector in its times."""
    gc.collect()
    gc.disable()
    try:
        return run()
    finally:
        gc.enable()


def fault_of(answer: bytes, *, stream: bool) -> str:
    """What is wrong with an answer; empty if it is the upstream's, words and usage."""
    head, _, body = answer.partition(HEAD_END)
    status = head.partition(b"\r\n")[0].decode()
    if not status.startswith("HTTP/1.1 200"):
        return f"{status}: {body[:200].decode(errors='replace')}"
    if b"\r\ntransfer-encoding: chunked" in head.lower():
        body = _unchunked(body)
    try:
        words, usage = _streamed(body) if stream else _whole(body)
    except (ValueError, LookupError, TypeError) as error:
        return f"unreadable answer, {error!r}"
    if words != ANSWER:
        return f"wrong words: {words!r}"
    if any(usage.get(name) != count for name, count in USAGE.items()):
        return f"wrong usage: {usage}"
    return ""


def _unchunked(body: bytes) -> bytes:
    parts = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        parts.append(rest[:length])
        body = rest[length + 2 :]
    return b"".join(parts)


def _whole(body: bytes) -> tuple[str, dict[str, Any]]:
    answer = json.loads(body)
    return answer["choices"][0]["message"]["content"], answer["usage"]


def _streamed(body: bytes) -> tuple[str, dict[str, Any]]:
    *events, last = [
        line.removeprefix("data: ")
        for line in body.decode().splitlines()
        if line.startswith("data:")
    ]
    if last != "[DONE]":
        raise ValueError(f"the stream ends with {last!r}")
    words = ""
    usage: dict[str, Any] = {}
    for chunk in map(json.loads, events):
        words += "".join(choice["delta"].get("content") or "" for choice in chunk["choices"])
        usage = chunk.get("usage") or usage
    return words, usage
