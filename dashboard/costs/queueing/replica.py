"""Replicas with continuous batching at one queue, as a discrete-event simulation.

A replica does one thing at a time. A prompt is read first, alone, as soon as the step under way has
ended; the answer's first token comes with it. Then all sequences get one token a step. This is the
prefill-first schedule that vLLM had by default (its documentation, 0.8.3: docs.vllm.ai/en/v0.8.3/performance/optimization.html).
Prompts read in chunks beside decoding, as newer engines do, take longer to their first token and
disturb running answers less; the work is the same.

Steps in which nothing changes pass as one event, so that time goes with the requests, not with
their tokens.
"""

import math
from collections import deque
from collections.abc import Generator
from heapq import heappop, heappush
from typing import Any

import simpy

from dashboard.costs.queueing.arrivals import Requests
from dashboard.costs.queueing.speed import Speed

Process = Generator[simpy.Event, Any, None]


class Level:
    """A number that changes now and then, and its mean over a window of time."""

    def __init__(self, start_s: float, end_s: float) -> None:
        self.value = 0
        self.area = 0.0
        self._start_s, self._end_s = start_s, end_s
        self._since_s = 0.0

    def change(self, now_s: float, by: int) -> None:
        begun, ended = max(self._since_s, self._start_s), min(now_s, self._end_s)
        if ended > begun:
            self.area += self.value * (ended - begun)
        self._since_s = now_s
        self.value += by


class Service:
    """The queue, the replicas behind it, and what happened to each request."""

    def __init__(self, speed: Speed, requests: Requests, start_s: float, end_s: float) -> None:
        self.environment = simpy.Environment()
        self.prefill_tokens_per_s = speed.prefill_tokens_per_s
        self.most_at_once = speed.most_at_once
        self.at_s: list[float] = requests.at_s.tolist()
        self.prompts: list[int] = requests.prompt_tokens.tolist()
        self.answers: list[int] = requests.answer_tokens.tolist()
        self.first_token_s = [math.nan] * len(self.at_s)
        self.finished_s = [math.nan] * len(self.at_s)
        self.waiting: deque[int] = deque()
        self.queued, self.inside, self.busy, self.decoding, self.sequences = (
            Level(start_s, end_s) for _ in range(5)
        )
        self._step_s = speed.step_s
        self._known_steps: dict[int, float] = {}
        self.replicas = [Replica(self) for _ in range(speed.replicas)]

    def run(self) -> None:
        """Until every request is served."""
        self.environment.process(self._arrive())
        self.environment.run()
        for level in (self.queued, self.inside, self.busy, self.decoding, self.sequences):
            level.change(math.inf, 0)

    def step_s(self, batch: int) -> float:
        found = self._known_steps.get(batch)
        if found is None:
            found = self._known_steps[batch] = self._step_s(batch)
            if not 0 < found < math.inf:
                raise ValueError(f"A decoding step takes some time, not {found} s.")
        return found

    def next_prompt(self) -> int:
        self.queued.change(self.environment.now, -1)
        return self.waiting.popleft()

    def finish(self, request: int) -> None:
        now = self.environment.now
        self.finished_s[request] = now
        self.inside.change(now, -1)

    def _arrive(self) -> Process:
        environment = self.environment
        for request, at_s in enumerate(self.at_s):
            yield environment.timeout(max(at_s - environment.now, 0.0))
            self.waiting.append(request)
            self.queued.change(environment.now, 1)
            self.inside.change(environment.now, 1)
            self._call_a_replica()

    def _call_a_replica(self) -> None:
        """The one with the fewest sequences that is not reading a prompt and has room for more.
        Without such a one the request waits until one looks for it."""
        free = [replica for replica in self.replicas if replica.available]
        if free:
            min(free, key=lambda replica: len(replica.ends)).call()


class Replica:
    """`ends` has, for each sequence, after which step it is complete, and its request."""

    def __init__(self, service: Service) -> None:
        self.ends: list[tuple[int, int]] = []
        self.available = False
        self._service = service
        self._steps = 0
        self._bell: simpy.Event | None = None
        self._process = service.environment.process(self._work())

    def call(self) -> None:
        """Have it look at the queue: at once if it is idle, or after the step under way."""
        self.available = False
        if self._bell is None:
            self._process.interrupt()
        else:
            self._bell.succeed()
            self._bell = None

    def _work(self) -> Process:
        service = self._service
        while True:
            if service.waiting and len(self.ends) < service.most_at_once:
                yield from self._read(service.next_prompt())
            elif self.ends:
                yield from self._decode()
            else:
                yield self._idle()

    def _idle(self) -> simpy.Event:
        self._bell = self._service.environment.event()
        self.available = True
        return self._bell

    def _read(self, request: int) -> Process:
        service, environment = self._service, self._service.environment
        service.busy.change(environment.now, 1)
        yield environment.timeout(service.prompts[request] / service.prefill_tokens_per_s)
        now = environment.now
        service.busy.change(now, -1)
        service.first_token_s[request] = now
        more = service.answers[request] - 1
        if more:
            heappush(self.ends, (self._steps + more, request))
        else:
            service.finish(request)

    def _decode(self) -> Process:
        """Steps until a sequence is complete, or a prompt has come that there is room for."""
        service, environment = self._service, self._service.environment
        batch = len(self.ends)
        step_s, steps = service.step_s(batch), self.ends[0][0] - self._steps
        begun = environment.now
        self._count(begun, batch, 1)
        self.available = batch < service.most_at_once
        try:
            yield environment.timeout(steps * step_s)
            self.available = False
        except simpy.Interrupt:
            steps = min(steps, math.ceil((environment.now - begun) / step_s))
            yield environment.timeout(max(begun + steps * step_s - environment.now, 0.0))
        self._count(environment.now, -batch, -1)
        self._steps += steps
        while self.ends and self.ends[0][0] <= self._steps:
            service.finish(heappop(self.ends)[1])

    def _count(self, now_s: float, sequences: int, replicas: int) -> None:
        self._service.busy.change(now_s, replicas)
        self._service.decoding.change(now_s, replicas)
        self._service.sequences.change(now_s, sequences)
