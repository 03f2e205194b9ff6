"""Own dates in a browser: a link opens them, another range leaves them, a past one is not live.

The tests of this file are one visit, in order.
"""

import re
from datetime import date, timedelta

from playwright.sync_api import Page, expect

from tests.browser.conftest import settled

LAST = date.today() - timedelta(days=10)
FIRST = LAST - timedelta(days=14)
LINK = f"range=Own+dates&from={FIRST}&to={LAST}"


def test_a_link_with_own_dates_opens_that_view(page: Page) -> None:
    page.goto(f"/?{LINK}")
    settled(page)
    expect(page.get_by_text(f"Ended {LAST:%-d %B %Y}")).to_be_visible()
    expect(
        page.get_by_role("img", name=re.compile(f"to {LAST:%-d %B %Y}: self-hosted"))
    ).to_be_visible()
    expect(page).to_have_url(re.compile(re.escape(LINK)))


def test_a_range_that_goes_on_is_live_again_and_the_days_leave_the_address(page: Page) -> None:
    page.get_by_role("combobox", name="Range").click()
    page.get_by_role("option", name="Last 7 days").click()
    settled(page)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?range=Last\+7\+days$"))


def test_the_range_stays_from_page_to_page(page: Page) -> None:
    page.get_by_role("link", name="Energy").click()
    expect(page).to_have_url(re.compile(r"/energy\?range=Last\+7\+days$"))


def test_a_link_to_the_request_browser_has_its_filters(page: Page) -> None:
    page.goto("/requests?range=Last+month&status=Failed&find=editor")
    settled(page)
    for name, chosen in (("Range", "Last month"), ("Status", "Failed")):
        expect(page.get_by_role("combobox", name=name)).to_have_value(chosen)
    expect(page.get_by_label("Request id or key name")).to_have_value("editor")
    expect(page.get_by_text("No request yet.")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?range=Last\+month&status=Failed&find=editor$"))
