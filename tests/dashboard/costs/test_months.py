"""A calendar month is a month, whatever its length or the clock changes within it."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.costs.months import add_months, months_between

BERLIN = ZoneInfo("Europe/Berlin")


def test_whole_months_count_one_each_whatever_their_length() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert months_between(start, datetime(2026, 2, 1, tzinfo=UTC), UTC) == 1
    assert months_between(start, datetime(2027, 3, 1, tzinfo=UTC), UTC) == 14


def test_a_begun_month_counts_by_its_own_length() -> None:
    start = datetime(2026, 2, 15, tzinfo=UTC)
    assert months_between(start, datetime(2026, 3, 1, tzinfo=UTC), UTC) == Fraction(1, 2)
    assert months_between(start, datetime(2026, 3, 2, tzinfo=UTC), UTC) == Fraction(
        1, 2
    ) + Fraction(1, 31)


def test_a_month_in_which_the_clocks_change_is_still_one() -> None:
    start = datetime(2026, 3, 1, tzinfo=BERLIN)
    end = datetime(2026, 4, 1, tzinfo=BERLIN)
    assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(days=31) - timedelta(hours=1)
    assert months_between(start, end, BERLIN) == 1


def test_an_end_before_the_start_is_no_time_at_all() -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    assert months_between(start, start - timedelta(days=40), UTC) == 0


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2027, 12, 31), 2, date(2028, 2, 29)),
        (date(2026, 5, 15), 36, date(2029, 5, 15)),
    ],
)
def test_months_are_added_to_the_same_day_or_the_months_last(
    day: date, months: int, later: date
) -> None:
    assert add_months(day, months) == later


_moments = st.datetimes(datetime(2020, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC))


@given(st.lists(_moments, min_size=3, max_size=3), st.sampled_from([UTC, BERLIN]))
def test_months_of_parts_add_up_to_those_of_the_whole(
    moments: list[datetime], zone: ZoneInfo
) -> None:
    first, second, third = sorted(moments)
    parts = months_between(first, second, zone) + months_between(second, third, zone)
    assert parts == months_between(first, third, zone)
