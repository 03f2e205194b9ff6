"""What steps cost is found from steps whose costs are known."""

import random
from dataclasses import astuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.energy.fit import Measured, fit, median_error
from engine.energy.work import Effort, StepCosts, Work

# Joules, as a small model's on a processor: 50 pJ an operation, 0.3 nJ a byte, 10 mJ a step.
TRUE = StepCosts(5e-11, 7e-11, 3e-10, 2e-10, 1e-2)


def joules(work: Work, costs: StepCosts) -> float:
    """By hand: what the sum in work.py says."""
    return (
        costs.prefill_flop * work.prefill.flops
        + costs.decode_flop * work.decode.flops
        + costs.weight_byte * (work.prefill.weight_bytes + work.decode.weight_bytes)
        + costs.cache_byte * (work.prefill.cache_bytes + work.decode.cache_bytes)
        + costs.step * (work.prefill.steps + work.decode.steps)
    )


def steps() -> list[Work]:
    """Prompts and answers of a model of 1e8 weights, of which 1e7 to 6e7 are left out at times."""
    works = []
    for active in (4e7, 7e7, 1e8):
        for tokens in (16, 64, 256):
            effort = Effort(tokens, 2 * tokens * active, 0.8 * active, 2e4 * tokens**2 / 2, 1)
            works.append(Work(prefill=effort))
        for together in (1, 2, 4, 8):
            for context in (10, 1000):
                read = 0.8 * (active + (1e8 - active) * (1 - 1 / together))
                effort = Effort(together, 2 * together * active, read, 2e4 * together * context, 1)
                works.append(Work(decode=effort))
    return works


def test_costs_that_are_known_are_found_again() -> None:
    measured = [(work, joules(work, TRUE)) for work in steps()]
    assert astuple(fit(measured)) == pytest.approx(astuple(TRUE), rel=1e-6)
    assert median_error(TRUE, measured) == pytest.approx(0, abs=1e-12)


def test_blocks_of_many_steps_give_the_same_costs() -> None:
    measured: list[Measured] = []
    for number, work in enumerate(steps(), start=1):
        block = sum([work] * number, Work())
        measured.append((block, number * joules(work, TRUE)))
    assert astuple(fit(measured)) == pytest.approx(astuple(TRUE), rel=1e-6)


def test_a_few_percent_of_noise_leave_the_costs_of_every_step_right() -> None:
    noise = random.Random(3)
    measured = [
        (work, joules(work, TRUE) * noise.gauss(1, 0.03)) for work in steps() for _ in range(3)
    ]
    found = fit(measured)
    for work in steps():
        assert joules(work, found) == pytest.approx(joules(work, TRUE), rel=0.05)
    # The median of |a normal deviate| is 0.6745 of its standard deviation: here of 3%.
    assert median_error(found, measured) == pytest.approx(0.6745 * 0.03, rel=0.3)


def test_a_part_that_costs_nothing_is_found_to_cost_nothing() -> None:
    free = StepCosts(5e-11, 7e-11, 3e-10, 0.0, 0.0)
    found = fit([(work, joules(work, free)) for work in steps()])
    assert astuple(found) == pytest.approx(astuple(free), rel=1e-6, abs=1e-15)


def test_small_steps_count_as_much_as_large_ones() -> None:
    # One cost for two steps that differ: 1 J for 1 operation, and 300 J for 100. Of all c, the
    # least (c - 1)² + (c / 3 - 1)² is at c = (1 + 1/3) / (1 + 1/9) = 1.2.
    measured = [(Work(decode=Effort(1, 1.0)), 1.0), (Work(decode=Effort(100, 100.0)), 300.0)]
    assert fit(measured).decode_flop == pytest.approx(1.2)


_amount = st.one_of(st.just(0.0), st.floats(1, 1e12))
_effort = st.builds(Effort, st.just(1), _amount, _amount, _amount, st.floats(0, 1))
_measured = st.tuples(st.builds(Work, _effort, _effort), st.floats(1e-3, 1e3))


@given(measured=st.lists(_measured, min_size=1, max_size=20))
@settings(deadline=None)
def test_no_cost_is_ever_negative(measured: list[Measured]) -> None:
    costs = astuple(fit(measured))
    assert len(costs) == 5
    assert all(cost >= 0 for cost in costs)


def test_what_falls_as_work_grows_is_not_made_up_for_by_a_negative_cost() -> None:
    # More operations took less energy here, so the step itself is all that can be charged: of all
    # s, the least (s / 3 - 1)² + (s / 2 - 1)² is at s = (1/3 + 1/2) / (1/9 + 1/4) = 2.31.
    measured = [
        (Work(decode=Effort(1, 1e9, steps=1)), 3.0),
        (Work(decode=Effort(2, 2e9, steps=1)), 2.0),
    ]
    costs = fit(measured)
    assert costs.decode_flop == 0
    assert costs.step == pytest.approx((1 / 3 + 1 / 2) / (1 / 9 + 1 / 4))
