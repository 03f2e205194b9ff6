"""Who costs what on both sides, conserved to the cent."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.costs.comparison import UNUSED, compare, cumulative, marginal_cost
from dashboard.costs.models import Comparison, Developer, Energy, Segment
from tests.dashboard.costs.figures import JANUARY, KWH, prices, segment, team, used

START, END = JANUARY


def row(comparison: Comparison, name: str) -> tuple[Decimal, Decimal | None, Decimal]:
    found = [r for r in comparison.developers if r.name == name]
    assert len(found) == 1
    return found[0].fully_loaded, found[0].marginal, found[0].seat


def test_both_sides_of_a_month_as_worked_out_by_hand() -> None:
    usage = (used(1, 3 * KWH, 600), used(2, 1 * KWH, 9_400))
    one = compare([segment(usage=usage)], team("ada", "bob", "cy"))
    # 25,000 × 31 / 1,096 days = 707.12; 744 h × 0.7 kW × 0.18 = 93.74 (93.744).
    assert (one.depreciation, one.electricity, one.operations) == (
        Decimal("707.12"),
        Decimal("93.74"),
        Decimal("0.00"),
    )
    assert one.self_hosted_total == Decimal("800.86")
    assert one.baseline_total == Decimal("600.00")
    assert one.saving == Decimal("-200.86")
    assert one.self_hosted_per_developer == Decimal("266.95")  # 800.86 / 3
    assert one.baseline_per_developer == Decimal("200.00")
    # Three quarters of the energy: 600.645, a quarter: 200.215. Marginal: 3 and 1 kWh at $0.18.
    assert row(one, "ada") == (Decimal("600.65"), Decimal("0.54"), Decimal(200))
    assert row(one, "bob") == (Decimal("200.21"), Decimal("0.18"), Decimal(200))
    assert row(one, "cy") == (Decimal(0), Decimal(0), Decimal(200))
    assert one.shared_by == "energy"
    assert one.marginal_total == Decimal("0.72")
    assert one.cost_per_million_tokens == Decimal("80086.00")  # 800.86 for 10,000 tokens


def test_where_some_energy_is_unknown_tokens_decide_and_it_says_so() -> None:
    usage = (used(1, 3 * KWH, 1_000), used(2, None, 3_000))
    one = compare([segment(usage=usage)], team("ada", "bob"))
    assert one.shared_by == "tokens"
    assert row(one, "ada")[0] * 3 == pytest.approx(row(one, "bob")[0], abs=Decimal("0.04"))
    assert row(one, "bob")[1] is None
    assert row(one, "ada")[1] == Decimal("0.54")
    assert one.marginal_total is None
    assert any("shared by tokens" in sentence for sentence in one.assumptions)


def test_energy_known_only_in_part_is_not_taken_for_the_whole() -> None:
    usage = (used(1, 3 * KWH, 1_000, energy_unknown=1), used(2, KWH, 3_000))
    one = compare([segment(usage=usage)], team("ada", "bob"))
    assert one.shared_by == "tokens"
    assert one.developers[0].energy_j is None
    assert one.developers[0].marginal is None


def test_what_nobody_used_stands_in_a_row_of_its_own() -> None:
    one = compare([segment()], team("ada"))
    assert one.shared_by == "nobody"
    assert row(one, UNUSED) == (one.self_hosted_total, Decimal(0), Decimal(0))
    assert row(one, "ada") == (Decimal(0), Decimal(0), Decimal(200))
    assert one.cost_per_million_tokens is None
    assert one.utilisation is None


def test_somebody_without_a_seat_who_used_it_still_carries_a_part() -> None:
    one = compare([segment(usage=(used(9, KWH, 10),))], team("ada"))
    assert row(one, "developer 9") == (one.self_hosted_total, Decimal("0.18"), Decimal(0))


def test_a_seat_counts_from_the_developers_first_day_to_the_last() -> None:
    half = datetime(2026, 1, 16, 12, tzinfo=UTC)
    came = Developer(id=1, name="came", seat_from=half)
    left = Developer(id=2, name="left", seat_from=START - timedelta(days=99), seat_until=half)
    gone = Developer(id=3, name="gone", seat_from=START - timedelta(days=99), seat_until=START)
    one = compare([segment()], [came, left, gone])
    # 15.5 of 31 days: half a month each.
    assert one.baseline_total == Decimal("200.00")
    assert one.seats == 2
    assert [r.name for r in one.developers if r.developer_id] == ["came", "left"]


def test_seats_count_no_earlier_than_the_hardware_is_in_service() -> None:
    one = compare([segment(in_service_date=datetime(2026, 1, 16).date())], team("ada"))
    assert one.baseline_total == Decimal("103.23")  # 200 × 16 / 31


def test_a_month_to_date_counts_the_time_that_has_passed() -> None:
    to_date = segment((START, START + timedelta(days=10)))
    one = compare([to_date], team("ada", "bob"))
    assert one.baseline_total == Decimal("129.03")  # 2 × 200 × 10 / 31
    assert one.electricity == Decimal("30.24")  # 240 h × 0.7 kW × 0.18


def test_without_developers_there_is_no_average() -> None:
    one = compare([segment()], [])
    assert one.seats == 0
    assert one.baseline_total == 0
    assert one.self_hosted_per_developer is None
    assert one.baseline_per_developer is None


def test_usage_under_two_prices_is_charged_at_each() -> None:
    middle = datetime(2026, 1, 16, tzinfo=UTC)
    segments = [
        segment((START, middle), usage=(used(1, KWH, 5),)),
        segment((middle, END), usage=(used(1, KWH, 7),), electricity_price_per_kwh=Decimal("0.40")),
    ]
    one = compare(segments, team("ada"))
    assert row(one, "ada")[1] == Decimal("0.58")  # 0.18 + 0.40
    assert one.developers[0].input_tokens + one.developers[0].output_tokens == 12


def test_ranges_that_cannot_be_added_up_are_refused() -> None:
    later = (END + timedelta(days=1), END + timedelta(days=2))
    with pytest.raises(ValueError, match="at least one"):
        compare([], [])
    with pytest.raises(ValueError, match="must start where"):
        compare([segment(), segment(later)], [])
    with pytest.raises(ValueError, match="USD and in EUR"):
        compare([segment(), segment((END, later[0]), currency="EUR")], [])


def test_the_marginal_cost_of_a_request_is_its_electricity() -> None:
    # 36 J are a hundred-thousandth of a kWh: × 1.5 × 0.18 = $0.0000027.
    assert marginal_cost(36.0, prices(pue=Decimal("1.5"))) == Decimal("0.0000027")
    assert marginal_cost(None, prices()) is None


def test_the_curves_start_at_nothing_and_end_at_the_totals() -> None:
    middle = datetime(2026, 1, 16, tzinfo=UTC)
    segments = [
        segment((START, middle)),
        segment((middle, END), operations_per_month=Decimal(70), seat_price_per_month=Decimal(90)),
    ]
    people = team("ada", "bob")
    points = [START + timedelta(hours=6) * number for number in range(31 * 4 + 1)]
    curve = cumulative(segments, people, points)
    whole = compare(segments, people)
    assert curve[0].self_hosted == curve[0].baseline == 0
    assert curve[-1].self_hosted == whole.self_hosted_total
    assert curve[-1].baseline == whole.baseline_total
    assert [p.self_hosted for p in curve] == sorted(p.self_hosted for p in curve)
    assert [p.baseline for p in curve] == sorted(p.baseline for p in curve)
    assert len({p.baseline for p in curve}) == len(curve)


_usage = st.builds(
    used,
    st.integers(1, 12),
    st.one_of(st.none(), st.floats(0, 1e9)),
    st.integers(0, 10**9),
)
_cents = st.decimals(0, 10**6, places=2)


@st.composite
def _segments(draw: st.DrawFn) -> list[Segment]:
    start, segments = START - timedelta(days=40), []
    for _ in range(draw(st.integers(1, 4))):
        end = start + draw(st.timedeltas(timedelta(0), timedelta(days=200)))
        hours = (end - start) / timedelta(hours=1)
        reading = Energy(
            total_j=draw(st.one_of(st.none(), st.floats(0, 1e10))),
            attributed_j=None,
            covered_s=draw(st.floats(0, 1)) * hours * 3600,
        )
        segments.append(
            segment(
                (start, end),
                usage=tuple(draw(st.lists(_usage, max_size=6, unique_by=lambda u: u.developer_id))),
                energy=draw(st.one_of(st.none(), st.just(reading))),
                electricity_basis=draw(st.sampled_from(["nameplate", "metered"])),
                hardware_price=draw(_cents),
                operations_per_month=draw(_cents),
                seat_price_per_month=draw(_cents),
                electricity_price_per_kwh=draw(st.decimals(0, 5, places=4)),
            )
        )
        start = end
    return segments


@given(_segments(), st.integers(0, 8))
def test_every_cent_is_somebodys_for_any_range_usage_and_prices(
    segments: list[Segment], size: int
) -> None:
    people = team(*(f"developer {number}" for number in range(1, size + 1)))
    one = compare(segments, people)
    assert one.self_hosted_total == one.depreciation + one.electricity + one.operations
    assert sum(r.fully_loaded for r in one.developers) == one.self_hosted_total
    assert sum(r.seat for r in one.developers) == one.baseline_total
    assert all(r.fully_loaded >= 0 and r.seat >= 0 for r in one.developers)
    assert cumulative(segments, people, [one.end])[0].self_hosted == one.self_hosted_total
    assert cumulative(segments, people, [one.end])[0].baseline == one.baseline_total


@given(st.integers(2, 500))
def test_money_counted_in_another_unit_scales_both_sides(factor: int) -> None:
    names = ("hardware_price", "electricity_price_per_kwh", "seat_price_per_month")
    scaled = {name: getattr(prices(), name) * factor for name in names}
    one, other = compare([segment()], team("ada")), compare([segment(**scaled)], team("ada"))
    half_a_cent_each = Decimal("0.01") * factor
    difference = abs(other.self_hosted_total - one.self_hosted_total * factor)
    assert difference <= half_a_cent_each
    assert other.baseline_total == one.baseline_total * factor
