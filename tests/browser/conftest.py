"""A real browser on the running product."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.conftest import make_home
from tests.product import ROOT, Product

FIRST_LOAD_MS = 30_000  # a fresh browser loads 8 MB of scripts

expect.set_options(timeout=20_000)  # where a test does not promise less


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Closed with its module: while Playwright runs, no other test may run an event loop."""
    path = shutil.which("chromium")
    if path is None:
        reason = "no chromium on this machine: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, weights_dir: Path) -> Iterator[Product]:
    started = Product(make_home(tmp_path_factory.mktemp("browser") / "home", weights_dir)).start()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def page(browser: Browser, product: Product) -> Iterator[Page]:
    """One visit that the tests of a module share, as a person's would be."""
    context = browser.new_context(
        base_url=product.url, viewport={"width": 1440, "height": 1000}, locale="en-US"
    )
    context.set_default_timeout(FIRST_LOAD_MS)
    opened = context.new_page()
    yield opened
    context.close()


def settled(page: Page) -> None:
    """Wait until Streamlit has run the page's script to its end."""
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=FIRST_LOAD_MS)


def figure(page: Page, name: str) -> Locator:
    """A live figure's value, found by its label."""
    label = page.locator(".be-label", has_text=re.compile(f"^{name}$"))
    return page.locator(".be-figures > *").filter(has=label).locator(".be-value")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Where a screenshot goes: with BREAKEVEN_README_PICTURE=1 it becomes the README's."""
    if os.environ.get("BREAKEVEN_README_PICTURE"):
        return ROOT / "dashboard" / "assets" / "overview.png"
    return tmp_path / "overview.png"
