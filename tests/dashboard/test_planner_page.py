"""The planner's page: from the prices in force to a plan, changed, kept, compared and passed on."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.costs.scenario import Scenario, founding, from_json, from_toml
from dashboard.planner import links, state
from db import people, prices, scenarios
from db.connect import connect
from db.migrate import migrate
from engine.api.service import Service
from tests.dashboard.conftest import open_page


def headline(page: AppTest) -> str:
    return str(page.subheader[0].value).replace("\\", "")


def metric(page: AppTest, label: str) -> str:
    return str(next(one.value for one in page.metric if one.label == label))


def choose(page: AppTest, which: str) -> None:
    next(box for box in page.selectbox if box.label == "Scenario").set_value(which).run()
    assert not page.exception, page.exception


def button(page: AppTest, label: str) -> None:
    next(one for one in page.button if one.label == label).click()
    page.run()
    assert not page.exception, page.exception


@pytest.mark.usefixtures("product")
def test_the_founding_case_says_27_5_months_with_5_developers() -> None:
    page = open_page("planner")
    choose(page, "founding")
    assert "27.5 months with 5 developers" in headline(page)
    assert metric(page, "Break-even") == "27.5 months"
    assert metric(page, "Saving a month") == "$910.00"


@pytest.mark.usefixtures("product")
def test_that_the_card_does_not_hold_the_model_stands_beside_the_headline() -> None:
    page = open_page("planner")
    choose(page, "founding")
    assert any("does not hold Kimi K2" in box.value for box in page.warning)


def test_it_starts_from_the_prices_in_force_and_everybody_with_a_seat(product: Service) -> None:
    for name in ("Ada", "Grace", "Edsger"):
        people.add_developer(product.database, name, actor="test")
    prices.set_prices(
        product.database, actor="test", hardware_price=9_000, seat_price_per_month=150, pue="1.2"
    )
    page = open_page("planner")
    # 3 × 150 − 0.7 kW × 720 h × 1.2 × 0.18 = 450 − 108.864
    assert metric(page, "Saving a month") == "$341.14"
    assert metric(page, "Break-even") == "26.4 months"  # 9,000 ÷ 341.136


@pytest.mark.usefixtures("product")
def test_an_empty_ledger_says_what_to_do() -> None:
    page = open_page("planner")
    assert metric(page, "Break-even") == "never"
    assert any("Nobody is on this ledger yet" in box.value for box in page.info)


@pytest.mark.usefixtures("product")
def test_more_developers_pay_sooner_at_once() -> None:
    page = open_page("planner")
    choose(page, "founding")
    next(box for box in page.number_input if box.label == "Developers").set_value(10).run()
    assert metric(page, "Break-even") == "13.1 months"
    slider = next(one for one in page.slider if one.label == "Developers")
    assert slider.value == 10
    slider.set_value(2).run()
    assert metric(page, "Break-even") == "80.6 months"


@pytest.mark.usefixtures("product")
def test_the_link_is_of_what_the_form_says_now() -> None:
    page = open_page("planner")
    choose(page, "founding")
    next(box for box in page.number_input if box.label == "Developers").set_value(10).run()
    link = next(code.value for code in page.code if "planner?plan=" in code.value)
    assert links.decode(link.partition("plan=")[2]).developers == 10


@pytest.mark.usefixtures("product")
def test_a_change_outlives_a_visit_of_another_page_and_can_be_undone() -> None:
    page = open_page("planner")
    choose(page, "founding")
    next(box for box in page.number_input if box.label == "Developers").set_value(10).run()
    page.switch_page("views/export.py").run()
    page.switch_page("views/planner.py").run()
    assert metric(page, "Break-even") == "13.1 months"
    button(page, "Reset")
    assert metric(page, "Break-even") == "27.5 months"


@pytest.mark.usefixtures("product")
def test_what_cannot_be_is_said_in_words() -> None:
    page = open_page("planner")
    choose(page, "founding")
    residual = next(box for box in page.number_input if box.label == "Resale value at its end")
    residual.set_value(30_000.0).run()
    assert not page.exception
    said = [box.value.replace("\\", "") for box in page.error]
    assert any("must not exceed its cost" in words for words in said), said


def test_a_saved_scenario_is_opened_again_and_deleted(product: Service) -> None:
    page = open_page("planner")
    choose(page, "founding")
    next(box for box in page.number_input if box.label == "Developers").set_value(8).run()
    next(box for box in page.text_input if box.label == "Name").set_value("Eight of us")
    button(page, "Save the scenario")
    (saved,) = scenarios.list_scenarios(product.database)
    assert saved.name == "Eight of us"
    assert from_json(saved.content).developers == 8
    choose(page, "now")
    choose(page, "saved:Eight of us")
    assert metric(page, "Break-even") == "16.6 months"  # 25,000 ÷ (8 × 200 − 90)


def test_saving_over_another_scenario_asks_first(product: Service) -> None:
    scenarios.save(product.database, "Ours", founding().model_dump_json(), actor="test")
    page = open_page("planner")
    next(box for box in page.text_input if box.label == "Name").set_value("Ours")
    button(page, "Save the scenario")
    assert any("Replace it?" in text.value for text in page.markdown)
    (saved,) = scenarios.list_scenarios(product.database)
    assert from_json(saved.content).developers == 5


@pytest.mark.usefixtures("product")
def test_a_link_opens_the_very_scenario() -> None:
    sent = founding().model_copy(update={"developers": 20, "pue": Decimal("1.3")})
    page = open_page("planner", plan=links.encode(sent))
    # 25,000 ÷ (20 × 200 − 117)
    assert metric(page, "Break-even") == "6.4 months"


@pytest.mark.usefixtures("product")
@pytest.mark.parametrize("link", ["1.broken", "9.abc", "", "1." + "A" * 9_000])
def test_a_broken_link_is_told_and_the_page_works(link: str) -> None:
    page = open_page("planner", plan=link)
    assert any("link" in box.value for box in page.error)
    assert metric(page, "Break-even")


@pytest.mark.usefixtures("product")
def test_scenarios_stand_side_by_side() -> None:
    page = open_page("planner")
    table = page.dataframe[-2].value
    assert list(table.columns) == ["Figure", "This team now", "The founding case"]
    next(box for box in page.number_input if box.label == "Developers").set_value(10).run()
    table = page.dataframe[-2].value
    assert list(table.columns)[1:] == ["Shown above", "This team now", "The founding case"]
    assert table.set_index("Figure").loc["Developers", "Shown above"] == "10"


RICH = """
name = "Rich"
currency = "USD"
start = 2026-03-15
horizon_months = 40
developers = 7
tax_percent = 30
discount_percent_per_year = 7.5
pue = 1.25
[[assets]]
name = "H200"
unit_price = 31000.55
count = 8
discounts = [{ from_count = 4, percent = 5 }]
purchase_date = 2026-03-15
in_service_date = 2026-04-01
life_months = 48
residual = { percent = 12.5 }
tax_depreciation = { method = "macrs", bonus = "by_law", section_179 = { amount = 100 } }
[[assets]]
name = "Network"
unit_price = 900
purchase_date = 2026-03-15
in_service_date = 2026-03-15
life_months = 36
[financing]
kind = "loan"
principal = { amount = 50000 }
percent_per_year = 6.25
months = 24
[[loads]]
name = "H200"
count = 8
idle_w = 120.5
active_w = 640
active_share = 0.333
basis = "measured"
[tariff]
kind = "time_of_use"
currency = "USD"
timezone = "Europe/Berlin"
demand_per_kw = 11.5
[[tariff.periods]]
name = "day"
price_per_kwh = 0.31
from_hour = 6
to_hour = 22
[[tariff.periods]]
name = "night"
price_per_kwh = 0.19
from_hour = 22
to_hour = 6
[operations]
currency = "USD"
[[operations.items]]
kind = "space_per_unit"
name = "Rack"
rack_units = 8
price_per_unit_month = 20
[[operations.items]]
kind = "administration"
hours_per_month = 12.5
rate_per_hour = 64
[seats]
kind = "seats"
name = "Two plans"
currency = "USD"
valid_from = 2026-01-01
source = "Stated"
plans = [
  { name = "A", price_per_month = 30, developers = 4 },
  { name = "B", price_per_month = 200, developers = 3 },
]
[use]
tokens_per_day = 12345678.9
input_share = 0.953
cached_share = 0.81
[api]
name = "Some API"
[api.prices]
kind = "stated"
input_per_million = 1.25
cached_input_per_million = 0.125
output_per_million = 10
source = "Stated"
[capacity]
hardware = "h200"
accelerators = 8
model = "qwen3-235b-a22b"
precision = "fp8"
[uncertainty]
hardware_price = { kind = "relative", low = 0.85, high = 1.15 }
seat_price_per_month = { kind = "normal", mean = 102, sd = 5, low = 50, high = 150 }
"""


@pytest.mark.usefixtures("product")
def test_the_form_leaves_alone_what_nobody_changes() -> None:
    page = open_page("planner", plan=links.encode(from_toml(RICH)))
    assert "Reset" not in [one.label for one in page.button]
    for which in ("founding", "now"):
        choose(page, which)
        assert "Reset" not in [one.label for one in page.button], which


def boxes(page: AppTest, label: str) -> list[Any]:
    return [box for box in page.number_input if box.label == label]


def told(page: AppTest) -> str:
    """All that stands in captions, errors and plain text."""
    parts = [*page.caption, *page.error, *page.markdown]
    return " ".join(part.value for part in parts).replace("\\", "")


def sent(page: AppTest) -> Scenario:
    """What the page's link holds."""
    link = next(code.value for code in page.code if "planner?plan=" in code.value)
    return links.decode(link.partition("plan=")[2])


