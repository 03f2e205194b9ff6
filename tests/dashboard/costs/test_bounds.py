"""Scenarios come by link: whatever a number says, the answer is quick, and one line a mistake."""

from typing import Any

import pytest
from click.testing import CliRunner

from dashboard.costs.__main__ import main
from dashboard.costs.plan import plan
from dashboard.costs.scenario import founding_toml
from tests.dashboard.costs.plan.scenarios import asset, load, varied

MOST = "Input should be less than or equal to"
PRICE, LIFE, WATTS = "unit_price = 25000", "life_months = 60\nresid", "active_w = 700"


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (PRICE, "unit_price = 1e400", f"assets.0.unit_price: {MOST} 1000000000000 (given: 1E+400)"),
        (PRICE, "unit_price = 1e100000", f"unit_price: {MOST} 1000000000000 (given: 1E+100000)"),
        (PRICE, "unit_price = 1e-100000", "unit_price: Decimal input should have no more than 30"),
        (PRICE, "unit_price = 1e9999999999999999999", "1e9999999999999999999 is no number that"),
        ("count = 1", "count = 1000001", f"assets.0.count: {MOST} 1000000 (given: 1000001)"),
        (LIFE, "life_months = 1201\nresid", f"life_months: {MOST} 1200 (given: 1201)"),
        (WATTS, "active_w = 1e10", f"loads.0.active_w: {MOST} 1000000000 (given: 1E+10)"),
        ("pue = 1", "pue = 1.1e-50", "pue: "),
        ("tax_percent = 21", "tax_percent = 1e-50", "tax_percent: Decimal input should have no"),
        ("start = 2026", "start = 9999", f"start: {MOST} 2200-12-31 (given: 9999-01-01)"),
        ('kind = "cash"', 'kind = "loan"\npercent_per_year = 5\nmonths = 9999', f"months: {MOST}"),
    ],
)
def test_a_number_beyond_all_use_is_one_clear_line(old: str, new: str, line: str) -> None:
    text = founding_toml()
    assert text.count(old) == 1
    found = CliRunner().invoke(main, ["-"], input=text.replace(old, new))
    assert found.exit_code == 2
    assert len(found.output.splitlines()) == 1
    assert line in found.output


@pytest.mark.parametrize(
    "changes",
    [
        {"assets": [asset(unit_price=10**12, count=10**6, life_months=1200)]},
        {"assets": [asset(unit_price="1e-30")]},
        {"loads": [load(idle_w=10**9, active_w=10**9, count=10**6)], "pue": 10},
        {"tariff": {"kind": "flat", "currency": "USD", "price_per_kwh": 10**12}},
        {"developers": 10**6, "seats": {"kind": "per_developer", "price_per_month": 10**12}},
        {"financing": {"kind": "loan", "percent_per_year": "1.00000000001", "months": 1200}},
        {"uncertainty": {"hardware_price": {"kind": "uniform", "low": 0, "high": 10**30}}},
    ],
)
def test_the_largest_and_smallest_that_may_be_stated_are_worked_out(
    changes: dict[str, Any],
) -> None:
    assert plan(varied(**changes)).headline
