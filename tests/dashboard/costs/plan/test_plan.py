"""A scenario's figures, held against hand calculations."""

from decimal import Decimal

import pytest

from dashboard.costs.plan import plan
from dashboard.costs.scenario import founding
from tests.dashboard.costs.plan.scenarios import TARIFF, asset, load, on_card, varied

USE = {"tokens_per_day": 1_000_000, "input_share": "0.9"}
STATED = {
    "kind": "stated",
    "input_per_million": 2,
    "cached_input_per_million": "0.5",
    "output_per_million": 10,
    "source": "made up",
}


def test_a_month_of_the_founding_scenario_adds_up() -> None:
    month = plan(founding()).month
    assert month.running == Decimal("90.00")
    assert month.depreciation == Decimal("416.67")  # 25,000 / 60
    assert month.self_hosted == Decimal("506.67")
    assert month.saving == Decimal("910.00")  # 5 × 200 − 90


def test_the_founding_scenario_is_worth_what_its_parts_are_after_tax() -> None:
    # 2026 to 2030 have 1,826 days: 43,824 h × 0.7 kW × $0.178571 = $5,478.00 of electricity.
    # Undiscounted: −25,000 + 60,000 − 5,478 = 29,522 before tax, and all of it is taxed at 21% in
    # the end: depreciation saves 5,250, electricity 1,150.38, seats given up cost 12,600.
    owned = plan(founding()).ownership.evaluation
    assert owned.totals["running"] == Decimal("-5478.00")
    assert owned.npv == Decimal("23322.38")  # 29,522 × 0.79


def test_cash_flows_pay_electricity_by_the_hours_of_each_month() -> None:
    # 1 kW at $0.20: 744 h in January, 672 h in February 2026.
    figures = plan(varied(loads=[load()], tariff=TARIFF))
    paid = [flow.running for flow in figures.ownership.evaluation.flows[1:3]]
    assert paid == [Decimal("-148.80"), Decimal("-134.40")]
    assert figures.month.electricity == Decimal("144.00")  # 720 h, as break-even has it
    assert any("8,760 or 8,784 a year" in one.text for one in figures.assumptions)


def test_the_shield_of_every_year_adds_up_to_the_tax_on_the_price() -> None:
    years = plan(founding()).ownership.shields[0].years
    assert [shield.deducted for shield in years] == [5000, 8000, 4800, 2880, 2880, 1440]
    assert sum(shield.saved for shield in years) == Decimal("5250.00")  # 25,000 × 21%


def test_every_team_to_fifty_or_twice_the_own_is_shown() -> None:
    small, large = plan(varied(developers=5)), plan(varied(developers=80))
    assert [row.developers for row in small.break_even.by_developers] == list(range(1, 51))
    assert [row.developers for row in large.break_even.by_developers] == list(range(1, 161))


def test_a_huge_team_is_shown_among_evenly_spread_ones() -> None:
    rows = [row.developers for row in plan(varied(developers=33_333)).break_even.by_developers]
    assert len(rows) <= 202
    assert {1, 33_333, 66_666} <= set(rows)


def test_fully_loaded_and_marginal_costs_stand_apart() -> None:
    # 100 W idle, 500 W for a quarter of the time: 72 and 144 kWh at $0.20.
    figures = plan(
        varied(loads=[load(idle_w=100, active_w=500, active_share="0.25")], tariff=TARIFF, use=USE)
    )
    costs = figures.costs
    assert figures.month.electricity == Decimal("28.80")
    assert figures.break_even.team.electricity_per_month == Decimal("28.80")
    assert costs.fully_loaded_per_developer == Decimal("89.09")  # (416.666… + 28.80) / 5
    assert costs.marginal_per_developer == Decimal("2.88")  # 72 kWh × 0.20 / 5
    assert costs.fully_loaded_per_million_tokens == Decimal("14.8489")  # 445.4666… / 30
    assert costs.marginal_per_million_tokens == Decimal("0.4800")  # 14.40 / 30


