"""Assets that last differently long: each is worn off over its own life."""

from decimal import Decimal

from dashboard.costs.plan import Plan, plan
from tests.dashboard.costs.plan.scenarios import asset, varied

CARD = asset(life_months=36)  # $25,000
SWITCH = asset(name="Switch", unit_price=10_000, life_months=120)
USE = {"tokens_per_day": 1_000_000, "input_share": "0.9"}
# 25,000 ÷ 36 + 10,000 ÷ 120 = 694.444… + 83.333… = 777.777… a month; 35,000 ÷ 777.777… = 45 months.


def both(**changes: object) -> Plan:
    return plan(varied(**({"assets": [CARD, SWITCH]} | changes)))


def test_a_month_s_depreciation_is_the_sum_of_each_asset_s_own() -> None:
    assert both().month.depreciation == Decimal("777.78")


def test_the_costs_of_a_developer_and_of_a_token_follow() -> None:
    costs = both(use=USE).costs
    assert costs.fully_loaded_per_developer == Decimal("173.56")  # (777.777… + 90) ÷ 5
    assert costs.fully_loaded_per_million_tokens == Decimal("28.9259")  # 867.777… ÷ 30


def test_the_smallest_team_is_the_one_whose_seats_pay_depreciation_and_running() -> None:
    # 777.777… + 90 = 867.777…, which 5 seats at 200 pay and 4 do not.
    even = both().break_even
    assert even.smallest_team == 5
    assert [row.within_life for row in even.by_developers[3:5]] == [False, True]


def test_residuals_are_taken_off_their_own_assets() -> None:
    # (25,000 − 5,000) ÷ 36 + (10,000 − 4,000) ÷ 120 = 555.555… + 50
    assets = [CARD | {"residual": {"percent": 20}}, SWITCH | {"residual": {"amount": 4000}}]
    assert both(assets=assets).month.depreciation == Decimal("605.56")


def test_equal_lives_stay_as_they_were() -> None:
    month = both(assets=[asset(), asset(name="Second", unit_price=5_000)]).month
    assert month.depreciation == Decimal("500.00")  # 30,000 ÷ 60


def test_what_break_even_is_held_against_is_stated() -> None:
    said = [one.text for one in both().assumptions]
    assert (
        "Assets have different lives: each depreciates over its own, and break-even is held "
        "against the 45.0 months in which that pays for all of them."
    ) in said
