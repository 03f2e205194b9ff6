import json
from typing import Any

import pytest

from db.errors import InvalidInput
from db.grid import current_grid, grid_history, set_grid, turn_off
from db.ledger import Ledger
from tests.db.team import NOON, rows


def test_nothing_is_told_before_somebody_asks_for_it(ledger: Ledger) -> None:
    assert current_grid(ledger.engine) is None


def test_the_first_intensity_counts_from_the_beginning_and_later_ones_from_now(
    ledger: Ledger,
) -> None:
    set_grid(ledger.engine, actor="test", country="FRA", g_per_kwh=56.0, source="Ember, 2023")
    set_grid(ledger.engine, actor="test", g_per_kwh=12.0, source="the contract")
    first = current_grid(ledger.engine, at_ms=NOON)
    now = current_grid(ledger.engine)
    assert first is not None
    assert now is not None
    assert (first.valid_from, first.country, first.g_per_kwh) == (0, "FRA", 56.0)
    assert (now.country, now.g_per_kwh, now.source) == (None, 12.0, "the contract")


def test_hours_are_kept_with_their_mean(ledger: Ledger) -> None:
    by_hour = [100.0] * 12 + [300.0] * 12
    set_grid(ledger.engine, actor="test", by_hour=by_hour, source="the operator")
    grid = current_grid(ledger.engine)
    assert grid is not None
    assert (grid.by_hour, grid.g_per_kwh) == (tuple(by_hour), 200.0)


def test_turning_it_off_leaves_the_past_as_it_was(ledger: Ledger) -> None:
    set_grid(ledger.engine, actor="test", g_per_kwh=56.0, source="x")
    turn_off(ledger.engine, actor="test", valid_from=NOON)
    before, after = grid_history(ledger.engine)
    assert (before.valid_from, before.g_per_kwh) == (0, 56.0)
    assert (after.valid_from, after.g_per_kwh) == (NOON, None)


def test_of_two_with_one_date_the_later_holds_and_both_rows_stay(ledger: Ledger) -> None:
    for grams in (50.0, 60.0):
        set_grid(ledger.engine, actor="test", valid_from=NOON, g_per_kwh=grams, source="x")
    assert [grid.g_per_kwh for grid in grid_history(ledger.engine)] == [60.0]
    assert len(rows(ledger.engine, "grid_intensity")) == 2


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({}, "g_per_kwh", "24 by hour"),
        ({"g_per_kwh": -1.0}, "g_per_kwh", "0 to 3,000"),
        ({"g_per_kwh": 369_000.0}, "g_per_kwh", "lb per MWh"),
        ({"g_per_kwh": float("nan")}, "g_per_kwh", "0 to 3,000"),
        ({"by_hour": [1.0] * 23}, "by_hour", "there are 23"),
        ({"by_hour": [1.0] * 23 + [9_999.0]}, "by_hour", "0 to 3,000"),
        ({"g_per_kwh": 1.0, "country": "France"}, "country", "three capital letters"),
        ({"g_per_kwh": 1.0, "source": " "}, "source", "where the figure comes from"),
    ],
)
def test_what_is_wrong_with_an_intensity_is_named(
    ledger: Ledger, values: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        set_grid(ledger.engine, actor="test", **{"source": "x"} | values)
    assert caught.value.field == field
    assert rows(ledger.engine, "grid_intensity") == []


def test_the_audit_trail_shows_what_was_set(ledger: Ledger) -> None:
    set_grid(ledger.engine, actor="grace", country="SWE", g_per_kwh=40.7, source="Ember, 2023")
    last = rows(ledger.engine, "audit")[-1]
    assert (last["actor"], last["action"]) == ("grace", "grid intensity changed")
    detail = json.loads(last["detail"])
    assert (detail["now"]["country"], detail["now"]["g_per_kwh"], detail["valid_from"]) == (
        "SWE",
        40.7,
        0,
    )
    assert detail["was"]["g_per_kwh"] is None
