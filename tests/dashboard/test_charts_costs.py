"""Break-even's charts say their finding, hold the figures they were given, and show "never"."""

from decimal import Decimal
from typing import Any

from dashboard import charts_costs
from dashboard.costs.break_even.case import BreakEvenCase
from dashboard.costs.break_even.tornado import tornado
from dashboard.costs.break_even.uncertainty import UncertainCase, simulate_teams

FOUNDING: dict[str, Any] = {
    "hardware_price": 25_000,
    "life_months": 36,
    "electricity_idle_per_month": 90,
    "seat_price_per_month": 200,
    "developers": 5,
    "throughput_tokens_per_s": 2_000,
    "api_input_price": "0.6",
    "api_output_price": "2.5",
    "api_input_share": "0.8",
    "electricity_per_million_tokens": "0.02",
}


def uncertain(seat_low: int) -> UncertainCase:
    inputs = {
        "hardware_price": {"kind": "uniform", "low": 20_000, "high": 35_000},
        "seat_price_per_month": {"kind": "uniform", "low": seat_low, "high": 250},
    }
    return UncertainCase.model_validate({"base": FOUNDING, "inputs": inputs})


def test_the_tornado_runs_from_each_inputs_low_to_its_high() -> None:
    chart = charts_costs.tornado(tornado(uncertain(150)))
    # 25,000 ÷ 910 = 27.47; 20,000 ÷ 910 = 21.98 and 35,000 ÷ 910 = 38.46.
    assert chart.title == "Hardware's price moves break-even most: from 22.0 to 38.5 months"
    low, high = chart.figure.data
    assert list(low.y) == ["Hardware's price", "Seat a month"]
    assert [round(low.base + x, 2) for x in low.x] == [21.98, 37.88]  # 25,000 ÷ 660
    assert [round(high.base + x, 2) for x in high.x] == [38.46, 21.55]  # 25,000 ÷ 1,160
    assert list(low.text) == ["20,000", "150"]
    assert list(chart.table["months at low"]) == ["22.0", "37.9"]


def test_never_is_drawn_to_the_end_of_the_axis_and_said() -> None:
    chart = charts_costs.tornado(tornado(uncertain(10)))
    assert chart.title == "Seat a month decides whether it ever breaks even (months)"
    low, _ = chart.figure.data
    seat, price = low.base + low.x[0], low.base + low.x[1]
    assert seat > 38.46 > price
    assert seat <= chart.figure.layout.xaxis.range[1]
    assert low.text[0] == "10: never"
    assert "Seat a month at 10: never, at 250: 21.6" in chart.alt
    assert chart.table["months at low"][0] == "never"


def test_a_case_that_never_pays_still_has_a_tornado() -> None:
    one = uncertain(10)
    hopeless = one.base.model_copy(update={"operations_per_month": Decimal(5_000)})
    chart = charts_costs.tornado(tornado(UncertainCase(base=hopeless, inputs=one.inputs)))
    assert chart.title == "It never breaks even, whichever single input turns out otherwise"
    assert all(text.endswith("never") for bars in chart.figure.data for text in bars.text)


def test_break_even_by_team_has_a_band_and_says_how_many_it_takes() -> None:
    spreads = simulate_teams(uncertain(150), range(1, 9))
    chart = charts_costs.break_even_by_developers(spreads, 36)
    low, high, median = chart.figure.data
    assert high.fill == "tonexty"
    assert all(a <= b for a, b in zip(low.y, high.y, strict=True))
    assert len(median.y) == len(chart.table) == 8
    first = next(s for s in spreads if s.months.median and s.months.median <= 36)
    assert chart.title.startswith(f"It takes {first.developers} developers to break even within 36")
    assert "95% sure" in chart.title
    assert max(high.y) <= chart.figure.layout.yaxis.range[1]


def test_a_team_that_never_pays_has_a_gap_and_the_word_in_the_table() -> None:
    inputs = {"hardware_price": {"kind": "uniform", "low": 20_000, "high": 35_000}}
    dear = FOUNDING | {"electricity_idle_per_month": 500}  # two seats of $200 are not enough
    one = UncertainCase.model_validate({"base": dear, "inputs": inputs})
    chart = charts_costs.break_even_by_developers(simulate_teams(one, range(1, 5)), 12)
    assert list(chart.figure.data[2].y[:2]) == [None, None]
    assert list(chart.table["median, months"][:2]) == ["never", "never"]
    assert chart.title == "No team up to 4 is likely to break even within 12 months"


def test_the_first_of_teams_with_gaps_between_them_is_not_called_the_smallest() -> None:
    chart = charts_costs.break_even_by_developers(
        simulate_teams(uncertain(150), range(1, 99, 7)), 36
    )
    assert chart.title.startswith("Of these teams, that of ")


def test_the_cost_of_a_token_falls_with_use_and_meets_the_apis_price() -> None:
    chart = charts_costs.cost_by_utilisation(BreakEvenCase(**FOUNDING))
    own, api = chart.figure.data
    assert list(own.y) == sorted(own.y, reverse=True)
    # At full use (25,000 ÷ 36 + 90) ÷ 5,184 million + $0.02.
    assert round(own.y[-1], 4) == 0.1713
    assert set(api.y) == {0.98}
    assert chart.title == "A token costs what the API asks for it at 16% of full use (USD)"


def test_an_api_that_is_always_cheaper_is_told_as_such() -> None:
    cheap = BreakEvenCase(**(FOUNDING | {"api_input_price": 0, "api_output_price": "0.1"}))
    chart = charts_costs.cost_by_utilisation(cheap)
    assert chart.title.startswith("Self-hosting never costs as little as the API")
    assert not chart.figure.layout.shapes
