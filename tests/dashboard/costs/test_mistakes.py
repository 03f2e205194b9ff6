"""Each mistake in a scenario's file is one clear line that names the field."""

import pytest
from click.testing import CliRunner

from dashboard.costs.__main__ import main
from dashboard.costs.scenario import founding_toml


def said(text: str) -> list[str]:
    found = CliRunner().invoke(main, ["-"], input=text)
    assert found.exit_code == 2
    assert found.stdout == ""
    return found.stderr.splitlines()


def with_bonus(bonus: str) -> str:
    rule = 'convention = "half_year"'
    return founding_toml().replace(rule, f"{rule}, bonus = {bonus}")


@pytest.mark.parametrize(("bonus", "shown"), [("150", "150"), ('"bylaw"', "bylaw")])
def test_a_field_of_two_kinds_makes_one_mistake_one_line(bonus: str, shown: str) -> None:
    assert said(with_bonus(bonus)) == [
        "assets.0.tax_depreciation.bonus: Give a percentage from 0 to 100, or by_law "
        f"(given: {shown})"
    ]


@pytest.mark.parametrize("bonus", ["40", '"by_law"'])
def test_both_kinds_of_such_a_field_are_taken(bonus: str) -> None:
    assert CliRunner().invoke(main, ["-"], input=with_bonus(bonus)).exit_code == 0


def test_a_currency_is_asked_for_in_words_and_not_as_a_pattern() -> None:
    text = founding_toml().replace('currency = "USD"', 'currency = "usd"', 1)
    assert said(text) == [
        "currency: A currency is given by its three capital letters (ISO 4217), such as USD "
        "(given: usd)"
    ]


def test_a_kind_that_does_not_exist_is_told_with_those_that_do() -> None:
    text = founding_toml().replace('kind = "cash"', 'kind = "gift"')
    assert said(text) == [
        "financing: kind is 'gift', and can only be one of 'cash', 'loan', 'lease'"
    ]
    assert said(founding_toml().replace('kind = "cash"', "months = 3"))[0] == (
        "financing: kind is missing"
    )


def test_every_range_that_leaves_out_its_value_is_told() -> None:
    ranges = """
[uncertainty]
seat_price_per_month = { kind = "uniform", low = 300, high = 400 }
hardware_price = { kind = "uniform", low = 1, high = 2 }
"""
    assert sorted(said(founding_toml() + ranges)) == [
        "uncertainty.hardware_price: is 25000.00 in the case, which is not from 1 to 2.",
        "uncertainty.seat_price_per_month: is 200 in the case, which is not from 300 to 400.",
    ]


def test_a_range_that_reaches_too_far_is_told_with_how_far() -> None:
    text = founding_toml().replace("residual = { amount = 0 }", "residual = { percent = 80 }")
    ranges = """
[uncertainty]
residual_share = { kind = "relative", low = 0.5, high = 2 }
"""
    assert said(text + ranges) == [
        "uncertainty.residual_share: its range reaches 1.6, and it should be less than or equal "
        "to 1."
    ]


def test_a_start_beyond_all_calendars_is_a_mistake_of_its_own_field() -> None:
    lines = said(founding_toml().replace("start = 2026-01-01", "start = 9990-01-01"))
    assert lines[0].startswith("start: ")
