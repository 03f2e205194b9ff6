"""Replicas with continuous batching at one queue, as a discrete-event simulation.

A replica does one thing at a time. A prompt is read first, alone, as soon as the step under way has
ended; the answer's first token comes with it. Then all sequences get one token a step. This is the
prefill-first schedule that vLLM has unless prompts are read in chunks ("Optimization and Tuning",
https://docs.vllm.ai/en/v0.8.3/performance/optimization.html). Prompts read in chunks beside
decoding take longer to their first token and disturb running answers less; the work is the same.

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


class Service:
    """The queue and the replicas behind it. A request goes to the replica with the fewest sequences
    that is not reading a prompt and has room for more; without such a one it waits until there is.

    What happened to each request is in `read_s` (when its prompt was begun), `first_token_s` and
    `finished_s`; `decoded` has every stretch of steps: its start, its end, and the batch.
    """

    def __init__(self, speed: Speed, requests: Requests) -> None:
        self.environment = simpy.Environment()
        self.prefill_tokens_per_s = speed.prefill_tokens_per_s
        self.most_at_once = speed.most_at_once
        self.at_s: list[float] = requests.at_s.tolist()
        self.prompts: list[int] = requests.prompt_tokens.tolist()
        self.answers: list[int] = requests.answer_tokens.tolist()
        self.read_s, self.first_token_s, self.finished_s = (
            [math.nan] * len(self.at_s) for _ in range(3)
        )
        self.decoded: list[tuple[float, float, int]] = []
        self.waiting: deque[int] = deque()
        self._step_s = speed.step_s
        self._known_steps: dict[int, float] = {}
        self.replicas = [Replica(self) for _ in range(speed.replicas)]

    def run(self) -> None:
        """Until every request is served."""
        self.environment.process(self._arrive())
        self.environment.run()

    def step_s(self, batch: int) -> float:
        found = self._known_steps.get(batch)
        if found is None:
            found = self._known_steps[batch] = self._step_s(batch)
            if not 0 < found < math.inf:
                raise ValueError(f"A decoding step takes some time, not {found} s.")
        return found

    def _arrive(self) -> Process:
        environment = self.environment
        for request, at_s in enumerate(self.at_s):
            yield environment.timeout(max(at_s - environment.now, 0.0))
            free = [replica for replica in self.replicas if replica.available]
            if free:
                min(free, key=lambda replica: len(replica.ends)).take(request)
            else:
                self.waiting.append(request)


class Replica:
    """`ends` has, for each sequence, after which step it is complete, and its request.

    `available`: it would begin with another prompt within a step. Whoever waits in the queue came
    while no replica was, and one that becomes so looks there first: nobody is overtaken.
    """

    def __init__(self, service: Service) -> None:
        self.ends: list[tuple[int, int]] = []
        self.available = False
        self._service = service
        self._steps = 0
        self._given: int | None = None
        self._bell: simpy.Event | None = None
        self._process = service.environment.process(self._work())

    def take(self, request: int) -> None:
        """Read its prompt next: at once when idle, or after the step under way."""
        self.available = False
        self._given = request
        if self._bell is None:
            self._process.interrupt()
        else:
            self._bell.succeed()
            self._bell = None

    def _work(self) -> Process:
        while True:
            request = self._next()
            if request is not None:
                yield from self._read(request)
            elif self.ends:
                yield from self._decode()
            else:
                yield self._idle()

    def _next(self) -> int | None:
        if self._given is not None:
            request, self._given = self._given, None
            return request
        service = self._service
        if service.waiting and len(self.ends) < service.most_at_once:
            return service.waiting.popleft()
        return None

    def _idle(self) -> simpy.Event:
        self._bell = self._service.environment.event()
        self.available = True
        return self._bell

    def _read(self, request: int) -> Process:
        service, environment = self._service, self._service.environment
        service.read_s[request] = environment.now
        yield environment.timeout(service.prompts[request] / service.prefill_tokens_per_s)
        service.first_token_s[request] = environment.now
        more = service.answers[request] - 1
        if more:
            heappush(self.ends, (self._steps + more, request))
        else:
            service.finished_s[request] = environment.now

    def _decode(self) -> Process:
        """Steps until a sequence is complete, or a prompt has come that there is room for."""
        service, environment = self._service, self._service.environment
        batch = len(self.ends)
        step_s, steps = service.step_s(batch), self.ends[0][0] - self._steps
        begun = environment.now
        self.available = batch < service.most_at_once
        try:
            yield environment.timeout(steps * step_s)
            self.available = False
        except simpy.Interrupt:
            steps = min(steps, math.ceil((environment.now - begun) / step_s))
            yield environment.timeout(max(begun + steps * step_s - environment.now, 0.0))
        ended = environment.now
        service.decoded.append((begun, ended, batch))
        self._steps += steps
        while self.ends and self.ends[0][0] <= self._steps:
            service.finished_s[heappop(self.ends)[1]] = ended
