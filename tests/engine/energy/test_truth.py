"""Requests on a machine whose power follows a known law are charged what the law says."""

import math
from collections.abc import Mapping, Sequence
from itertools import permutations

import pytest

from engine.energy.attribution import Attributor
from engine.energy.work import Effort, StepCosts, Work
from tests.engine.energy.machine import Machine

IDLE_W = 40.0
STEP_S = 0.02
# The law, in joules: this much an operation, a byte, a step. The weights are 1e8 bytes.
LAW = StepCosts(4e-11, 8e-11, 5e-10, 3e-10, 5e-3)
WEIGHTS = 1e8


def prompt_j(tokens: int) -> float:
    """Of a prompt's operations alone."""
    return 4e-11 * 2e8 * tokens


TOKEN_J = 8e-11 * 2e8 + 3e-10 * 2e6  # an answer's token: operations and cache
SHARED_J = 5e-10 * WEIGHTS + 5e-3  # what a step takes once, for all


def of_prompt(tokens: int, together: int) -> Work:
    return Work(prefill=Effort(tokens, 2e8 * tokens, WEIGHTS / together, 0.0, 1 / together))


def of_answer(together: int) -> Work:
    return Work(decode=Effort(1, 2e8, WEIGHTS / together, 2e6, 1 / together))


class Lawful:
    """Computes batches of requests; each step draws what the law says beyond idling."""

    def __init__(self) -> None:
        self.machine = Machine(kind="processor")
        self.attributor: Attributor = self.machine.attributor()
        self.attributor.costs = LAW
        self.machine.run(2.0, IDLE_W)
        self.attributor.close_window()
        self.charged: dict[int, float] = {}
        self.parts_j = 0.0  # of the windows: all that is not idle and not a request's

    def serve(self, requests: Mapping[int, tuple[int, int]], others: float = 0.0) -> None:
        """Tokens of prompt and answer by request. All prompts in the first step, which gives each
        one's first token; then a token a step of each that has not ended."""
        left = {request: answer for request, (_, answer) in requests.items()}
        work = {r: of_prompt(prompt, len(left)) for r, (prompt, _) in requests.items()}
        own = {r: prompt_j(prompt) for r, (prompt, _) in requests.items()}
        while left:
            self._step(work, math.fsum([SHARED_J, *own.values()]), others)
            left = {request: answer - 1 for request, answer in left.items() if answer > 1}
            work = {request: of_answer(len(left)) for request in left}
            own = dict.fromkeys(left, TOKEN_J)

    def _step(self, work: Mapping[int, Work], joules: float, others: float) -> None:
        # Others' processor time draws as much a second as ours does.
        watts = IDLE_W + joules * (1 + others) / STEP_S
        started = self.machine.now
        self.machine.run(STEP_S, watts, own=1.0, others=others)
        self.attributor.step(started, self.machine.now, work, processor_s=STEP_S)
        window = self.attributor.close_window()
        assert window.idle_j == pytest.approx(IDLE_W * STEP_S)
        for request, share in window.shares.items():
            assert share is not None
            self.charged[request] = self.charged.get(request, 0.0) + share
        self.parts_j += window.other_j + window.overhead_j


def alone_j(prompt: int, answer: int) -> float:
    return prompt_j(prompt) + answer * SHARED_J + (answer - 1) * TOKEN_J


def test_a_request_alone_is_charged_the_reading_beyond_idling() -> None:
    lawful = Lawful()
    before, started = lawful.machine.read()["device"].joules, lawful.machine.now
    lawful.serve({1: (100, 240)})
    read = lawful.machine.read()["device"].joules - before
    idle = IDLE_W * (lawful.machine.now - started)
    assert lawful.charged[1] == pytest.approx(read - idle, rel=1e-9)
    assert lawful.charged[1] == pytest.approx(alone_j(100, 240), rel=1e-9)


def test_what_others_drew_meanwhile_is_not_charged() -> None:
    lawful = Lawful()
    lawful.serve({1: (100, 240)}, others=0.75)
    assert lawful.charged[1] == pytest.approx(alone_j(100, 240), rel=1e-9)
    assert lawful.parts_j == pytest.approx(0.75 * alone_j(100, 240), rel=1e-9)


def test_each_request_of_a_batch_is_charged_its_own_and_an_even_part_of_what_is_shared() -> None:
    lawful = Lawful()
    lawful.serve({1: (50, 10), 2: (200, 30)})
    # 10 steps are shared by two and 20 are the second's alone.
    assert lawful.charged[1] == pytest.approx(prompt_j(50) + 9 * TOKEN_J + 10 * SHARED_J / 2)
    assert lawful.charged[2] == pytest.approx(
        prompt_j(200) + 29 * TOKEN_J + 10 * SHARED_J / 2 + 20 * SHARED_J
    )


def test_ten_times_the_decoding_takes_ten_times_the_energy_in_the_same_company() -> None:
    lawful = Lawful()
    for short in range(10):
        lawful.serve({1: (0, 31), 100 + short: (0, 31)})
    assert lawful.charged[1] == pytest.approx(10 * lawful.charged[100], rel=1e-9)


def _in_turn(order: Sequence[int]) -> dict[int, float]:
    """Four requests of one batch, submitted in this order."""
    lengths = {1: (24, 120), 2: (60, 90), 3: (120, 60), 4: (200, 30)}
    lawful = Lawful()
    lawful.serve({request: lengths[request] for request in order})
    return lawful.charged


def test_who_came_first_is_charged_no_more_and_no_less() -> None:
    charged = _in_turn((1, 2, 3, 4))
    for order in permutations((1, 2, 3, 4)):
        assert _in_turn(order) == pytest.approx(charged, rel=1e-12)
