"""Seats pro rata, one by one for the table and all at once for the curve: the same money."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from dashboard.costs.comparison import compare, cumulative
from dashboard.costs.models import Developer, Segment
from tests.dashboard.costs.figures import JANUARY, segment, team

START, END = JANUARY
BERLIN = ZoneInfo("Europe/Berlin")


def test_a_seat_that_is_free_is_held_all_the_same() -> None:
    one = compare([segment(seat_price_per_month=Decimal(0))], team("ada", "bob"))
    assert one.seats == 2
    assert one.baseline_per_developer == 0
    assert one.self_hosted_per_developer == Decimal("400.43")  # 800.86 / 2


def test_a_seat_that_ends_before_it_begins_costs_nothing() -> None:
    undone = Developer(id=1, name="undone", seat_from=START + timedelta(days=9), seat_until=START)
    assert compare([segment()], [undone]).baseline_total == 0
    assert cumulative([segment()], [undone], [END])[0].baseline == 0


def test_a_new_seat_price_applies_to_its_own_time() -> None:
    middle = datetime(2026, 1, 16, 12, tzinfo=UTC)
    segments = [
        segment((START, middle)),
        segment((middle, END), seat_price_per_month=Decimal(100)),
    ]
    # Half of January at $200 a month, and half at $100.
    assert compare(segments, team("ada")).baseline_total == Decimal("150.00")


_moments = st.datetimes(datetime(2025, 10, 1), datetime(2026, 12, 1), timezones=st.just(UTC))
_people = st.lists(st.tuples(_moments, st.none() | _moments), max_size=8)


@given(_people, st.lists(_moments, min_size=3, max_size=6, unique=True), st.data())
def test_the_curve_at_any_moment_is_the_comparison_up_to_it(
    people: list[tuple[datetime, datetime | None]], cuts: list[datetime], data: st.DataObject
) -> None:
    developers = [
        Developer(id=number, name=str(number), seat_from=since, seat_until=until)
        for number, (since, until) in enumerate(people)
    ]
    cuts = sorted(cuts)
    seat_prices = data.draw(
        st.lists(st.sampled_from([0, 100, 200]), min_size=len(cuts), max_size=len(cuts))
    )
    first_day = data.draw(st.none() | st.dates(date(2025, 11, 1), date(2026, 11, 1)))

    def up_to(at: datetime) -> list[Segment]:
        spans = zip(cuts, cuts[1:], seat_prices, strict=False)
        return [
            segment(
                (begins, min(ends, at)),
                in_service_date=first_day,
                seat_price_per_month=Decimal(price),
                operations_per_month=Decimal(70),
            )
            for begins, ends, price in spans
            if begins < at
        ]

    points = sorted(
        data.draw(
            st.lists(
                st.datetimes(
                    cuts[0].replace(tzinfo=None) + timedelta(microseconds=1),
                    cuts[-1].replace(tzinfo=None),
                    timezones=st.just(UTC),
                ),
                min_size=1,
                max_size=4,
            )
        )
    )
    for point in cumulative(up_to(cuts[-1]), developers, points, BERLIN):
        so_far = compare(up_to(point.at), developers, BERLIN)
        assert point.baseline == so_far.baseline_total
        assert point.self_hosted == so_far.self_hosted_total


@given(st.lists(st.timedeltas(timedelta(0), END - START), max_size=6))
def test_a_range_cut_into_segments_costs_what_the_whole_does(cuts: list[timedelta]) -> None:
    changes: dict[str, Any] = {
        "operations_per_month": Decimal("333.33"),
        "residual_value": Decimal("1000.01"),
    }
    moments = sorted([START, END, *(START + cut for cut in cuts)])
    parts = [segment(span, **changes) for span in pairwise(moments)]
    whole, cut = compare([segment(**changes)], team("ada")), compare(parts, team("ada"))
    assert (cut.depreciation, cut.electricity, cut.operations, cut.baseline_total) == (
        whole.depreciation,
        whole.electricity,
        whole.operations,
        whole.baseline_total,
    )
