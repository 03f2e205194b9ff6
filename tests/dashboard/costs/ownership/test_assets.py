"""What hardware costs, and what is refused."""

import tomllib
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.costs.ownership.assets import Asset, cost, residual_value
from dashboard.costs.ownership.methods import Macrs
from tests.dashboard.costs.ownership.things import asset

TIERS = ({"from_count": 4, "percent": 5}, {"from_count": 8, "percent": "12.5"})


@pytest.mark.parametrize(
    ("count", "total"),
    [
        (1, "25000.00"),
        (3, "75000.00"),
        (4, "95000.00"),  # 100,000 less 5%
        (7, "166250.00"),  # 175,000 less 5%
        (8, "175000.00"),  # 200,000 less 12.5%
    ],
)
def test_a_quantity_discount_is_on_every_unit_once_so_many_are_bought(
    count: int, total: str
) -> None:
    assert cost(asset(count=count, discounts=TIERS)) == Decimal(total)
    assert cost(asset(count=count, discounts=TIERS[::-1])) == Decimal(total)


def test_a_residual_value_is_an_amount_or_a_percent_of_the_cost() -> None:
    assert residual_value(asset()) == 0
    assert residual_value(asset(residual={"amount": "3000"})) == 3000
    # 45% of 4 × 25,000 less 5%
    four = asset(count=4, discounts=TIERS, residual={"percent": 45})
    assert residual_value(four) == Decimal("42750.00")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"residual": {"amount": 25_001}}, "must not exceed its cost"),
        ({"residual": {"amount": 1, "percent": 1}}, "either as an amount or as a percent"),
        ({"residual": {}}, "either as an amount or as a percent"),
        ({"in_service_date": date(2025, 12, 31)}, "before it is purchased"),
        ({"disposal": {"on": date(2025, 12, 31)}}, "before it is in service"),
        ({"disposal": {"on": date(2027, 1, 1), "proceeds": "0.001"}}, "2 decimal places"),
        ({"tax_depreciation": {"method": "magic"}}, "does not match any of the expected tags"),
        ({"book_depreciation": {"method": "macrs"}}, "does not match any of the expected tags"),
        ({"pruchase": 1}, "not permitted"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        asset(**changes)


def test_an_asset_reads_from_toml() -> None:
    text = """
    name = "H200 node"
    unit_price = 31_500.50
    count = 8
    discounts = [{from_count = 8, percent = 10}]
    purchase_date = 2026-03-01
    in_service_date = 2026-04-15
    life_months = 60
    residual = {percent = 10}
    source = "A quote of 2026-02-20"
    [book_depreciation]
    method = "declining_balance"
    factor = 1.5
    [tax_depreciation]
    method = "macrs"
    section_179 = {amount = 10_000}
    bonus = "by_law"
    """
    node = Asset.model_validate(tomllib.loads(text))
    assert cost(node) == Decimal("226803.60")  # 8 × 31,500.50 × 0.9
    assert node.tax_depreciation == Macrs.model_validate(
        {"section_179": {"amount": 10_000}, "bonus": "by_law"}
    )
    assert Asset.model_validate_json(node.model_dump_json()) == node


@given(st.integers(0, 10**6), st.integers(1, 500), st.integers(2, 9))
def test_the_cost_scales_with_the_price(price: int, count: int, factor: int) -> None:
    one = asset(unit_price=price, count=count, discounts=TIERS)
    dearer = asset(unit_price=price * factor, count=count, discounts=TIERS)
    assert abs(cost(dearer) - factor * cost(one)) <= Decimal("0.01") * factor
