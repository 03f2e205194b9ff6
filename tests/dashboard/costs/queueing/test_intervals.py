"""Student's intervals, by hand."""

import math

import pytest

from dashboard.costs.queueing.intervals import interval, student_t


def test_three_figures_by_hand() -> None:
    # Mean 2, deviation 1: 4.303 / √3 on either side.
    found = interval([1.0, 2.0, 3.0])
    assert found.mean == 2.0
    assert found.low is not None
    assert found.low == pytest.approx(2 - 4.303 / math.sqrt(3))
    assert found.high == pytest.approx(2 + 4.303 / math.sqrt(3))


def test_one_figure_tells_nothing_of_its_spread() -> None:
    found = interval([7.0])
    assert (found.mean, found.low, found.high) == (7.0, None, None)


@pytest.mark.parametrize(
    ("freedom", "published"), [(1, 12.706), (4, 2.776), (40, 2.021), (100, 1.984)]
)
def test_students_t_is_as_published(freedom: int, published: float) -> None:
    assert student_t(freedom) == pytest.approx(published, abs=0.001)
