"""The planner's page: all hardware and all loads of a scenario, changed, added and removed."""

from datetime import date
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.costs.scenario import from_toml
from dashboard.planner import links, state
from tests.dashboard.conftest import open_page
from tests.dashboard.planner_pages import RICH, boxes, button, choose, metric, sent, told


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
    assert [one.count for one in scenario.assets] == [1, 2]
    assert [one.unit_price for one in scenario.assets] == [25_000, 5_000]
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
    assert second.disposal.on == date(2027, 6, 30)
    assert second.disposal.proceeds == 100
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
def test_hardware_that_is_added_after_the_first_day_moved_is_bought_with_the_first() -> None:
    page = open_page("planner")
    choose(page, "founding")
    next(one for one in page.date_input if one.label == "First day").set_value(
        date(2027, 3, 1)
    ).run()
    button(page, "Add hardware")
    first, second = sent(page).assets
    assert second.purchase_date == first.purchase_date
    assert second.in_service_date == first.in_service_date


@pytest.mark.usefixtures("product")
def test_two_kinds_of_hardware_outlive_a_visit_of_another_page() -> None:
    page = open_page("planner")
    choose(page, "founding")
    button(page, "Add hardware")
    boxes(page, "Hardware price, one unit")[1].set_value(5_000.0).run()
    page.switch_page("views/export.py").run()
    page.switch_page("views/planner.py").run()
    assert [one.unit_price for one in sent(page).assets] == [25_000, 5_000]