def remove(page: AppTest, part: state.Part, number: int) -> None:
    """What the dialog does: here it has no run of its own, so that its button cannot be pressed."""
    page.session_state["planner"].remove(part, number)
    page.run()
    assert not page.exception, page.exception


@pytest.mark.usefixtures("product")
def test_hardware_that_is_added_costs_nothing_before_it_has_a_price() -> None:
    page = open_page("planner")
    choose(page, "founding")
    before = {one.label: one.value for one in page.metric}
    button(page, "Add hardware")
    button(page, "Add a load")
    assert {one.label: one.value for one in page.metric} == before
    boxes(page, "Hardware price, one unit")[1].set_value(5_000.0).run()
    boxes(page, "Units of hardware")[1].set_value(2).run()
    boxes(page, "Power at work of one, watts")[1].set_value(300).run()
    assert metric(page, "Break-even") == "40.2 months"  # 35,000 ÷ (1,000 − 1 kW: 128.57)
    scenario = sent(page)
    assert [(one.count, one.unit_price) for one in scenario.assets] == [(1, 25_000), (2, 5_000)]
    assert [one.active_w for one in scenario.loads] == [700, 300]


@pytest.mark.usefixtures("product")
def test_every_figure_of_the_second_hardware_can_be_changed() -> None:
    page = open_page("planner", plan=links.encode(from_toml(RICH)))
    boxes(page, "Life, months")[1].set_value(24).run()
    names = [box for box in page.text_input if box.label == "Hardware's name"]
    names[1].set_value("Switches").run()
    [one for one in page.selectbox if one.label == "Depreciation for tax"][1].set_value(
        "declining_balance"
    ).run()
    [one for one in page.checkbox if one.label == "Its sale is settled"][1].check().run()
    next(one for one in page.date_input if one.label == "Last day in service").set_value(
        date(2027, 6, 30)
    ).run()
    boxes(page, "Sold for, all units")[0].set_value(100.0).run()
    first, second = sent(page).assets
    assert first == from_toml(RICH).assets[0]
    assert (second.name, second.life_months) == ("Switches", 24)
    assert second.tax_depreciation.method == "declining_balance"
    assert second.disposal is not None
    assert (second.disposal.on, second.disposal.proceeds) == (date(2027, 6, 30), 100)
    button(page, "Reset")
    assert sent(page).assets == from_toml(RICH).assets


