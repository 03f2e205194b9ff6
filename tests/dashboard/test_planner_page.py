"""The planner's page: from the prices in force to a plan, changed, kept, compared and passed on."""

from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.costs.scenario import founding, from_json
from dashboard.planner import links
from db import people, prices, scenarios
from engine.api.service import Service
from tests.dashboard.conftest import open_page

KEY = "planner-{}-{}"


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