def test_marginal_cost_is_unknown_and_not_nil_where_power_does_not_rise_with_use() -> None:
    costs = plan(varied(use=USE)).costs
    assert costs.marginal_per_developer is None
    assert any("Marginal cost is unknown" in why for why in costs.basis)


def test_costs_per_token_are_unknown_without_tokens() -> None:
    costs = plan(varied()).costs
    assert costs.fully_loaded_per_million_tokens is None
    assert costs.utilisation is None


def test_utilisation_is_the_tokens_over_those_at_full_use() -> None:
    costs = plan(varied(use=USE | {"throughput_tokens_per_s": 100})).costs
    assert costs.utilisation == Decimal("0.115741")  # 1,000,000 / 8,640,000


def test_an_api_is_priced_in_the_team_s_own_mix() -> None:
    # Input: half cached, 1.25; 0.9 × 1.25 + 0.1 × 10 = 2.125 a million; 30 million a month.
    api = plan(varied(use=USE | {"cached_share": "0.5"}, api={"name": "A", "prices": STATED})).api
    assert api is not None
    assert api.per_million_tokens == Decimal("2.1250")
    assert api.per_month == Decimal("63.75")
    assert api.by_months is not None
    assert api.by_months.value is None  # 63.75 a month does not even pay the electricity
    # (416.666… + 90) / 2.125 × 1,000,000 / 30 = 7,947,712.4, rounded up
    assert api.by_tokens_per_day is not None
    assert api.by_tokens_per_day.value == Decimal(7_947_713)


def test_a_listed_price_is_that_of_its_vendor() -> None:
    listed = {"kind": "listed", "model": "gpt-5", "valid_from": "2026-01-01"}
    api = plan(varied(use=USE, api={"name": "GPT-5", "prices": listed})).api
    assert api is not None
    # OpenAI's price: $1.25 a million input tokens, $10 output.
    assert (api.input_per_million, api.output_per_million) == (Decimal("1.25"), Decimal(10))


def test_an_unknown_model_makes_the_api_unknown_and_not_free() -> None:
    listed = {"kind": "listed", "model": "no-such-model", "valid_from": "2026-01-01"}
    figures = plan(varied(use=USE, api={"name": "X", "prices": listed}))
    assert figures.api is not None
    assert figures.api.per_month is None
    assert "no price for no-such-model" in figures.api.sentences[0]


def test_several_plans_count_with_the_mean_of_their_seats() -> None:
    seats = {
        "kind": "seats",
        "name": "Two",
        "currency": "USD",
        "valid_from": "2026-01-01",
        "source": "made up",
        "plans": [
            {"name": "A", "price_per_month": 20, "developers": 2},
            {"name": "B", "price_per_month": 150, "developers": 1, "annual_discount_percent": 20},
        ],
    }
    # (2 × 20 + 120) / 3 = 53.333…: the three cost 160, and six cost 320.
    assert plan(varied(developers=3, seats=seats)).month.seats == Decimal("160.00")
    twice = plan(varied(developers=6, seats=seats))
    assert twice.month.seats == Decimal("320.00")
    assert any("mix is taken for 6" in one.text for one in twice.assumptions)


def test_tokens_beyond_a_seat_are_charged() -> None:
    overage = {"kind": "tokens", "included_per_month": 5_000_000, "price_per_million": 3}
    plans = [{"name": "A", "price_per_month": 20, "developers": 5, "overage": overage}]
    seats = {"kind": "seats", "name": "A", "currency": "USD", "plans": plans}
    dated = seats | {"valid_from": "2026-01-01", "source": "made up"}
    # 30 million a month over 5: 6 each, of which 1 at $3.
    assert plan(varied(seats=dated, use=USE)).month.seats == Decimal("115.00")
    unknown = plan(varied(seats=dated))
    assert unknown.month.seats == Decimal("100.00")
    assert any("seats may cost more" in one.text for one in unknown.assumptions)


