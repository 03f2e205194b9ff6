import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.connect import connect
from db.errors import InvalidInput
from db.ledger import Ledger
from db.migrate import migrate
from db.prices import current_prices, price_history, prices_between, set_prices
from tests.db.team import NOON, Fresh, Team, rows

DAY = 86_400_000


def test_an_empty_ledger_has_the_founding_figures(ledger: Ledger) -> None:
    now = current_prices(ledger.engine)
    assert (now.hardware_price, now.hardware_life_months) == (Decimal(25_000), 36)
    assert (now.power_kw, now.electricity_price_per_kwh) == (Decimal("0.7"), Decimal("0.18"))
    assert (now.seat_price_per_month, now.pue, now.currency) == (Decimal(200), Decimal(1), "USD")
    assert (now.residual_value, now.operations_per_month) == (Decimal(0), Decimal(0))
    assert now.electricity_basis == "nameplate"
    assert now.in_service_date is None


def test_hardware_is_in_service_from_the_first_day_of_use_unless_told(
    ledger: Ledger, team: Team
) -> None:
    team.admit(ledger, at=NOON)
    assumed = current_prices(ledger.engine)
    assert (assumed.in_service_date, assumed.in_service_is_set) == (date(2026, 1, 1), False)
    told = set_prices(ledger.engine, actor="test", in_service_date=date(2025, 11, 3))
    assert (told.in_service_date, told.in_service_is_set) == (date(2025, 11, 3), True)


def test_the_first_prices_somebody_sets_replace_the_founding_ones_everywhere(
    ledger: Ledger,
) -> None:
    set_prices(ledger.engine, actor="test", seat_price_per_month="39")
    assert current_prices(ledger.engine, at_ms=NOON).seat_price_per_month == Decimal(39)
    assert len(price_history(ledger.engine)) == 1


def test_a_later_change_leaves_the_past_as_it_was(ledger: Ledger) -> None:
    set_prices(ledger.engine, actor="test", seat_price_per_month=200)
    set_prices(ledger.engine, actor="test", seat_price_per_month=250)
    assert current_prices(ledger.engine).seat_price_per_month == 250
    assert current_prices(ledger.engine, at_ms=NOON).seat_price_per_month == 200


def test_a_change_keeps_everything_it_does_not_name(ledger: Ledger) -> None:
    set_prices(ledger.engine, actor="test", power_kw="1.4", note="two cards")
    changed = set_prices(ledger.engine, actor="test", pue="1.3")
    assert (changed.power_kw, changed.pue, changed.note) == (
        Decimal("1.4"),
        Decimal("1.3"),
        "two cards",
    )


def test_dated_prices_divide_a_span_into_segments(ledger: Ledger) -> None:
    set_prices(ledger.engine, actor="test", valid_from=NOON, electricity_price_per_kwh="0.20")
    set_prices(
        ledger.engine, actor="test", valid_from=NOON + 2 * DAY, electricity_price_per_kwh="0.30"
    )
    segments = prices_between(ledger.engine, NOON - DAY, NOON + 5 * DAY)
    assert [(it.start_ms, it.end_ms, it.settings.electricity_price_per_kwh) for it in segments] == [
        (NOON - DAY, NOON, Decimal("0.18")),
        (NOON, NOON + 2 * DAY, Decimal("0.20")),
        (NOON + 2 * DAY, NOON + 5 * DAY, Decimal("0.30")),
    ]


def test_of_two_settings_with_one_date_the_later_recorded_holds(ledger: Ledger) -> None:
    set_prices(ledger.engine, actor="test", valid_from=NOON, pue="1.5")
    set_prices(ledger.engine, actor="test", valid_from=NOON, pue="1.6")
    segments = prices_between(ledger.engine, NOON, NOON + DAY)
    assert [it.settings.pue for it in segments] == [Decimal("1.6")]
    assert len(rows(ledger.engine, "cost_settings")) == 2  # nothing is overwritten


@settings(max_examples=30, deadline=None)
@given(
    starts=st.lists(st.integers(0, 40), max_size=6),
    begin=st.integers(0, 45),
    length=st.integers(1, 45),
)
def test_segments_cover_a_span_without_gap_or_overlap(
    fresh: Fresh, starts: list[int], begin: int, length: int
) -> None:
    with fresh() as url:
        engine = connect(url)
        migrate(engine)
        for number, start in enumerate(starts):
            set_prices(engine, actor="test", valid_from=start, seat_price_per_month=number)
        segments = prices_between(engine, begin, begin + length)
        at_each = [current_prices(engine, at_ms=at) for at in range(begin, begin + length)]
        engine.dispose()
    by_moment = [it.settings for it in segments for _ in range(it.start_ms, it.end_ms)]
    assert by_moment == at_each


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("hardware_price", -1, "0 or more"),
        ("seat_price_per_month", "many", "not a number"),
        ("electricity_price_per_kwh", "NaN", "0 or more"),
        ("electricity_price_per_kwh", "0.12345678901", "too many digits"),
        ("power_kw", 0, "more than 0"),
        ("pue", "0.9", "1 or more"),
        ("residual_value", 30_000, "cannot exceed"),
        ("hardware_life_months", 0, "1 to 600"),
        ("hardware_life_months", "36", "1 to 600"),
        ("currency", "dollars", "three-letter"),
        ("hardware_name", " ", "what the hardware is"),
        ("electricity_basis", "guessed", "nameplate or metered"),
        ("in_service_date", "yesterday", "not a date"),
        ("colour", "red", "no cost setting"),
    ],
)
def test_what_is_wrong_with_a_price_is_named(
    ledger: Ledger, field: str, value: Any, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        set_prices(ledger.engine, actor="test", **{field: value})
    assert caught.value.field == field
    assert rows(ledger.engine, "cost_settings") == []


def test_a_price_is_what_was_typed_to_the_last_digit(ledger: Ledger) -> None:
    kept = set_prices(ledger.engine, actor="test", electricity_price_per_kwh=0.1773)
    assert kept.electricity_price_per_kwh == Decimal("0.1773")


def test_the_audit_trail_shows_the_old_and_the_new_price(ledger: Ledger) -> None:
    set_prices(ledger.engine, actor="grace", seat_price_per_month="39.50")
    last = rows(ledger.engine, "audit")[-1]
    assert (last["actor"], last["action"]) == ("grace", "prices changed")
    assert json.loads(last["detail"])["changes"] == {"seat_price_per_month": ["200", "39.5"]}