@pytest.mark.usefixtures("product")
def test_what_stays_keeps_what_was_typed_when_the_first_is_removed() -> None:
    page = open_page("planner", plan=links.encode(from_toml(RICH)))
    boxes(page, "Hardware price, one unit")[1].set_value(1_234.5).run()
    next(one for one in page.button if one.label == "Remove").click().run()
    assert "Remove **H200** from this scenario?" in told(page)
    remove(page, "assets", 0)
    (left,) = sent(page).assets
    assert (left.name, left.unit_price) == ("Network", Decimal("1234.5"))
    only = next(one for one in page.button if one.label == "Remove")
    assert only.disabled
    assert "needs some hardware" in only.help


@pytest.mark.usefixtures("product")
def test_without_a_load_the_page_says_what_that_means() -> None:
    page = open_page("planner")
    choose(page, "founding")
    remove(page, "loads", 0)
    assert sent(page).loads == ()
    assert "Nothing draws power in this scenario" in told(page)
    assert metric(page, "Saving a month") == "$1,000.00"


@pytest.mark.usefixtures("product")
def test_dates_that_cannot_be_are_told_with_the_hardware_s_name() -> None:
    page = open_page("planner", plan=links.encode(from_toml(RICH)))
    days = [one for one in page.date_input if one.label == "In service from"]
    days[1].set_value(date(2026, 3, 1)).run()
    assert "Network must not be in service before it is purchased" in told(page)