def test_a_lease_has_to_be_paid_back_in_whole_within_its_term() -> None:
    lease = {"kind": "lease", "payment_per_month": 600, "months": 36}
    figures = plan(varied(financing=lease, horizon_months=36))
    assert figures.hardware.to_recover == 21_600
    assert figures.hardware.life_months == 36
    assert f"{figures.break_even.team.months:.2f}" == "23.74"  # 21,600 / 910
    assert figures.ownership.shields == ()


def test_resale_shortens_the_break_even() -> None:
    figures = plan(varied(assets=[asset(residual={"percent": 20})]))
    assert f"{figures.break_even.team.months:.2f}" == "21.98"  # 20,000 / 910


def test_never_is_said_with_its_reason() -> None:
    said = plan(varied(developers=1, operations=_operations(200))).headline
    assert said.startswith(
        "With 1 developer the hardware never pays for itself: running it costs $290.00 a month, "
        "and the seats only $200.00"
    )


def test_without_developers_there_is_nothing_to_replace() -> None:
    figures = plan(varied(developers=0))
    assert figures.break_even.team.months is None
    assert "no developer whose seat" in (figures.break_even.team.reason or "")
    assert figures.costs.fully_loaded_per_developer is None


def test_hardware_that_holds_and_serves_is_told_by_its_money() -> None:
    figures = plan(varied(capacity=on_card()))
    assert figures.capacity is not None
    assert figures.capacity.serves
    assert figures.headline == (
        "With 5 developers the hardware has paid for itself after 27.5 months; over 60 months it "
        "costs $23,322.38 less than the seats, after 21% tax."
    )


def test_hardware_that_holds_the_model_and_not_the_team_is_told_to_fall_short() -> None:
    figures = plan(varied(capacity=on_card(), developers=5_000))
    assert figures.capacity is not None
    assert figures.capacity.holds
    assert not figures.capacity.serves
    assert "does not serve 5,000 developers with gpt-oss-120b: it serves about" in figures.headline


def test_a_team_with_more_tokens_than_can_be_made_is_told_never_and_nothing_of_savings() -> None:
    use = USE | {"tokens_per_day": 10_000_000, "throughput_tokens_per_s": 100}
    assert plan(varied(use=use)).headline == (
        "With 5 developers the hardware never pays for itself: it takes 10,000,000 tokens a day, "
        "and the hardware makes at most 8,640,000."
    )


def test_what_is_bought_as_the_horizon_ends_is_sold_again_in_break_even_too() -> None:
    # 60 × $600, and $5,000 that come back: 36,000 ÷ (1,000 − 90) = 39.6 months.
    lease = {"kind": "lease", "payment_per_month": 600, "months": 60, "buyout": 5_000}
    even = plan(varied(financing=lease, assets=[asset(life_months=120)])).break_even.team
    assert even.months is not None
    assert round(even.months, 1) == Decimal("39.6")


def test_a_first_token_that_comes_too_late_counts_as_not_served() -> None:
    capacity = plan(varied(capacity=on_card(first_token_limit_s=0.01))).capacity
    assert capacity is not None
    assert "the first token takes" in (capacity.reason or "")


def test_prices_of_the_catalogue_are_not_mixed_with_another_currency() -> None:
    figures = plan(
        varied(
            currency="EUR",
            tariff=TARIFF | {"currency": "EUR"},
            operations={"currency": "EUR"},
            capacity=founding().model_dump()["capacity"],
        )
    )
    assert figures.capacity is not None
    assert figures.capacity.serving is None
    assert "$" not in " ".join(figures.capacity.sentences) + figures.headline


@pytest.mark.parametrize("place", range(3))
def test_every_given_source_is_among_the_assumptions(place: int) -> None:
    scenario = founding()
    sources = [scenario.assets[0].source, scenario.tariff.source, scenario.seats.source]
    assert sources[place] in {one.source for one in plan(scenario).assumptions}


def _operations(per_month: int) -> dict[str, object]:
    item = {"kind": "per_month", "name": "Network", "price_per_month": per_month}
    return {"currency": "USD", "items": [item]}
