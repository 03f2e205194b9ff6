"""A range's costs by day: by hand, and adding up to the range's own."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.costs.comparison import compare
from dashboard.costs.daily import daily
from dashboard.costs.models import Energy
from tests.dashboard.costs.figures import JANUARY, KWH, segment

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)


def test_a_day_of_the_founding_figures() -> None:
    days = daily([segment()], UTC)
    assert len(days) == 31
    first = days[0]
    assert (first.start, first.end) == (JANUARY[0], JANUARY[0] + timedelta(days=1))
    # $25,000 over the 1,096 days to 1 January 2029; 24 h × 0.7 kW × $0.18
    assert first.depreciation == Decimal("22.81")
    assert first.electricity == Decimal("3.02")
    assert (first.kwh, first.hours) == (Fraction("16.8"), Fraction(24))
    assert first.months == Fraction(1, 31)


def test_before_its_first_day_the_hardware_costs_nothing() -> None:
    days = daily([segment(in_service_date=date(2026, 1, 20))], UTC)
    assert [day.hours for day in days] == [0] * 19 + [24] * 12
    assert sum(day.depreciation + day.electricity for day in days[:19]) == 0
    assert all(day.depreciation > 0 for day in days[19:])


def test_a_day_in_which_prices_change_is_two_from_the_next_whole_second_on() -> None:
    change = NOON + timedelta(milliseconds=1)
    before = segment((JANUARY[0], change))
    after = segment((change, JANUARY[1]), electricity_price_per_kwh=Decimal("0.36"))
    days = daily([before, after], UTC)
    assert len(days) == 32
    halves = [day for day in days if day.start.day == 10]
    assert halves[0].end == halves[1].start == NOON + timedelta(seconds=1)
    assert [day.prices.electricity_price_per_kwh for day in halves] == [
        Decimal("0.18"),
        Decimal("0.36"),
    ]


def test_pieces_of_one_days_meter_are_one_day_and_it_may_have_25_hours() -> None:
    zone = ZoneInfo("Europe/Berlin")
    begin = datetime(2026, 10, 25, tzinfo=zone).astimezone(UTC)
    pieces = [
        segment(
            (begin + timedelta(hours=hour), begin + timedelta(hours=hour + 5)),
            energy=Energy(total_j=KWH, covered_s=5 * 3600.0),
            electricity_basis="metered",
        )
        for hour in range(0, 25, 5)
    ]
    (day,) = daily(pieces, zone)
    assert (day.hours, day.kwh) == (Fraction(25), Fraction(5))
    assert day.electricity == Decimal("0.90")


@settings(max_examples=60, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 59 * 86_400_000 - 1), max_size=5, unique=True),
    prices=st.lists(st.decimals(0, 10, places=10), min_size=6, max_size=6),
    first_day=st.dates(date(2025, 12, 1), date(2026, 3, 10)),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York"]),
)
def test_days_add_up_to_the_range_to_the_cent(
    cuts: list[int], prices: list[Decimal], first_day: date, zone: str
) -> None:
    moments = [
        JANUARY[0] + timedelta(milliseconds=at) for at in (0, *sorted(cuts), 59 * 86_400_000)
    ]
    segments = [
        segment(
            (start, end),
            electricity_price_per_kwh=price,
            operations_per_month=price,
            in_service_date=first_day,
        )
        for start, end, price in zip(moments, moments[1:], prices, strict=False)
    ]
    days, whole = daily(segments, ZoneInfo(zone)), compare(segments, [], ZoneInfo(zone))
    assert sum(day.depreciation for day in days) == whole.depreciation
    assert sum(day.electricity for day in days) == whole.electricity
    assert sum(day.operations for day in days) == whole.operations
    assert (days[0].start, days[-1].end) == (moments[0], moments[-1])
    assert all(one.end == other.start < other.end for one, other in pairwise(days))
    assert min(day.depreciation + day.electricity + day.operations for day in days) >= 0
