"""A log of Claude Code goes in by the page: tried, imported, and again without a gain.

The tests of this file are one visit, in order.
"""

import re
import sqlite3
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import settled
from tests.product import ROOT, Product

PROJECTS = ROOT / "tests" / "db" / "importers" / "sessions" / "claude" / "projects"


@pytest.fixture(scope="module")
def logs() -> list[Path]:
    """The session, its sub-agent's and the one that went on with it: 7 answers together."""
    return sorted(path for path in PROJECTS.rglob("*.jsonl") if path.stat().st_size)


def fact(page: Page, name: str) -> Locator:
    """The cell beside a name in the report: tables are drawn on a canvas that holds their text."""
    cell = page.locator("td", has_text=re.compile(f"^{name}$"))
    return page.locator("canvas tr").filter(has=cell).locator("td").last


def imported_rows(product: Product) -> list[tuple[int, int]]:
    with sqlite3.connect(product.home / "ledger.db") as ledger:
        return ledger.execute(
            "SELECT input_tokens, output_tokens FROM imported_usage ORDER BY output_tokens"
        ).fetchall()


def test_files_are_tried_first(page: Page, product: Product, logs: list[Path]) -> None:
    page.goto("/imports")
    settled(page)
    expect(page.get_by_text("Nothing is imported yet")).to_be_visible()
    page.get_by_test_id("stFileUploader").locator("input[type=file]").set_input_files(logs)
    expect(page.get_by_role("button", name="Import", exact=True)).to_be_disabled()
    page.get_by_role("button", name="Try it first").click()
    expect(fact(page, "Would be added")).to_have_text("7")
    settled(page)
    expect(fact(page, "Output tokens")).to_have_text(re.compile("at least 2,559"))
    assert imported_rows(product) == []


def test_then_they_are_imported(page: Page, product: Product) -> None:
    page.get_by_role("button", name="Import", exact=True).click()
    expect(fact(page, "Added")).to_have_text("7")
    settled(page)
    assert [output for _, output in imported_rows(product)] == [55, 77, 96, 150, 312, 845, 1024]
    expect(page.get_by_role("heading", name="Past imports")).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_second_time_adds_nothing(page: Page, product: Product, logs: list[Path]) -> None:
    before = imported_rows(product)
    page.reload()
    settled(page)
    page.get_by_test_id("stFileUploader").locator("input[type=file]").set_input_files(logs)
    page.get_by_role("button", name="Try it first").click()
    expect(fact(page, "Would be added")).to_have_text("0")
    settled(page)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(fact(page, "Added")).to_have_text("0")
    settled(page)
    expect(fact(page, "There before")).to_have_text("7")
    assert imported_rows(product) == before


def test_the_ledger_is_sound_after_that(product: Product) -> None:
    product.run("db", "check")
