"""The planner's page: from the prices in force to a plan, changed, kept, compared and passed on."""

from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.costs.scenario import Scenario, founding, from_json, from_toml
from dashboard.planner import links
from db import people, prices, scenarios
from db.connect import connect
from db.migrate import migrate
from engine.api.service import Service
from tests.dashboard.conftest import open_page
from tests.dashboard.planner_pages import RICH, button, choose, headline, metric, told


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


@pytest.mark.usefixtures("product")
def test_the_form_leaves_alone_what_nobody_changes() -> None:
    page = open_page("planner", plan=links.encode(from_toml(RICH)))
    assert "Reset" not in [one.label for one in page.button]
    for which in ("founding", "now"):
        choose(page, which)
        assert "Reset" not in [one.label for one in page.button], which


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


@pytest.mark.usefixtures("product")
def test_where_the_team_itself_is_unsure_break_even_by_team_has_no_band() -> None:
    unsure = founding().model_dump() | {
        "uncertainty": {"developers": {"kind": "relative", "low": "0.5", "high": 2}}
    }
    page = open_page("planner", plan=links.encode(Scenario.model_validate(unsure)))
    # 25,000 ÷ 60 + 90 = 506.67: two seats of $200 are not enough
    assert "It takes 3 developers to break even within 60 months" in told(page)
