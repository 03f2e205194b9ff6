"""A real worker process, asked directly, with the joules that each request was charged."""

import math
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.energy.meter_set import MeterSet, detect
from engine.energy.window import EnergyWindow
from engine.runtime.protocol import Configure, Energy, Ready, SamplingParams, Step, Submit
from tests.conftest import make_home
from tests.engine.runtime.test_worker import Gateway

VOCABULARY = range(100, 49_000)  # of the default model, without what is special
# Hot, so that no answer ends before its number of tokens; seeded, so that it is the same each time.
HOT = 5.0


@dataclass(frozen=True)
class Charged:
    """What one request was charged; `steps` of decoding follow the one that ends the prompt."""

    whole_j: float
    prompt_j: float
    prompt_tokens: int
    output_tokens: int

    @property
    def answer_j(self) -> float:
        return self.whole_j - self.prompt_j

    @property
    def token_j(self) -> float:
        """Of an answer's token; the first one comes out of the prompt's last step."""
        return self.answer_j / (self.output_tokens - 1)


@dataclass(frozen=True)
class Served:
    """Requests, and the windows from the last idle one before them to their end, between two
    readings of a meter of the benchmark's own."""

    charged: Mapping[int, Charged]
    windows: list[EnergyWindow]
    read_j: float
    seconds: float

    def total(self, part: Callable[[EnergyWindow], float | None]) -> float:
        return math.fsum(part(window) or 0.0 for window in self.windows)


class Machine:
    """The worker, and a second set of meters in this process."""

    def __init__(self, gateway: Gateway, ready: Ready, meters: MeterSet) -> None:
        self.gateway, self.ready = gateway, ready
        self._meters = meters
        self._last_id = 0

    def request(self, prompt: int, answer: int, seed: int = 1) -> Submit:
        """Of so many random tokens each: the same for the same seed, but nothing of it in the
        cache, as each has a tenant of its own."""
        self._last_id += 1
        ids = np.random.default_rng(seed).choice(VOCABULARY, size=prompt).tolist()
        sampling = SamplingParams(answer, HOT, seed=seed)
        return Submit(self._last_id, [ids], sampling, tenant=self._last_id)

    def use_experts(self, per_token: int | None) -> None:
        self.gateway.send(Configure(per_token))

    def read_j(self) -> float:
        return math.fsum(count.joules for m in self._meters.meters for count in m.read().values())

    def idle_w(self, windows: int) -> float:
        """Watts by the benchmark's own meters while the worker has nothing to do."""
        self._next_idle()
        before, started = self.read_j(), time.monotonic()
        for _ in range(windows):
            self._next_idle()
        return (self.read_j() - before) / (time.monotonic() - started)

    def serve(
        self, *requests: Submit, then: Callable[[int], Submit | None] = lambda _: None
    ) -> Served:
        """Sends these at once and reads to the last one's end. `then`: what follows one's end."""
        self._next_idle()
        before, started = self.read_j(), time.monotonic()
        self.gateway.send(*requests)
        asked = {request.request_id: request for request in requests}
        outputs: dict[int, int] = {}
        windows: list[EnergyWindow] = []
        after, ended = before, started
        while len(outputs) < len(asked):
            message = self.gateway.next()
            if isinstance(message, Energy):
                windows.append(message.window)
                after, ended = self.read_j(), time.monotonic()
            if isinstance(message, Step):
                for output in message.outputs:
                    if output.finish_reason is None:
                        continue
                    assert output.error is None, output.error
                    outputs[output.request_id] = output.output_tokens
                    if following := then(output.request_id):
                        asked[following.request_id] = following
                        self.gateway.send(following)
        charged = {
            number: Charged(
                math.fsum(window.shares.get(number) or 0.0 for window in windows),
                math.fsum(window.prefill.get(number, 0.0) for window in windows),
                len(request.prompts[0]),
                outputs[number],
            )
            for number, request in asked.items()
        }
        return Served(charged, windows, after - before, ended - started)

    def _next_idle(self) -> None:
        """To the end of the worker's current window, without a request in it."""
        while not isinstance(self.gateway.next(), Energy):
            pass


@contextmanager
def machine(weights: Path, calibration: Path | None) -> Iterator[Machine]:
    """Starts the worker on the default model with this calibration."""
    with tempfile.TemporaryDirectory(prefix="breakeven-energy-") as folder:
        home = make_home(Path(folder) / "home", weights.parent)
        if calibration:
            (home / "calibration.json").write_bytes(calibration.read_bytes())
        gateway = Gateway(weights, home)
        try:
            ready = gateway.next()
            assert isinstance(ready, Ready), ready
            yield Machine(gateway, ready, detect())
        finally:
            gateway.close()
