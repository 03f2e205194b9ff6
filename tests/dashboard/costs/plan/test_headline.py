"""The headline names what its figures count on."""

from decimal import Decimal

import pytest

from dashboard.costs.plan import plan
from dashboard.costs.scenario import founding
from tests.dashboard.costs.plan.scenarios import asset, varied

HALF = [asset(residual={"percent": 50})]


def test_resale_that_a_break_even_counts_on_is_named_with_the_months_without_it() -> None:
    # 12,500 ÷ 910 = 13.7, and 25,000 ÷ 910 = 27.5.
    figures = plan(varied(assets=HALF))
    said = (
        "With 5 developers the hardware has paid for itself after 13.7 months, counting on $12,500 "
        "of resale at month 60 (27.5 months without it)"
    )
    assert figures.break_even.sentence == f"{said}."
    assert figures.headline.startswith(f"{said}; over 60 months")
    assert any("counting on $12,500 of resale" in one.text for one in figures.assumptions)


def test_what_has_to_be_recovered_is_in_every_row() -> None:
    rows = plan(varied(assets=HALF)).break_even.by_developers
    assert {row.to_recover for row in rows} == {Decimal(12_500)}
    assert rows[0].months_without_resale == Decimal("227.2727")  # 25,000 ÷ 110
    assert rows[0].resale_month == 60


def test_resale_is_named_too_where_the_hardware_does_not_serve() -> None:
    said = plan(varied(assets=HALF, capacity=founding().capacity)).headline
    assert "with 5 developers, counting on $12,500 of resale at month 60" in said


def test_without_resale_nothing_is_counted_on() -> None:
    team = plan(varied()).break_even.team
    assert team.to_recover == Decimal(25_000)
    assert team.resale_month is None
    assert team.months_without_resale == team.months


def test_the_last_resale_is_that_of_what_lasts_longest() -> None:
    long = asset(name="Switch", life_months=120, residual={"amount": 100})
    even = plan(varied(assets=[asset(), long])).break_even
    assert even.team.resale_month == 120


def test_a_sale_that_nobody_settled_is_named_with_its_amount() -> None:
    # 25,000 over 1,826 days, of which 365 are gone: 25,000 × 1,461 ÷ 1,826 = 20,002.74.
    assert plan(varied(horizon_months=12)).headline.endswith(
        "after 21% tax, if it is then sold for $20,002.74."
    )


def test_a_sale_that_is_settled_is_no_assumption() -> None:
    sold = asset(disposal={"on": "2026-11-30", "proceeds": 20_000})
    assert "sold for" not in plan(varied(horizon_months=12, assets=[sold])).headline


def test_use_beyond_the_life_is_named() -> None:
    assert plan(varied(horizon_months=120)).headline.endswith(
        "after 21% tax, if it runs on past its life of 60 months."
    )


def test_use_beyond_the_life_and_the_sale_after_it_are_named_together() -> None:
    assert plan(varied(horizon_months=120, assets=HALF)).headline.endswith(
        "if it runs on past its life of 60 months and is then sold for $12,500."
    )


def test_of_several_assets_the_one_that_is_outlasted_is_named() -> None:
    assets = [asset(name="Card", life_months=36), asset(name="Switch", unit_price=1)]
    assert "if Card runs on past its life of 36 months" in plan(varied(assets=assets)).headline


def test_what_is_sold_by_the_end_of_its_life_is_not_outlasted() -> None:
    # A life from 1 January 2026 to 31 December 2028.
    for day, told in (("2028-12-31", False), ("2029-01-01", True)):
        sold = asset(name="Card", life_months=36, disposal={"on": day})
        figures = plan(varied(assets=[sold, asset(name="Switch", unit_price=1)]))
        assert ("runs on past its life" in figures.headline) is told, day
        assert (figures.ownership.evaluation.outlived == ("Card",)) is told, day
        said = any("counted on for longer" in one.text for one in figures.assumptions)
        assert said is told, day


def test_a_horizon_within_the_life_takes_nothing_for_granted() -> None:
    assert plan(varied()).headline.endswith("less than the seats, after 21% tax.")


@pytest.mark.parametrize("capacity", [None, founding().capacity])
def test_without_developers_it_is_told_so_and_nothing_of_a_team(capacity: object) -> None:
    assert plan(varied(developers=0, capacity=capacity)).headline == (
        "Without developers there is no seat to replace: the hardware saves nothing, and running "
        "it costs $90.00 a month."
    )


def test_large_teams_have_thousands_set_apart() -> None:
    assert plan(varied(developers=2_000)).headline.startswith("With 2,000 developers")


def test_more_than_a_century_is_told_as_that() -> None:
    # 25,000 ÷ (90.01 − 90) = 2,500,000 months.
    seats = {"kind": "per_developer", "price_per_month": "90.01"}
    assert plan(varied(developers=1, seats=seats)).headline.startswith(
        "With 1 developer the hardware has paid for itself after more than 100 years, which is "
        "longer than its life of 60 months; "
    )
