"""The planner in a browser: moved, saved, compared, and passed on by a link.

The tests of this file are one visit, in order.
"""

import re

from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import settled
from tests.product import Product

FOUNDING = re.compile(r"27\.5 months with 5 developers")
NAME = "Ten of us"
COMPARED = "Scenarios, up to 4"


def metric(page: Page, label: str) -> Locator:
    tile = page.get_by_test_id("stMetric").filter(has_text=label)
    return tile.get_by_test_id("stMetricValue")


def opened(page: Page, opener: Locator, inside: Locator) -> None:
    """Click until what it opens is there: it shuts again where the page is drawn anew just then."""
    for _ in range(10):
        opener.click()
        page.wait_for_timeout(500)
        if inside.is_visible():
            return
    raise AssertionError("it does not stay open")


def open_scenario(page: Page, name: str) -> None:
    option = page.get_by_role("option", name=name)
    opened(page, page.get_by_role("combobox", name="Scenario").first, option)
    option.click()
    settled(page)


def choose_to_compare(page: Page, name: str) -> None:
    """The list shuts again where the page is drawn anew just then."""
    chooser, option = page.get_by_role("combobox", name=COMPARED), page.get_by_role("option")
    for _ in range(10):
        chooser.press("ArrowDown")
        page.wait_for_timeout(500)
        if option.filter(has_text=name).is_visible():
            break
    option.filter(has_text=name).click()


def test_the_founding_case_is_built_in(page: Page) -> None:
    page.goto("/planner")
    settled(page)
    open_scenario(page, "The founding case")
    expect(page.get_by_role("heading", name=FOUNDING)).to_be_visible()
    expect(page.get_by_text(re.compile("does not hold Kimi K2: its weights")).last).to_be_visible()


def test_a_slider_moves_the_result_from_the_keyboard(page: Page) -> None:
    expect(metric(page, "Break-even")).to_have_text("27.5 months")
    slider = page.get_by_role("slider", name="Developers")
    slider.focus()
    for _ in range(5):
        slider.press("ArrowRight")
    expect(metric(page, "Break-even")).to_have_text("13.1 months")
    expect(page.get_by_role("spinbutton", name="Developers")).to_have_value("10")


def test_it_is_saved_under_a_name(page: Page) -> None:
    settled(page)
    field = page.get_by_role("textbox", name="Name", exact=True)
    opened(page, page.get_by_role("button", name="Save", exact=True), field)
    field.fill(NAME)
    page.get_by_role("button", name="Save the scenario").click()
    expect(page.get_by_role("button", name="Delete", exact=True)).to_be_visible()
    settled(page)
    open_scenario(page, "The founding case")
    expect(metric(page, "Break-even")).to_have_text("27.5 months")
    open_scenario(page, NAME)
    expect(metric(page, "Break-even")).to_have_text("13.1 months")


def test_two_stand_side_by_side(page: Page) -> None:
    settled(page)
    choose_to_compare(page, NAME)
    page.keyboard.press("Escape")
    settled(page)
    expect(page.get_by_text(f"{NAME} has paid for itself first, after 13.1 months")).to_be_visible()
    cells = page.locator("canvas tr").filter(has_text="Break-even").first.locator("td")
    expect(cells.filter(has_text="13.1 months")).to_have_count(1)
    expect(cells.filter(has_text="27.5 months")).to_have_count(1)


def test_its_link_shows_the_same_figures_to_somebody_else(
    page: Page, browser: Browser, product: Product
) -> None:
    code = page.locator("code", has_text="planner?plan=")
    opened(page, page.get_by_role("button", name="Copy link"), code)
    link = code.inner_text().strip()
    page.keyboard.press("Escape")
    assert link.startswith(f"{product.url}/planner?plan=")
    labels = ("Break-even", "Saving a month", "Per developer", "NPV", "IRR")
    here = [metric(page, label).inner_text() for label in labels]

    other = browser.new_context(locale="en-US").new_page()
    other.goto(link)
    settled(other)
    expect(metric(other, "Break-even")).to_have_text("13.1 months")
    assert [metric(other, label).inner_text() for label in labels] == here
    other.goto(f"{link[:-6]}")
    settled(other)
    expect(other.get_by_text("This link is damaged")).to_be_visible()
    expect(other.get_by_test_id("stException")).to_have_count(0)
    other.context.close()