@pytest.mark.usefixtures("product")
def test_all_days_move_with_the_first_one() -> None:
    page = open_page("planner", plan=links.encode(from_toml(RICH)))
    next(one for one in page.checkbox if one.label == "Its sale is settled").check().run()
    next(one for one in page.date_input if one.label == "Last day in service").set_value(
        date(2028, 1, 31)
    ).run()
    next(one for one in page.date_input if one.label == "First day").set_value(
        date(2026, 3, 25)
    ).run()
    card, network = sent(page).assets
    assert (card.purchase_date, card.in_service_date) == (date(2026, 3, 25), date(2026, 4, 11))
    assert card.disposal is not None
    assert card.disposal.on == date(2028, 2, 10)
    assert network.purchase_date == date(2026, 3, 25)


@pytest.mark.usefixtures("product")
def test_loads_and_accelerators_go_along_with_the_units_until_they_have_a_number() -> None:
    page = open_page("planner")
    choose(page, "founding")
    boxes(page, "Units of hardware")[0].set_value(4).run()
    scenario = sent(page)
    assert scenario.capacity is not None
    assert (scenario.loads[0].count, scenario.capacity.accelerators) == (4, 4)
    boxes(page, "Units")[0].set_value(2).run()
    boxes(page, "Units of hardware")[0].set_value(8).run()
    scenario = sent(page)
    assert scenario.capacity is not None
    assert (scenario.loads[0].count, scenario.capacity.accelerators) == (2, 8)


@pytest.mark.usefixtures("product")
def test_two_kinds_of_hardware_outlive_a_visit_of_another_page() -> None:
    page = open_page("planner")
    choose(page, "founding")
    button(page, "Add hardware")
    boxes(page, "Hardware price, one unit")[1].set_value(5_000.0).run()
    page.switch_page("views/export.py").run()
    page.switch_page("views/planner.py").run()
    assert [one.unit_price for one in sent(page).assets] == [25_000, 5_000]


@pytest.mark.usefixtures("product")
def test_without_developers_the_page_says_why_a_chart_is_missing() -> None:
    page = open_page("planner")
    choose(page, "founding")
    charts = len(page.get("plotly_chart"))
    next(box for box in page.number_input if box.label == "Developers").set_value(0).run()
    assert len(page.get("plotly_chart")) == charts - 1
    assert "Without developers there is no seat to save" in told(page)
    next(box for box in page.number_input if box.label == "Seat, a month").set_value(0.0).run()
    assert len(page.get("plotly_chart")) == charts - 2
    assert "No team up to 50 breaks even within 180 months" in told(page)


