"""Clients of OpenAI's library under whom the product is killed; each notes what it was told."""

import contextlib
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx
import openai
from openai.types.chat import ChatCompletionChunk

MODEL = "smollm2-135m-instruct"
STREAMED_TOKENS = 200
WHOLE_TOKENS = 24
WORDS = ["a boat", "the sea", "an old lighthouse", "a fisherman", "the tide"]


@dataclass(slots=True)
class Told:
    """What a client knows of one request: `received` has the monotonic time of each piece and the
    tokens so far, `output_tokens` is what the end of an answer told (None: it never came)."""

    request_id: int
    developer_id: int
    received: list[tuple[float, int]] = field(default_factory=list)
    output_tokens: int | None = None

    def tokens_until(self, moment: float) -> int:
        return max((tokens for at, tokens in self.received if at <= moment), default=0)

    @property
    def tokens(self) -> int:
        return self.received[-1][1] if self.received else 0


@dataclass(frozen=True, slots=True)
class Seat:
    developer_id: int
    key: str


class Clients:
    """A thread a seat. `whole` is the share of answers that are not streamed."""

    def __init__(
        self,
        url: str,
        seats: Sequence[Seat],
        seed: int,
        streamed_tokens: int = STREAMED_TOKENS,
        whole: float = 1 / 3,
    ) -> None:
        self.told: list[Told] = []
        self.sent: dict[int, int] = {seat.developer_id: 0 for seat in seats}
        self._url = url
        self._streamed_tokens, self._whole = streamed_tokens, whole
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self.answered = threading.Event()  # any of them has got something
        self._threads = [
            threading.Thread(target=self._keep_asking, args=(seat, random.Random(seed + number)))
            for number, seat in enumerate(seats)
        ]
        for thread in self._threads:
            thread.start()

    def ask_no_more(self) -> None:
        """What was asked goes on."""
        self._stopping.set()

    def join(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _keep_asking(self, seat: Seat, chance: random.Random) -> None:
        client = openai.OpenAI(base_url=f"{self._url}/v1", api_key=seat.key, max_retries=0)
        with client:
            while not self._stopping.is_set():
                text = f"Tell me a long story about {chance.choice(WORDS)}, {chance.random()}."
                with self._lock:
                    self.sent[seat.developer_id] += 1
                with contextlib.suppress(openai.OpenAIError, httpx.HTTPError):
                    ask = self._ask_whole if chance.random() < self._whole else self._ask_streamed
                    ask(client, seat, text)

    def _ask_whole(self, client: openai.OpenAI, seat: Seat, text: str) -> None:
        answer = client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": text}],
            max_tokens=WHOLE_TOKENS,
        )
        assert answer.usage is not None
        told = self._note(answer.id, seat)
        told.received.append((time.monotonic(), answer.usage.completion_tokens))
        told.output_tokens = answer.usage.completion_tokens

    def _ask_streamed(self, client: openai.OpenAI, seat: Seat, text: str) -> None:
        told: Told | None = None
        with client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": text}],
            max_tokens=self._streamed_tokens,
            stream=True,
            stream_options={"include_usage": True},
            logprobs=True,  # of which each token has one: they are counted by them
        ) as chunks:
            for chunk in chunks:
                told = told or self._note(chunk.id, seat)
                told.received.append((time.monotonic(), told.tokens + _tokens(chunk)))
                if chunk.usage is not None:
                    told.output_tokens = chunk.usage.completion_tokens

    def _note(self, answer_id: str, seat: Seat) -> Told:
        told = Told(int(answer_id.removeprefix("chatcmpl-"), 16), seat.developer_id)
        with self._lock:
            self.told.append(told)
        self.answered.set()
        return told


def _tokens(chunk: ChatCompletionChunk) -> int:
    logprobs = [choice.logprobs for choice in chunk.choices if choice.logprobs]
    return sum(len(of.content or []) for of in logprobs)
