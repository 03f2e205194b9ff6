"""Break-even by month, team, utilisation and tokens, against figures worked out by hand."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.costs.break_even.answers import (
    by_developers,
    by_months,
    by_tokens_per_day,
    by_utilisation,
    cost_per_million_tokens,
    months_by_developers,
)
from dashboard.costs.break_even.case import Against, BreakEvenCase
from tests.dashboard.costs.break_even.cases import API, FOUNDING, case

NEVER = Decimal("Infinity")


def months(one: BreakEvenCase, against: Against = "seats") -> Decimal:
    found = by_months(one, against).value
    return NEVER if found is None else found


@pytest.mark.parametrize(
    ("developers", "expected"),
    [
        (1, "227.3"),  # 25,000 / (200 - 90)
        (2, "80.6"),  # 25,000 / (400 - 90)
        (5, "27.5"),  # 25,000 / (1,000 - 90)
        (10, "13.1"),  # 25,000 / (2,000 - 90)
    ],
)
def test_the_founding_case_breaks_even_as_worked_out_by_hand(
    developers: int, expected: str
) -> None:
    assert f"{months(case(developers=developers)):.1f}" == expected
    assert f"{months_by_developers(case(), 10)[developers - 1].value:.1f}" == expected


def test_the_residual_value_need_not_be_earned_back() -> None:
    # 25,000 × (1 − 0.4) = 15,000, over 310 a month.
    assert months(case(developers=2, residual_share="0.4")) == Decimal("48.3871")


def test_count_operations_and_electricity_by_use_enter() -> None:
    # 2 × 25,000 / (2,000 − 90 − 500 − 0.02 × 900 million tokens a month)
    one = case(developers=10, hardware_count=2, operations_per_month=500, **API)
    assert months(one) == Decimal("35.9195")


def test_the_smallest_team_is_the_one_worked_out_by_hand() -> None:
    # (25,000 / 36 + 90) / 200 = 3.92; over 60 months (25,000 / 60 + 90) / 200 = 2.53.
    assert by_developers(case()).value == 4
    assert by_developers(case(life_months=60)).value == 3


def test_against_an_api_the_tokens_decide() -> None:
    # 900 million tokens a month × (0.98 − 0.02) − 90 = 774 a month: 25,000 / 774.
    answer = by_months(case(**API), "api")
    assert answer.value == Decimal("32.2997")
    assert answer.within_life


def test_tokens_a_day_and_utilisation_at_which_a_token_costs_what_the_api_asks() -> None:
    # (25,000 / 36 + 90) / (0.98 − 0.02) = 817.13 million a month, 27,237,654.3 a day; of at
    # most 2,000 × 86,400 = 172.8 million a day that is 15.7625%.
    one = case(**API)
    assert by_tokens_per_day(one).value == Decimal(27_237_655)
    share = by_utilisation(one)
    assert share.value == Decimal("0.157625")
    assert cost_per_million_tokens(one, Fraction(share.value)) == Decimal("0.9800")


def test_never_is_an_answer_with_its_reason() -> None:
    dear = case(seat_price_per_month=50)
    assert by_months(dear).reason == ("running it costs $90.00 a month, and the seats only $50.00")
    cheap_api = API | {"api_input_price": 0, "api_output_price": "0.01"}
    for answer in (by_tokens_per_day(case(**cheap_api)), by_utilisation(case(**cheap_api))):
        assert answer.value is None
        assert answer.reason == (
            "the electricity of a million tokens costs $0.02, and the API asks $0.00 for them"
        )
    slow = case(**(API | {"throughput_tokens_per_s": 200}))
    assert by_utilisation(slow).reason == (
        "it takes 27,237,655 tokens a day, and the hardware makes at most 17,280,000"
    )
    assert by_tokens_per_day(slow).value is None
    assert by_developers(case(seat_price_per_month=0)).value is None


def test_a_team_that_the_hardware_cannot_serve_never_breaks_even_against_seats() -> None:
    one = case(**(API | {"throughput_tokens_per_s": 1_000, "developers": 10}))
    assert months(one) < NEVER  # 30 million a day of at most 86.4
    table = months_by_developers(one, 40)
    # 3 million tokens a day each: 28 make 84 million, 29 make 87.
    assert [answer.value is None for answer in table] == [False] * 28 + [True] * 12
    assert table[28].reason == (
        "it takes 87,000,000 tokens a day, and the hardware makes at most 86,400,000"
    )


def test_tokens_past_the_hardwares_limit_stay_with_the_api_on_both_sides() -> None:
    full = case(**(API | {"tokens_per_day": 172_800_000}))
    more = case(**(API | {"tokens_per_day": 999_000_000}))
    assert months(full, "api") == months(more, "api")


def test_what_is_missing_is_asked_for() -> None:
    with pytest.raises(ValueError, match="set api_input_price and api_output_price"):
        by_months(case(), "api")
    with pytest.raises(ValueError, match="set throughput_tokens_per_s"):
        by_utilisation(case(**(API | {"throughput_tokens_per_s": None})))


_money = st.decimals(0, 10**5, places=2)
_share = st.decimals(0, 1, places=3)
_cases = st.fixed_dictionaries(
    {
        "hardware_price": _money,
        "hardware_count": st.integers(1, 64),
        "residual_share": _share,
        "life_months": st.integers(1, 120),
        "electricity_idle_per_month": _money,
        "electricity_per_million_tokens": st.decimals(0, 10, places=3),
        "operations_per_month": _money,
        "developers": st.integers(1, 500),
        "seat_price_per_month": _money,
        "tokens_per_day": st.integers(0, 10**10),
        "throughput_tokens_per_s": st.one_of(st.none(), st.integers(1, 10**5)),
        "api_input_price": st.decimals(0, 100, places=2),
        "api_output_price": st.decimals(0, 100, places=2),
        "api_input_share": _share,
    }
)
AGAINST: tuple[Against, ...] = ("seats", "api")
_against = st.sampled_from(AGAINST)


@given(
    _cases,
    _against,
    st.sampled_from(
        [
            "electricity_idle_per_month",
            "operations_per_month",
            "electricity_per_million_tokens",
            "hardware_price",
        ]
    ),
    _money,
    _money,
)
def test_what_costs_less_never_delays_break_even(
    fields: dict[str, Any], against: Against, name: str, one: Decimal, other: Decimal
) -> None:
    cheap = BreakEvenCase(**(fields | {name: min(one, other)}))
    dear = BreakEvenCase(**(fields | {name: max(one, other)}))
    assert months(cheap, against) <= months(dear, against)


@given(_cases, _money, _money)
def test_a_dearer_seat_never_delays_break_even(
    fields: dict[str, Any], one: Decimal, other: Decimal
) -> None:
    cheap = BreakEvenCase(**(fields | {"seat_price_per_month": min(one, other)}))
    dear = BreakEvenCase(**(fields | {"seat_price_per_month": max(one, other)}))
    assert months(dear) <= months(cheap)


@given(_cases)
def test_more_developers_never_delay_break_even_as_long_as_they_can_be_served(
    fields: dict[str, Any],
) -> None:
    unlimited = BreakEvenCase(**(fields | {"throughput_tokens_per_s": None}))
    found = [answer.value for answer in months_by_developers(unlimited, 12)]
    line = [NEVER if value is None else value for value in found]
    assert line == sorted(line, reverse=True)


@given(_cases, _against, st.integers(2, 1000))
def test_another_unit_of_money_changes_no_answer(
    fields: dict[str, Any], against: Against, factor: int
) -> None:
    prices = [name for name in fields if "price" in name or "electric" in name or "operat" in name]
    in_cents = {name: fields[name] * factor for name in prices}
    here, there = BreakEvenCase(**fields), BreakEvenCase(**(fields | in_cents))
    assert by_months(here, against).value == by_months(there, against).value
    assert by_developers(here).value == by_developers(there).value
    assert by_tokens_per_day(here).value == by_tokens_per_day(there).value


@given(_cases, st.integers(2, 50))
def test_everything_many_times_over_breaks_even_at_the_same_time(
    fields: dict[str, Any], factor: int
) -> None:
    names = ["hardware_count", "electricity_idle_per_month", "operations_per_month", "developers",
             "tokens_per_day", "throughput_tokens_per_s"]  # fmt: skip
    larger = {name: fields[name] * factor for name in names if fields[name] is not None}
    for against in AGAINST:
        here, there = BreakEvenCase(**fields), BreakEvenCase(**(fields | larger))
        assert months(here, against) == months(there, against)


@given(_cases)
def test_the_smallest_team_is_the_first_that_breaks_even_within_the_life(
    fields: dict[str, Any],
) -> None:
    one = BreakEvenCase(**fields)
    answer = by_developers(one)
    table = months_by_developers(one, 60)
    first = next((n for n, found in enumerate(table, start=1) if found.within_life), None)
    if answer.value is None:
        assert first is None
    elif answer.value <= 60:
        assert first == answer.value


@given(_cases)
def test_the_tokens_found_are_the_fewest_that_pay_within_the_life(fields: dict[str, Any]) -> None:
    one = BreakEvenCase(**(fields | {"throughput_tokens_per_s": None}))
    found = by_tokens_per_day(one).value  # to the nearest token
    if found is None:
        assert not by_months(one, "api").within_life
        return
    more = one.model_copy(update={"tokens_per_day": found + 1})
    assert by_months(more, "api").within_life
    if found >= 1:
        fewer = one.model_copy(update={"tokens_per_day": found - 1})
        assert not by_months(fewer, "api").within_life


def test_a_case_loads_from_plain_values() -> None:
    assert BreakEvenCase(**FOUNDING) == BreakEvenCase.model_validate_json(case().model_dump_json())
    with pytest.raises(ValueError, match="extra"):
        BreakEvenCase(**(FOUNDING | {"seats": 3}))