@pytest.mark.usefixtures("product")
@pytest.mark.parametrize("method", ["macrs", "german_degressive", "uk_writing_down"])
def test_other_depreciation_and_financing_are_a_choice_away(method: str) -> None:
    page = open_page("planner")
    choose(page, "founding")
    pick(page, "Depreciation for tax", "straight_line")
    straight = metric(page, "NPV")
    next(b for b in page.number_input if b.label == "Discount rate, % a year").set_value(12).run()
    discounted = metric(page, "NPV")
    assert discounted != straight
    pick(page, "Depreciation for tax", method)
    assert metric(page, "NPV") != discounted
    pick(page, "Financing", "loan")
    assert not page.exception
    assert any(b.label == "Interest, % a year" for b in page.number_input)


def pick(page: AppTest, label: str, value: str) -> None:
    next(box for box in page.selectbox if box.label == label).set_value(value).run()
    assert not page.exception, page.exception


@pytest.mark.usefixtures("product")
def test_tokens_and_a_stated_api_make_a_comparison() -> None:
    page = open_page("planner")
    choose(page, "founding")
    tokens = next(b for b in page.number_input if b.label == "Tokens a day, whole team")
    tokens.set_value(50_000_000.0).run()
    pick(page, "Compare with an API", "stated")
    said = " ".join(text.value.replace("\\", "") for text in page.caption)
    assert "asks $1.00 for a million tokens" in said
    charts = len(page.get("plotly_chart"))
    next(b for b in page.number_input if b.label == "Tokens/s at full use").set_value(9e3).run()
    assert not page.exception
    assert len(page.get("plotly_chart")) == charts + 1


@pytest.mark.usefixtures("product")
def test_electricity_may_cost_more_at_peak_hours() -> None:
    page = open_page("planner")
    choose(page, "founding")
    before = metric(page, "Saving a month")
    pick(page, "Tariff", "time_of_use")
    assert metric(page, "Saving a month") == before  # both prices begin as the flat one
    next(b for b in page.number_input if b.label == "Peak, per kWh").set_value(0.5).run()
    assert metric(page, "Saving a month") < before
    next(b for b in page.number_input if b.label == "Peak to, hour").set_value(8).run()
    assert any("ends when it begins" in box.value.replace("\\", "") for box in page.error)


@pytest.mark.usefixtures("product")
def test_the_queue_is_simulated_on_demand_for_hardware_that_fits() -> None:
    page = open_page("planner")
    page.default_timeout = 120
    next(b for b in page.checkbox if b.label.startswith("Check whether")).check().run()
    assert any("holds Qwen3-30B-A3B" in t.value.replace("\\", "") for t in page.caption)
    button(page, "Simulate the queue")
    said = " ".join(text.value.replace("\\", "") for text in page.markdown)
    assert "get their first token within 5 s" in said
    next(box for box in page.number_input if box.label == "Developers").set_value(3).run()
    assert any("changed since it was simulated" in text.value for text in page.caption)


def test_a_saved_scenario_that_cannot_be_read_is_told(product: Service) -> None:
    scenarios.save(product.database, "Old one", '{"version": 0}', actor="test")
    page = open_page("planner")
    assert any("cannot read: Old one" in text.value.replace("\\", "") for text in page.caption)


def test_the_sample_teams_plan_cannot_be_saved(product: Service) -> None:
    scenarios.save(product.database, "Ours", founding().model_dump_json(), actor="test")
    migrate(connect(product.settings.sample_url))
    page = open_page()
    page.session_state["ledger"] = "sample"
    page.switch_page("views/planner.py").run()
    assert not page.exception
    assert any("Sample data" in box.value for box in page.warning)
    assert metric(page, "Break-even")
    options = next(box for box in page.selectbox if box.label == "Scenario").options
    assert options == ["This team now", "The founding case"]
