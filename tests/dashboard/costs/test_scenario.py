"""Scenarios as people write them: TOML, JSON, and what is refused."""

import tomllib
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from dashboard.costs.mistakes import mistakes
from dashboard.costs.scenario import (
    Scenario,
    founding,
    founding_toml,
    from_json,
    from_toml,
    to_json,
    to_toml,
)
from tests.dashboard.costs.plan.scenarios import on_card, varied

AMOUNTS = st.decimals(0, 10**6, places=6)
DAYS = st.dates(date(1900, 1, 1), date(2200, 12, 31))
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=1, max_size=40)


def refused(**changes: Any) -> list[str]:
    data = founding().model_dump() | changes
    with pytest.raises(ValidationError) as caught:
        Scenario.model_validate(data)
    return mistakes(caught.value, data)


@settings(max_examples=20, deadline=None)
@given(price=AMOUNTS, seat=AMOUNTS, name=TEXTS, note=TEXTS, days=DAYS)
def test_written_and_read_again_it_is_the_same(
    price: Decimal, seat: Decimal, name: str, note: str, days: Any
) -> None:
    card = founding().assets[0].model_dump()
    card |= {"unit_price": price, "purchase_date": days, "in_service_date": days}
    scenario = varied(
        name=name,
        note=note,
        start=days,
        assets=[card],
        seats={"kind": "per_developer", "price_per_month": seat},
        capacity=on_card(),
        uncertainty={"hardware_price": {"kind": "relative", "low": "0.9", "high": "1.1"}},
    )
    assert from_toml(to_toml(scenario)) == scenario
    assert from_json(to_json(scenario)) == scenario


def test_decimals_are_read_as_they_are_written() -> None:
    text = founding_toml().replace("price_per_kwh = 0.178571", "price_per_kwh = 0.1")
    assert str(from_toml(text).tariff.model_dump()["price_per_kwh"]) == "0.1"


def test_the_founding_file_says_what_was_stated() -> None:
    written = tomllib.loads(founding_toml())
    assert written["assets"][0]["unit_price"] == 25_000
    assert written["seats"]["price_per_month"] == 200
    assert written["developers"] == 5


def test_a_misspelt_field_is_refused_by_name() -> None:
    assert refused(developer=3) == ["developer: there is no such field; is it misspelt?"]


def test_a_mistake_is_told_with_the_path_that_the_file_has() -> None:
    seats = {"kind": "per_developer", "price_per_month": -1}
    assert refused(seats=seats) == [
        "seats.price_per_month: Input should be greater than or equal to 0 (given: -1)"
    ]


def test_a_mistake_in_an_asset_is_not_also_one_of_having_none() -> None:
    card = founding().assets[0].model_dump()
    del card["unit_price"]
    assert refused(assets=[card]) == ["assets.0.unit_price: is missing"]


def test_amounts_in_two_currencies_are_refused() -> None:
    assert refused(operations={"currency": "EUR"}) == [
        "scenario: operations.currency is EUR and the scenario's USD: give all amounts in one "
        "currency."
    ]


def test_an_unknown_model_is_answered_with_those_that_are_known() -> None:
    (line,) = refused(capacity=on_card(model="gpt-5"))
    assert line.startswith("capacity.model: No such model: choose one of kimi-k2, ")


def test_a_precision_that_the_model_has_not_is_refused() -> None:
    (line,) = refused(capacity=on_card(precision="int4"))
    assert line.startswith("capacity: gpt-oss-120b is not known in int4: choose one of mxfp4")


def test_more_cards_than_can_be_joined_are_refused() -> None:
    (line,) = refused(capacity=on_card(accelerators=64))
    assert "64 × H100 PCIe 80 GB cannot serve as one replica: take 8 at most" in line


def test_an_api_without_tokens_is_refused() -> None:
    prices = {"kind": "listed", "model": "gpt-5", "valid_from": "2026-01-01"}
    (line,) = refused(api={"name": "GPT-5", "prices": prices})
    assert line == "scenario: api needs the team's tokens: give use.tokens_per_day."


def test_a_lease_that_leaves_nobody_served_is_refused() -> None:
    (line,) = refused(financing={"kind": "lease", "payment_per_month": 600, "months": 36})
    assert "the hardware goes back after 36 months" in line


def test_a_range_of_something_that_is_no_input_is_refused() -> None:
    (line,) = refused(uncertainty={"prices": {"kind": "relative", "low": 0, "high": 1}})
    assert line.startswith("uncertainty.prices: ")
