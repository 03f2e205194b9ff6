"""The Engine page while the real engine answers: figures arrive, and what a reader did stays."""

import re

import httpx
from playwright.sync_api import Page, expect

from dashboard.engine_page.routes import ENGINE_EVENTS
from tests.browser.conftest import settled
from tests.product import Product


def test_live_figures_arrive_while_the_engine_answers_and_zoom_stays(
    page: Page, product: Product
) -> None:
    page.goto("/engine")
    settled(page)
    expect(page.locator(".be-state")).to_have_text("Live")
    expect(page.locator(".en-headline")).to_contain_text("ready and idle")
    chart = page.locator(".en-lines .js-plotly-plot").first
    expect(chart.locator(".main-svg").first).to_be_visible()
    node = chart.element_handle()
    zoom = "node => Plotly.relayout(node, {'yaxis.range[0]': 0, 'yaxis.range[1]': 77})"
    chart.evaluate(f"{zoom} && null")
    page.get_by_text("Show as a table").first.click()

    made = product.run("db", "key", "create", "--developer", "Ada")
    key = re.findall(r"bk-[\w-]{20,}", made)[0]
    with httpx.stream(
        "POST",
        f"{product.url}/v1/chat/completions",
        headers={"authorization": f"Bearer {key}"},
        json={
            "model": "smollm2-135m-instruct",
            "messages": [{"role": "user", "content": "Tell me a very long story."}],
            "max_tokens": 4000,
            "temperature": 2.0,
            "seed": 1,
            "stream": True,
        },
        timeout=60,
    ) as answer:
        lines = answer.iter_lines()  # kept: once it is gone, so is the client
        assert next(lines)
        expect(page.locator(".en-headline")).to_contain_text("1 request running")
        speed = page.locator(".be-figures .be-value").first
        expect(speed).to_have_text(re.compile(r"^[1-9]"))
        expect(page.locator(".en-log li[data-kind=begun]")).to_contain_text("Ada: first token")
        expect(page.locator(".en-experts .js-plotly-plot")).to_have_count(2)
    expect(page.locator(".en-log li[data-kind=cancelled]")).to_contain_text("Ada")
    expect(page.locator(".en-headline")).to_contain_text("ready and idle")

    assert node is not None
    assert node.is_visible(), "the chart's node is the one that was zoomed"
    assert chart.evaluate("node => node._fullLayout.yaxis.range[1]") == 77
    expect(page.locator(".en-table[open] tbody tr").last).to_be_visible()


def test_a_paused_log_stands_still_and_says_how_much_is_new(page: Page, product: Product) -> None:
    lines = page.locator(".en-log li")
    before = lines.count()
    page.get_by_role("button", name="Pause").click()
    assert httpx.get(f"{product.url}/v1/models").status_code == 401
    resume = page.get_by_role("button", name=re.compile(r"Resume \(\d+ new\)"))
    expect(resume).to_be_visible()
    assert lines.count() == before
    resume.click()
    expect(page.locator(".en-log li[data-kind=refused]").first).to_contain_text("401")


def test_the_figures_behind_a_chart_are_a_file_too(page: Page) -> None:
    with page.expect_download() as downloading:
        page.locator(".en-experts [data-file=csv]").first.click()
    head, *rows = downloading.value.path().read_text().splitlines()
    assert head.startswith("layer,expert 0,expert 1,")
    assert len(rows) == 30
    with page.expect_download() as picture:
        page.locator(".en-lines [data-file=png]").first.click()
    assert picture.value.path().read_bytes().startswith(b"\x89PNG")


def test_a_hidden_tab_asks_for_nothing_until_it_is_seen_again(page: Page) -> None:
    asked: list[str] = []  # streams that were opened
    page.on("request", lambda one: asked.append(one.url) if ENGINE_EVENTS in one.url else None)
    be_hidden(page, "true")
    expect(page.locator(".be-state")).to_have_text("Paused")
    page.get_by_text("30 minutes", exact=True).click()  # draws the page anew
    expect(page).to_have_url(re.compile(r"window=30"))
    settled(page)
    times = page.locator(".en-lines .js-plotly-plot").last
    minutes = "node => node._fullLayout.xaxis.range.map(Date.parse).reduce((a, b) => b - a) / 60000"
    while times.evaluate(minutes) < 20:  # until the script has run for it, the page shows 10
        page.wait_for_timeout(100)
    assert asked == []
    with page.expect_request(lambda request: ENGINE_EVENTS in request.url):
        be_hidden(page, "false")
    expect(page.locator(".be-state")).to_have_text("Live")
    (url,) = asked
    assert "minutes=30" in url


def test_a_full_server_is_asked_less_often_each_time(page: Page) -> None:
    page.route(
        f"**{ENGINE_EVENTS}*",
        lambda route: route.fulfill(
            content_type="text/event-stream", body="event: full\ndata: {}\n\n"
        ),
    )
    page.evaluate(
        """() => {
            const real = window.setTimeout
            window.waits = []
            window.setTimeout = (action, ms, ...more) => {
                if (!String(action).includes("this.connect")) return real(action, ms, ...more)
                window.waits.push(ms)
                return real(action, 0)
            }
        }"""
    )
    be_hidden(page, "true")
    be_hidden(page, "false")
    page.wait_for_function("() => window.waits.length >= 4")
    assert page.evaluate("() => window.waits.slice(0, 4)") == [1000, 2000, 4000, 8000]


def be_hidden(page: Page, hidden: str) -> None:
    page.evaluate(
        f"Object.defineProperty(document, 'hidden', {{value: {hidden}, configurable: true}});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
