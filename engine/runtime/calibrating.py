"""Steps of many shapes with the joules that they took: what a step's costs are fitted to."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import psutil

from engine.energy.attribution import Attributor
from engine.energy.processor import processor_time
from engine.energy.window import EnergyWindow
from engine.energy.work import Work
from engine.model.model import Model
from engine.runtime.engine import Engine
from engine.runtime.metered import MeteredEngine
from engine.runtime.protocol import SamplingParams, Submit
from engine.runtime.work import Sizes, work_done

TOGETHER = 8  # requests in one step at most
_SHORT, _LONG = 16, 1024  # tokens before an answer
_FEWEST_STEPS = 3
_IDLE_WINDOWS = 6
# So hot that tokens are drawn nearly evenly: an answer does not end while it is measured.
_TEMPERATURE = 5.0


@dataclass(frozen=True, slots=True)
class Shape:
    """Steps alike: a prompt of `prompt` tokens a step (0: none; longer ones take several steps)
    beside `answers` that are decoded, each behind `context` tokens. `experts`: routed ones a
    token, None: as the model is set."""

    prompt: int = 0
    answers: int = 0
    context: int = 0
    experts: int | None = None

    @property
    def is_mixed(self) -> bool:
        return bool(self.prompt and self.answers)

    def __str__(self) -> str:
        parts = []
        if self.prompt:
            parts.append(f"a prompt of {self.prompt}")
        if self.answers:
            parts.append(f"{self.answers} answers behind {self.context}")
        if self.experts is not None:
            parts.append(f"{self.experts} experts")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Block:
    """Some steps of one shape: how many, what they did, and what that took."""

    shape: Shape
    steps: int
    work: Work
    joules: float


@dataclass(frozen=True, slots=True)
class Idling:
    """The last window of those in which nothing ran, and the part of the processors that other
    programs kept busy meanwhile."""

    window: EnergyWindow
    others: float


def shapes_of(model: Model) -> list[Shape]:
    """Prompts and answers, short and long, few and many together, and few and all experts where
    their number can be set."""
    long = _long_of(model)
    shapes = [Shape(prompt=tokens) for tokens in (16, 64, 256, long)]
    shapes += [Shape(answers=together, context=_SHORT) for together in (1, 2, 4, 8)]
    shapes += [Shape(answers=together, context=long) for together in (1, 3, 8)]
    shapes += [Shape(64, answers=4, context=_SHORT), Shape(16, answers=2, context=long)]
    if routed := model.routing.routed:
        for experts in (routed // 8, routed):
            shapes.append(Shape(prompt=64, experts=experts))
            shapes += [Shape(0, together, _SHORT, experts) for together in (1, 8)]
    return shapes


class Bench:
    """Runs steps and measures them. `settle_s`: what the slowest meter takes to be sure."""

    def __init__(self, engine: Engine, attributor: Attributor, settle_s: float) -> None:
        self._engine = engine
        self._metered = MeteredEngine(engine, attributor)
        self._sizes = Sizes.of(engine.model)
        self._block_s = max(0.6, 2 * settle_s)
        self._idle_s = max(1.0, 2 * settle_s)
        self._random = np.random.default_rng(1)
        self._requests = 0
        self._experts = engine.model.experts_per_token
        # Always the same one, so that it is read from the cache.
        self._long = self._prompt(_long_of(engine.model))

    def warm_up(self) -> None:
        """First steps take longer than those after them."""
        self._submit(self._prompt(64), tokens=8)
        while self._engine.has_work:
            self._engine.step()

    def idle(self) -> Idling:
        """Some seconds without steps, from which the attributor learns idle power."""
        self._metered.close_window()
        started, before = time.monotonic(), processor_time()
        for _ in range(_IDLE_WINDOWS):
            time.sleep(self._idle_s)
            window = self._metered.close_window()
        busy, seconds = processor_time() - before, time.monotonic() - started
        processors = psutil.cpu_count() or 1
        return Idling(window, (busy.everybody_s - busy.own_s) / (seconds * processors))

    def measure(self, shape: Shape) -> Block | None:
        """Half a second of its steps or more; None where the meters gave nothing."""
        experts = self._experts if shape.experts is None else shape.experts
        if experts != self._engine.model.experts_per_token:
            self._engine.use_experts(experts)
            self._sizes = Sizes.of(self._engine.model)
        answers = self._begin_answers(shape)
        self._metered.close_window()
        work, steps = Work(), 0
        until = time.monotonic() + self._block_s
        while steps < _FEWEST_STEPS or time.monotonic() < until:
            for done in self._turn(shape):
                work += done
                steps += 1
            if not (shape.prompt or self._engine.has_work):
                break  # all answers have ended
        joules = _joules(self._metered.close_window())
        for request in answers:
            self._engine.abort(request)
        while self._engine.has_work:
            self._engine.step()
        return Block(shape, steps, work, joules) if joules else None

    def _begin_answers(self, shape: Shape) -> list[int]:
        is_long = shape.context == len(self._long)
        answers = [
            self._submit(self._long if is_long else self._prompt(shape.context))
            for _ in range(shape.answers)
        ]
        scheduler = self._engine.scheduler
        while scheduler.waiting or any(s.output_tokens == 0 for s in scheduler.running):
            self._step()
        return answers

    def _turn(self, shape: Shape) -> Iterator[Work]:
        """The work of one step; with a prompt, of all those that it takes."""
        if not shape.prompt:
            yield self._step()
            return
        prompt = self._submit(self._prompt(shape.prompt), tokens=1)
        while self._engine.scheduler.find(prompt):
            yield self._step()

    def _step(self) -> Work:
        result = self._metered.step()
        return sum(work_done(self._sizes, result.processed).values(), Work())

    def _submit(self, prompt: list[int], tokens: int | None = None) -> int:
        """Its number. `tokens` None: as many as there is room for."""
        self._requests += 1
        most = tokens or self._engine.model.config.context_length
        sampling = SamplingParams(most, _TEMPERATURE, seed=self._requests)
        self._engine.submit(Submit(self._requests, [prompt], sampling))
        return self._requests

    def _prompt(self, tokens: int) -> list[int]:
        vocabulary = self._engine.model.config.vocab_size
        return [int(token) for token in self._random.integers(vocabulary, size=tokens)]


def _joules(window: EnergyWindow) -> float | None:
    """What the steps of a window took; None where some meter gave nothing."""
    shares = [share for share in window.shares.values() if share is not None]
    if window.basis in ("unknown", "partial"):
        return None
    return math.fsum(shares)


def _long_of(model: Model) -> int:
    return min(_LONG, model.config.context_length // 2)
