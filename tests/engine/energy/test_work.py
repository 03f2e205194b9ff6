"""How a step's cost divides over its requests."""

import math

from hypothesis import given
from hypothesis import strategies as st

from engine.energy.work import Effort, Part, StepCosts, Work, parts_of

_amount = st.floats(0, 1e12)
_effort = st.builds(Effort, st.integers(0, 4096), _amount, _amount, _amount, st.floats(0, 1))
_batch = st.dictionaries(st.integers(1, 99), st.builds(Work, _effort, _effort), min_size=1)
_costs = st.builds(StepCosts, *[st.floats(0, 100)] * 5)


@given(batch=_batch, costs=_costs)
def test_the_parts_of_any_step_add_up_to_it(batch: dict[int, Work], costs: StepCosts) -> None:
    parts = parts_of(batch, costs)
    assert parts.keys() == batch.keys()
    assert math.isclose(math.fsum(part.whole for part in parts.values()), 1, rel_tol=1e-12)
    assert all(0 <= part.prefill <= part.whole * (1 + 1e-12) for part in parts.values())


@given(batch=_batch, costs=_costs)
def test_parts_do_not_depend_on_the_order_of_arrival(
    batch: dict[int, Work], costs: StepCosts
) -> None:
    assert parts_of(dict(reversed(batch.items())), costs) == parts_of(batch, costs)


def test_equal_work_gets_equal_parts() -> None:
    work = Work(decode=Effort(1, 1e9, 1e8, 1e6, 0.5))
    assert parts_of({1: work, 2: work}, StepCosts()) == {1: Part(0.5, 0.0), 2: Part(0.5, 0.0)}


def test_a_cost_is_the_sum_of_its_parts() -> None:
    costs = StepCosts(prefill_flop=1, decode_flop=2, weight_byte=3, cache_byte=5, step=7)
    effort = Effort(tokens=9, flops=10, weight_bytes=100, cache_bytes=1000, steps=0.5)
    assert costs.of(effort, prefill=True) == 1 * 10 + 3 * 100 + 5 * 1000 + 7 * 0.5
    assert costs.of(effort, prefill=False) == 2 * 10 + 3 * 100 + 5 * 1000 + 7 * 0.5


def test_where_nothing_is_told_of_the_work_tokens_count() -> None:
    parts = parts_of({1: Work(prefill=Effort(30)), 2: Work(decode=Effort(10))}, StepCosts())
    assert parts == {1: Part(0.75, 0.75), 2: Part(0.25, 0.0)}
