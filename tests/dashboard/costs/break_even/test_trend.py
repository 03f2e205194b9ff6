"""When it will have paid for itself, from what really happened."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.costs.break_even.trend import WINDOW_DAYS, DayAmounts, Projection, days_of, project
from dashboard.costs.comparison import compare
from tests.dashboard.costs.figures import segment, team

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def days(saved: Sequence[float], running: float = 3.0) -> list[DayAmounts]:
    return [
        DayAmounts(
            start=START + number * DAY,
            end=START + (number + 1) * DAY,
            running=Decimal(str(running)),
            baseline=Decimal(str(running)) + Decimal(str(one)),
        )
        for number, one in enumerate(saved)
    ]


def projected(
    saved: Sequence[float], price: int = 1_000, window_days: int = WINDOW_DAYS
) -> Projection:
    return project(days(saved), Decimal(price), UTC, window_days)


def test_a_steady_saving_pays_the_rest_at_the_same_rate() -> None:
    # 60 days at $10 have paid $600 of $1,000: 40 days more, of which 2 March is the first.
    found = projected([10.0] * 60)
    assert found.kind == "expected"
    assert (found.saved_so_far, found.remaining) == (Decimal(600), Decimal(400))
    assert found.saved_per_day == Decimal("10.00")
    assert found.day == found.earliest == found.latest == date(2026, 4, 10)
    assert found.probability_never == 0


def test_only_the_last_days_set_the_rate_and_all_days_have_paid() -> None:
    # 30 days at $2 and 30 at $20: $660 paid, 340 ÷ 20 = 17 days from 2 March on.
    found = projected([2.0] * 30 + [20.0] * 30)
    assert found.day == date(2026, 3, 18)
    assert found.window_days == 30
    assert projected([2.0] * 30 + [20.0] * 30, window_days=60).saved_per_day == Decimal("11.00")


def test_it_tells_on_which_day_the_price_was_paid() -> None:
    # $10 a day: $300 after the 30th day, 30 January.
    found = projected([10.0] * 60, price=300)
    assert found.kind == "already"
    assert found.day == date(2026, 1, 30)
    assert found.remaining == Decimal(-300)


def test_what_was_paid_and_lost_again_counts_from_when_it_was_paid_for_good() -> None:
    found = projected([100.0] * 5 + [-100.0] * 2 + [100.0] * 20, price=450)
    # 500 after five days, 300 after seven, 400 after eight, 500 after nine.
    assert found.day == date(2026, 1, 9)


def test_never_at_this_rate_is_an_answer_with_its_reason() -> None:
    found = projected([-1.0] * 40)
    assert found.kind == "never"
    assert found.day is None
    assert found.reason == "running it costs $3.00 a day, and the seats only $2.00"
    assert found.probability_never == 1
    slow = projected([0.01] * 40, price=25_000)
    assert slow.kind == "never"
    assert slow.reason == "at this rate it would take more than a hundred years"


def test_a_few_days_are_no_trend() -> None:
    found = projected([10.0] * 13)
    assert found.kind == "unknown"
    assert found.reason == "the hardware has run for 13.0 days, and it takes 14"
    assert projected([]).kind == "unknown"
    assert projected([10.0] * 13, price=100).kind == "already"


def test_uneven_days_widen_the_interval_and_may_reach_never() -> None:
    weeks = [*([14.0] * 5 + [-4.0] * 2)] * 6
    found = projected(weeks)
    assert found.earliest is not None
    assert found.day is not None
    assert found.latest is not None
    assert found.earliest <= found.day <= found.latest
    wild = projected([400.0, -399.0] * 4 + [-30.0] * 8 + [38.0] * 8, price=5_000)
    assert wild.probability_never is not None
    assert wild.probability_never > 0.05
    assert wild.latest is None


def test_blocks_of_a_week_keep_a_weekly_pattern_from_looking_like_noise() -> None:
    """Every stretch of seven days adds up to the same, so only the window's odd days vary."""
    weeks = [*([14.0] * 5 + [-4.0] * 2)] * 8
    found = projected(weeks, window_days=28)
    assert found.day == found.earliest == found.latest


def test_the_ledgers_days_are_running_costs_beside_the_seats() -> None:
    zone = ZoneInfo("Europe/Berlin")
    span = (START - 3 * DAY, START + timedelta(days=20, hours=13))
    segments = [segment(span, operations_per_month=Decimal(31))]
    people = team("ada", "bob")
    found = days_of(segments, people, zone)
    whole = compare(segments, people, zone)
    assert sum(day.running for day in found) == whole.electricity + whole.operations
    assert sum(day.baseline for day in found) == whole.baseline_total
    # The hardware's first day is 1 January in Berlin, and nothing counts before it.
    assert found[0].start == START - timedelta(hours=1)
    # A day: 24 h × 0.7 kW × $0.18 = $3.02 and $1 of operations; seats 2 × 200 ÷ 31 = $12.90.
    # Days are the differences of sums in cents, so each may be off by one.
    assert found[1].running == pytest.approx(Decimal("4.024"), abs=Decimal("0.01"))
    assert found[1].baseline == pytest.approx(Decimal("12.903"), abs=Decimal("0.01"))


def test_a_begun_day_counts_for_as_long_as_it_lasted() -> None:
    begun = days([10.0] * 40)
    half = begun[-1].model_copy(
        update={"end": begun[-1].start + DAY / 2, "baseline": Decimal("8.0")}
    )
    found = project([*begun[:-1], half], Decimal(1_000), UTC)
    assert found.saved_per_day == Decimal("10.00")


def test_a_day_must_take_time() -> None:
    with pytest.raises(ValueError, match="must end after"):
        DayAmounts(start=START, end=START, running=Decimal(0), baseline=Decimal(0))


_saved = st.lists(st.integers(-50, 100).map(float), min_size=14, max_size=50)


@given(_saved, st.integers(1, 20))
def test_more_saved_every_day_never_delays_it(saved: list[float], more: int) -> None:
    def waits(found: Projection) -> date:
        return found.day if found.day is not None else date.max

    assert waits(projected([one + more for one in saved])) <= waits(projected(saved))


@given(_saved, st.integers(2, 100))
def test_another_unit_of_money_does_not_change_the_day(saved: list[float], factor: int) -> None:
    here = projected(saved)
    there = project(days([one * factor for one in saved]), Decimal(1_000 * factor), UTC)
    assert (here.kind, here.day, here.earliest, here.latest) == (
        there.kind,
        there.day,
        there.earliest,
        there.latest,
    )
