"""Depreciation, electricity and operations by exact time."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from dashboard.costs.comparison import compare
from dashboard.costs.models import Energy
from dashboard.costs.self_hosted import depreciated
from tests.dashboard.costs.figures import FIRST_DAY, JANUARY, KWH, prices, segment

START = datetime(2026, 1, 1, tzinfo=UTC)
END_OF_LIFE = datetime(2029, 1, 1, tzinfo=UTC)


def test_depreciation_of_a_month_is_its_days_of_the_life() -> None:
    # 36 months from 1 January 2026 are 1,096 days (2028 is a leap year): 25,000 × 31 / 1,096.
    assert compare([segment()], []).depreciation == Decimal("707.12")


def test_before_the_first_day_and_after_the_last_nothing_is_depreciated() -> None:
    before = (datetime(2025, 6, 1, tzinfo=UTC), START)
    after = (END_OF_LIFE, datetime(2030, 1, 1, tzinfo=UTC))
    assert compare([segment(before)], []).self_hosted_total == 0
    assert compare([segment(after)], []).depreciation == 0
    assert compare([segment(after)], []).electricity > 0  # it still runs


def test_hardware_that_is_not_in_service_costs_nothing() -> None:
    assert compare([segment(in_service_date=None)], []).self_hosted_total == 0


def test_over_its_life_the_hardware_costs_its_price_less_the_residual_value() -> None:
    life = segment((START, END_OF_LIFE), residual_value=Decimal("2500.01"))
    assert compare([life], []).depreciation == Decimal("22499.99")


@given(
    st.decimals(0, 10**7, places=2),
    st.integers(1, 120),
    st.lists(st.timedeltas(timedelta(0), timedelta(days=4000)), max_size=12),
)
def test_any_cut_of_the_life_adds_up_to_the_price_to_the_cent(
    price: Decimal, life: int, cuts: list[timedelta]
) -> None:
    priced = prices(hardware_price=price, hardware_life_months=life)
    far = START + timedelta(days=5000)
    moments = sorted([START, far, *(START + cut for cut in cuts)])
    parts = [
        depreciated(priced, later, UTC) - depreciated(priced, earlier, UTC)
        for earlier, later in pairwise(moments)
    ]
    assert sum(parts) == price
    assert all(part >= 0 for part in parts)


def test_rated_electricity_is_power_times_hours_times_pue() -> None:
    # January: 744 h × 0.7 kW = 520.8 kWh; × 1.5 = 781.2 kWh at $0.18.
    one = compare([segment(pue=Decimal("1.5"))], [])
    assert one.kwh == Decimal("781.200")
    assert one.electricity == Decimal("140.62")
    assert one.unmetered_hours == 0


def test_metered_electricity_is_the_meters_and_rated_where_it_did_not_read() -> None:
    energy = Energy(total_j=100 * KWH, attributed_j=25 * KWH, covered_s=700 * 3600)
    one = compare([segment(energy=energy, electricity_basis="metered", pue=Decimal("1.2"))], [])
    # 100 kWh, and 44 of 744 hours at 0.7 kW are 30.8 kWh: 130.8 × 1.2 = 156.96 kWh at $0.18.
    assert one.kwh == Decimal("156.960")
    assert one.electricity == Decimal("28.25")
    assert one.unmetered_hours == 44
    assert one.utilisation == Decimal("0.25")


def test_what_the_meter_read_before_the_first_day_is_not_the_hardwares() -> None:
    energy = Energy(total_j=310 * KWH, covered_s=31 * 86_400)
    one = compare(
        [segment(energy=energy, electricity_basis="metered", in_service_date=date(2026, 1, 17))], []
    )
    assert one.kwh == 150  # 310 kWh spread over 31 days, of which 15 are in service
    assert one.unmetered_hours == 0


def test_without_a_meter_metered_electricity_is_the_rated() -> None:
    rated = compare([segment()], [])
    metered = compare([segment(electricity_basis="metered")], [])
    assert metered.electricity == rated.electricity
    assert metered.unmetered_hours == 744


def test_operations_cost_their_price_in_every_whole_month_whatever_its_length() -> None:
    february = (datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC))
    for span in (JANUARY, february):
        one = compare([segment(span, operations_per_month=Decimal("333.33"))], [])
        assert one.operations == Decimal("333.33")


def test_the_first_day_begins_at_midnight_of_the_readers_zone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    hour_before_utc_midnight = datetime(2025, 12, 31, 23, tzinfo=UTC)
    priced = prices(in_service_date=FIRST_DAY)
    later = hour_before_utc_midnight + timedelta(days=100)
    assert depreciated(priced, hour_before_utc_midnight, berlin) == 0
    assert depreciated(priced, later, berlin) > depreciated(priced, later, UTC)


def test_a_change_of_prices_applies_to_its_own_time() -> None:
    middle = datetime(2026, 1, 16, tzinfo=UTC)
    cheap = segment((START, middle), electricity_price_per_kwh=Decimal("0.10"))
    dear = segment((middle, JANUARY[1]), electricity_price_per_kwh=Decimal("0.20"))
    # 15 days × 24 h × 0.7 kW = 252 kWh at $0.10, and 16 days are 268.8 kWh at $0.20.
    assert compare([cheap, dear], []).electricity == Decimal("78.96")


def test_a_life_that_begins_on_the_31st_ends_on_the_last_of_a_shorter_month() -> None:
    priced = prices(in_service_date=date(2026, 1, 31), hardware_life_months=1)
    assert depreciated(priced, datetime(2026, 2, 28, tzinfo=UTC), UTC) == 25_000
    assert depreciated(priced, datetime(2026, 2, 27, 23, tzinfo=UTC), UTC) < 25_000
