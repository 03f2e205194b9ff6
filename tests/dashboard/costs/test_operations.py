"""Operations by hand: each row, and their sum."""

import tomllib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dashboard.costs.operations import Operations, operations_per_month

SCENARIO = """
    currency = "USD"
    source = "our own contracts, March 2026"

    [[items]]
    kind = "administration"
    hours_per_month = 6.5
    rate_per_hour = 80

    [[items]]
    kind = "space_per_kw"
    kw = 1.5
    price_per_kw_month = 180

    [[items]]
    kind = "space_per_unit"
    name = "Rack"
    rack_units = 4
    price_per_unit_month = 22.5

    [[items]]
    kind = "percent_a_year"
    name = "Support contract"
    percent = 8

    [[items]]
    kind = "percent_a_year"
    name = "Spares"
    percent = 2.5

    [[items]]
    kind = "per_month"
    name = "Network"
    price_per_month = 45
"""


def test_each_item_is_a_row_and_the_total_their_sum() -> None:
    found = operations_per_month(Operations(**tomllib.loads(SCENARIO)), Decimal(25_000))
    assert [(row.name, row.per_month) for row in found.rows] == [
        ("Administration", Decimal("520.00")),  # 6.5 × 80
        ("Colocation", Decimal("270.00")),  # 1.5 × 180
        ("Rack", Decimal("90.00")),  # 4 × 22.50
        ("Support contract", Decimal("166.67")),  # 25,000 × 8% ÷ 12 = 166.666…
        ("Spares", Decimal("52.08")),  # 25,000 × 2.5% ÷ 12 = 52.0833…
        ("Network", Decimal("45.00")),
    ]
    assert found.total == Decimal("1143.75")


def test_a_row_says_how_it_is_calculated() -> None:
    found = operations_per_month(Operations(**tomllib.loads(SCENARIO)), Decimal(25_000))
    assert [row.how for row in found.rows] == [
        "6.5 h × $80.00",
        "1.5 kW × $180.00",
        "4 U × $22.50",
        "8% of $25,000 a year ÷ 12",
        "2.5% of $25,000 a year ÷ 12",
        "per month",
    ]


def test_without_items_operations_cost_nothing() -> None:
    assert operations_per_month(Operations(currency="EUR"), Decimal(9)).total == 0


def test_a_misspelt_line_is_an_error() -> None:
    told = tomllib.loads(SCENARIO)
    told["items"][0]["hours_a_month"] = 3
    with pytest.raises(ValidationError, match="hours_a_month"):
        Operations(**told)


@given(st.decimals(0, 10**7, places=2), st.integers(1, 9))
def test_percentages_scale_with_the_hardwares_price(price: Decimal, times: int) -> None:
    told = tomllib.loads(SCENARIO)
    operations = Operations(currency="USD", items=told["items"][3:5])
    one = operations_per_month(operations, price).total
    many = operations_per_month(operations, price * times).total
    assert abs(many - one * times) <= Decimal("0.01") * (times + 1)
