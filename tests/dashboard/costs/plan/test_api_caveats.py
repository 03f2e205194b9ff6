"""What a list's price does not say by itself goes along with it."""

from datetime import date

import pytest

from dashboard.costs.baselines.rates import listed
from dashboard.costs.plan import Plan, plan
from tests.dashboard.costs.plan.scenarios import varied

ON = date(2026, 1, 1)


def against(model: str, provider: str | None = None) -> Plan:
    use = {"tokens_per_day": 1_000_000, "input_share": "0.9"}
    prices = {"kind": "listed", "model": model, "provider": provider, "valid_from": ON}
    return plan(varied(use=use, api={"name": "X", "prices": prices}))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("gemini-2.5-pro", "Requests of more than 200,000 input tokens cost more"),
        ("deepseek-chat", "price changes with the hour"),
    ],
)
def test_what_moves_a_price_stands_beside_it_and_among_the_assumptions(
    model: str, said: str
) -> None:
    figures = against(model)
    assert figures.api is not None
    assert any(said in note for note in figures.api.notes)
    assert any(said in one.text for one in figures.assumptions)


def test_a_price_by_the_request_makes_the_cost_unknown_and_not_cheaper() -> None:
    rates = listed("sonar", "perplexity", ON)
    assert rates is not None
    assert rates.per_request  # $12 a thousand requests
    api = against("sonar", "perplexity").api
    assert api is not None
    assert api.per_month is None
    assert "also costs by the request" in api.sentences[0]


def test_a_plain_price_has_nothing_to_add() -> None:
    api = against("gpt-5").api
    assert api is not None
    assert api.notes == ()
