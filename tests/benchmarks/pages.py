"""How long a reader waits in a browser: `python -m tests.benchmarks.pages --ledger FILE`.

The product is started on a copy of the ledger (one of a million requests comes from `python -m db
sample --requests 1000000`) and read in chromium. Times are medians; beside them stand the goals.
"""

import os
import platform
import re
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import openai
import psutil
from platformdirs import user_cache_path
from playwright.sync_api import Browser, Page, expect, sync_playwright

from engine.weights import ensure_default_weights
from tests.browser.conftest import figure, settled
from tests.conftest import make_home
from tests.product import Product

STARTS, VISITS, REPETITIONS = 3, 3, 5
GOALS_MS = {
    "start until the engine answers": 6_000,
    "first visit until headline and figures stand": 2_500,
    "page change": 1_000,
    "range change": 700,
    "request's end until the figures move": 2_000,
}
PAGES = ("Planner", "Requests", "Alternatives", "Energy", "Reports", "Connect", "Settings")
RANGES = (("Today", "today"), ("All", "since"))
MODEL = "smollm2-135m-instruct"


def timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


@contextmanager
def home_with(ledger: Path) -> Iterator[Path]:
    weights = user_cache_path("breakeven-tests", appauthor=False) / "weights"
    ensure_default_weights(weights)
    with tempfile.TemporaryDirectory() as folder:
        home = make_home(Path(folder) / "home", weights)
        shutil.copyfile(ledger, home / "ledger.db")
        yield home


def starts(home: Path) -> list[float]:
    """The first, which no cache knows of, is left out."""
    found = []
    for _ in range(STARTS + 1):
        product = Product(home)
        found.append(timed(product.start))
        product.stop()
    return found[1:]


def first_visit(browser: Browser, url: str) -> float:
    """In a context of its own: nothing is cached."""
    context = browser.new_context(base_url=url, viewport={"width": 1440, "height": 1000})
    page = context.new_page()

    def visit() -> None:
        page.goto("/", wait_until="commit")
        expect(page.locator(".be-headline")).to_contain_text("cost", timeout=60_000)
        expect(page.locator(".be-value").first).to_be_visible(timeout=60_000)

    taken = timed(visit)
    context.close()
    return taken


def page_change(page: Page, title: str) -> float:
    """From the click until the page's script has run to its end under its own heading."""
    link = page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True)

    def go() -> None:
        link.click()
        expect(page.get_by_role("heading", name=title, level=1)).to_be_visible(timeout=60_000)
        settled(page)

    return timed(go)


def range_change(page: Page, label: str, words: str) -> float:
    """Until the last table of Overview is of the new range."""

    def change() -> None:
        page.get_by_role("combobox", name="Range").click()
        page.get_by_role("option", name=label, exact=True).click()
        title = page.get_by_text(re.compile(rf"^By team, {words}"))
        expect(title).to_be_visible(timeout=60_000)
        settled(page)

    return timed(change)


def until_moved(page: Page, client: openai.OpenAI) -> float:
    """From a request's answer until the page counts it."""
    value = figure(page, "Requests")
    before = value.inner_text()
    client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "Say yes."}], max_tokens=3
    )
    return timed(lambda: expect(value).not_to_have_text(before, timeout=20_000))


def measure(ledger: Path) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    with home_with(ledger) as home, sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        found["start until the engine answers"] = starts(home)
        product = Product(home).start()
        first_visit(browser, product.url)  # what the server itself does once
        found["first visit until headline and figures stand"] = [
            first_visit(browser, product.url) for _ in range(VISITS)
        ]
        context = browser.new_context(
            base_url=product.url, viewport={"width": 1440, "height": 1000}, locale="en-US"
        )
        page = context.new_page()
        page.goto("/")
        settled(page)
        for title in PAGES:
            changes = [page_change(page, name) for _ in range(REPETITIONS)
                       for name in (title, "Overview")]  # fmt: skip
            found[f"page change: {title}"] = changes[::2]
            found.setdefault("page change: Overview", []).extend(changes[1::2])
        for label, words in RANGES * REPETITIONS:
            found.setdefault(f"range change: {label}", []).append(range_change(page, label, words))
        page.goto("/?range=Today")
        settled(page)
        client = openai.OpenAI(base_url=f"{product.url}/v1", api_key=_key(product))
        until_moved(page, client)
        found["request's end until the figures move"] = [
            until_moved(page, client) for _ in range(REPETITIONS)
        ]
        browser.close()
        product.stop()
    return found


def _key(product: Product) -> str:
    told = product.run("db", "key", "create", "--developer", "Benchmark")
    made = re.search(r"bk-[\w-]{20,}", told)
    assert made is not None
    return made.group()


@click.command()
@click.option("--ledger", type=click.Path(path_type=Path, exists=True), required=True)
def main(ledger: Path) -> None:
    """Time what a reader waits for on a copy of this ledger."""
    found = measure(ledger)
    memory = psutil.virtual_memory().total / 2**30
    print(f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB; {ledger.name}\n")
    print("| what | median ms | longest ms | goal ms |")
    print("|---|---:|---:|---:|")
    for name, times in found.items():
        goal = GOALS_MS[name.split(":")[0]]
        middle = statistics.median(times)
        over = " ▲" if middle > goal else ""
        print(f"| {name} | {middle:,.0f}{over} | {max(times):,.0f} | {goal:,} |")


if __name__ == "__main__":
    main()