def test_saving_it_again_asks_before_it_is_replaced(page: Page) -> None:
    page.get_by_role("spinbutton", name="Developers").fill("20")
    page.keyboard.press("Enter")
    expect(metric(page, "Break-even")).to_have_text("6.4 months")  # 25,000 ÷ (4,000 − 90)
    settled(page)
    confirm = page.get_by_role("button", name="Save the scenario")
    opened(page, page.get_by_role("button", name="Save", exact=True), confirm)
    confirm.click()
    dialog = page.get_by_role("dialog").filter(has_text="Replace it?")
    dialog.get_by_role("button", name="Replace").click()
    expect(dialog).to_have_count(0)
    settled(page)
    open_scenario(page, "The founding case")
    expect(metric(page, "Break-even")).to_have_text("27.5 months")
    open_scenario(page, NAME)
    expect(metric(page, "Break-even")).to_have_text("6.4 months")


def test_discounts_are_typed_into_a_table(page: Page) -> None:
    settled(page)
    add = page.get_by_role("button", name="Add hardware")
    opened(page, page.get_by_text("Hardware and what draws power", exact=True), add)
    units = page.get_by_role("spinbutton", name="Units of hardware").first
    units.fill("2")
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 for $50,000")).to_be_visible()
    settled(page)
    type_discount(page, 0, "2")
    expect(page.get_by_text("row 1 does not say how many percent").first).to_be_visible()
    settled(page)
    type_discount(page, 1, "10")
    expect(page.get_by_text("2 for $45,000")).to_be_visible()
    expect(page.get_by_text("does not say how many percent")).to_have_count(0)


def type_discount(page: Page, column: int, value: str) -> None:
    """Into the first row of the first hardware's table, whose cells are drawn on a canvas."""
    table = page.get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    x = 100 + 150 * column
    table.click(position={"x": x, "y": 52})
    page.wait_for_timeout(500)  # the first click may have made the row
    table.click(position={"x": x, "y": 52})
    page.keyboard.type(value)
    page.wait_for_timeout(300)
    page.keyboard.press("Enter")


def test_hardware_is_added_and_removed_after_a_question(page: Page) -> None:
    settled(page)
    page.get_by_role("button", name="Add hardware").click()
    prices = page.get_by_role("spinbutton", name="Hardware price, one unit")
    expect(prices).to_have_count(2)
    settled(page)
    page.get_by_role("button", name="Remove", exact=True).nth(1).click()
    dialog = page.get_by_role("dialog").filter(has_text="from this scenario?")
    dialog.get_by_role("button", name="Remove").click()
    expect(dialog).to_have_count(0)
    expect(prices).to_have_count(1)
    expect(page.get_by_text("2 for $45,000")).to_be_visible()


def test_the_simulation_shows_how_far_it_is_and_can_be_stopped(page: Page) -> None:
    settled(page)
    open_scenario(page, "This team now")
    check = page.get_by_text("Check whether the hardware can serve the team")
    opened(page, page.locator("summary", has_text="Model, hardware and load"), check)
    check.click()
    expect(page.get_by_text(re.compile("holds Qwen3-30B-A3B")).first).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Simulate the queue").click()
    expect(page.get_by_text(re.compile("run [0-9]+ of at most"))).to_be_visible()
    page.get_by_test_id("stMain").get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("The simulation was stopped before its end")).to_be_visible()
    settled(page)
    expect(page.get_by_test_id("stMain").get_by_role("button", name="Stop")).to_have_count(0)
    open_scenario(page, NAME)


def test_it_is_deleted_after_a_question(page: Page) -> None:
    page.get_by_role("button", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(NAME)
    dialog.get_by_role("button", name="Delete").click()
    expect(dialog).to_have_count(0)
    settled(page)
    page.get_by_role("combobox", name="Scenario").first.click()
    expect(page.get_by_role("option", name="The founding case")).to_be_visible()
    expect(page.get_by_role("option", name=NAME)).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)
