"""The main job in a browser: people, a key, a tool, a chat, and a cost chart that moves.

The tests of this file are one visit, in order.
"""

import re
import sqlite3
from pathlib import Path

import openai
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import figure, settled
from tests.product import Product


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """What one test of the visit leaves for the next."""
    return {}


def test_an_empty_ledger_says_what_to_do_next(page: Page) -> None:
    page.goto("/")
    settled(page)
    expect(page.get_by_role("heading", name="Nothing has been asked yet")).to_be_visible()
    expect(page.get_by_role("button", name="Look at a sample team")).to_be_visible()


def test_the_sample_team_is_marked_and_left_again(page: Page, picture: Path) -> None:
    page.get_by_role("button", name="Look at a sample team").click()
    expect(page.get_by_text("You are looking at a made-up team")).to_be_visible()
    settled(page)
    expect(page.locator(".be-state")).to_contain_text("Live")
    expect(page.locator(".be-headline")).to_contain_text("self-hosting cost")
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    # On the first of a month "this month" would hold nothing.
    expect(page).to_have_url(re.compile(r"range=Last\+30\+days"))
    expect(figure(page, "Requests")).to_have_text(re.compile(r"\d,\d{3}$"))
    page.screenshot(path=picture)

    card = page.locator(".be-card", has=page.get_by_text("Requests", exact=True))
    card.get_by_role("button", name="The requests").click()
    expect(page).to_have_url(re.compile(r"/requests\?range=Last\+30\+days$"))
    page.get_by_role("link", name="Overview").click()
    expect(page).to_have_url(re.compile(r"/\?range=Last\+30\+days$"))

    page.get_by_role("button", name="Back to your own ledger").click()
    expect(page.get_by_role("heading", name="Nothing has been asked yet")).to_be_visible()


def test_a_key_is_made_on_connect_and_shown_once(
    page: Page, product: Product, made: dict[str, str]
) -> None:
    page.get_by_role("link", name="Connect", exact=True).first.click()
    settled(page)
    page.get_by_label("Developer's name").fill("Ada")
    page.get_by_label("Tool").fill("editor")
    page.get_by_role("button", name="Make the key").click()
    code = page.locator("code", has_text=re.compile(r"^bk-[\w-]{20,}$")).first
    expect(code).to_be_visible()
    key = made["key"] = code.inner_text().strip()

    page.get_by_role("button", name="I have copied it").click()
    settled(page)
    expect(page.get_by_text(key)).to_have_count(0)
    with sqlite3.connect(product.home / "ledger.db") as ledger:
        dump = "\n".join(ledger.iterdump())
    assert key not in dump


def test_a_tools_request_moves_the_overview_by_itself(
    page: Page, product: Product, made: dict[str, str]
) -> None:
    page.goto("/")
    settled(page)
    expect(page.locator(".be-state")).to_contain_text("Live")
    expect(figure(page, "Requests")).to_have_text("0")
    chart = page.locator(".be-chart.js-plotly-plot")
    node = chart.element_handle()

    client = openai.OpenAI(base_url=f"{product.url}/v1", api_key=made["key"])
    answer = client.chat.completions.create(
        model="smollm2-135m-instruct",
        messages=[{"role": "user", "content": "What is the capital of France?"}],
        temperature=0,
    )
    assert "Paris" in (answer.choices[0].message.content or "")

    expect(figure(page, "Requests")).to_have_text("1")
    assert answer.usage is not None
    expect(figure(page, "Tokens")).to_have_text(str(answer.usage.total_tokens))
    assert node is not None
    has_bars = "el => (el.data || []).some(t => t.type === 'bar' && Math.max(...t.y) > 0)"
    while not node.evaluate(has_bars):  # the pages' policy forbids `wait_for_function`
        page.wait_for_timeout(100)
    assert node.evaluate("el => el.isConnected"), "the chart was thrown away and drawn anew"


def test_a_chat_is_answered_and_says_what_it_took(page: Page) -> None:
    page.get_by_role("link", name="Chat", exact=True).first.click()
    settled(page)
    page.get_by_placeholder("Ask the model").fill("What is the capital of France?")
    page.get_by_placeholder("Ask the model").press("Enter")
    took = page.get_by_text(re.compile(r"tokens/s .* J estimated|tokens/s .* J measured"))
    expect(took.first).to_be_visible(timeout=60_000)
    settled(page)
    expect(page.get_by_text("Paris").first).to_be_visible()
    page.get_by_text("Experts of this answer").click()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()


def test_both_requests_stand_in_the_list(page: Page, product: Product) -> None:
    page.get_by_role("link", name="Requests", exact=True).first.click()
    settled(page)
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
    with sqlite3.connect(product.home / "ledger.db") as ledger:
        rows = ledger.execute(
            "SELECT status, developer_name, output_tokens > 0, energy_j > 0, client FROM requests"
        ).fetchall()
    assert [row[:4] for row in rows] == [("ok", "Ada", 1, 1)] * 2
    assert rows[0][4].startswith("openai")


def test_the_energy_page_says_what_is_drawn_now_and_where_it_went(page: Page) -> None:
    page.get_by_role("link", name="Energy").click()
    settled(page)
    expect(page.get_by_role("heading", name="Power now")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^[0-9.,]+ k?W$")).first).to_be_visible()
    expect(page.get_by_text(re.compile(r"% of .* ± .* served requests")).first).to_be_visible()
    expect(page.get_by_text(re.compile(r"per output token")).first).to_be_visible()
    page.get_by_text("What these figures rest on").click()
    expect(page.get_by_text("python -m engine calibrate")).to_be_visible()


def test_a_price_that_cannot_be_is_refused_in_plain_words(page: Page) -> None:
    page.get_by_role("link", name="Settings", exact=True).first.click()
    settled(page)
    page.get_by_role("tab", name="Prices").click()
    page.get_by_label("Hardware price").fill("-5")
    page.get_by_role("button", name="Save as a new dated entry").click()
    expect(page.get_by_text(re.compile("hardware.s price", re.IGNORECASE)).first).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_limit_holds_as_soon_as_it_is_set_until_it_is_lifted(
    page: Page, product: Product, made: dict[str, str]
) -> None:
    client = openai.OpenAI(base_url=f"{product.url}/v1", api_key=made["key"], max_retries=0)

    def ask() -> None:
        client.chat.completions.create(
            model="smollm2-135m-instruct",
            messages=[{"role": "user", "content": "Hi"}],
            max_tokens=1,
        )

    page.get_by_role("tab", name="People").click()
    page.get_by_label("Tokens per month").fill("10")
    page.get_by_role("button", name="Save the limits").click()
    expect(page.get_by_text(re.compile(r"Tokens: [\d,]+ of 10 "))).to_be_visible()
    with pytest.raises(openai.RateLimitError, match="budget is 10 tokens a month"):
        ask()

    page.get_by_role("button", name="Lift all limits").click()
    page.get_by_role("button", name="Lift them").click()
    expect(page.get_by_text(re.compile(r"Tokens: [\d,]+, no budget"))).to_be_visible()
    limit = page.get_by_label("Tokens per month")
    # While a page is drawn anew, the field of before stands beside the new one for a moment.
    expect(limit.and_(page.locator("[value='10']"))).to_have_count(0)
    expect(limit).to_have_value("")
    ask()


def test_the_ledger_is_sound_after_all_that(product: Product) -> None:
    product.run("db", "check")
