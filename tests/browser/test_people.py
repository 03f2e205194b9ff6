"""People sign in on a server that listens beyond its machine: an admin, then a developer."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import FIRST_LOAD_MS, settled
from tests.product import Product

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Without an engine, which nobody asks anything here."""
    home: Path = tmp_path_factory.mktemp("people") / "home"
    home.mkdir()
    started = Product(home, variables={"BREAKEVEN_MODEL": "none"})
    started.launch("--server.address", "0.0.0.0")
    started.wait_until_answering()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def page(browser: Browser, product: Product) -> Iterator[Page]:
    context = browser.new_context(base_url=product.url, locale="en-US")
    context.set_default_timeout(FIRST_LOAD_MS)
    yield context.new_page()
    context.close()


def navigation(page: Page) -> list[str]:
    settled(page)
    links = page.get_by_test_id("stSidebarNavLink")
    expect(links.first).to_be_visible()
    return [text.strip() for text in links.locator("span[label], p").all_inner_texts() if text]


def sign_in(page: Page, name: str, password: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_the_first_admin_needs_the_code_in_the_servers_log(page: Page, product: Product) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", name="Set up Breakeven")).to_be_visible()
    code = re.search(r"code ([0-9a-f]{16})", product.log())
    assert code is not None
    page.get_by_label("Set-up code").fill(code[1])
    page.get_by_label("Your name").fill("boss")
    page.get_by_label("New password, ").fill(PASSWORD)
    page.get_by_label("New password again").fill(PASSWORD)
    page.get_by_role("button", name="Make the admin's account").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    assert {"Overview", "Planner", "Settings"} <= set(navigation(page))


def test_the_admin_adds_a_developers_account_and_signs_out(page: Page, product: Product) -> None:
    product.run("db", "developer", "add", "Ada", "--team", "Platform")
    page.goto("/settings?settings-tab=Accounts")
    page.get_by_label("Name to sign in with").fill("ada")
    page.get_by_label("One-time password", exact=True).fill("one-time password")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_label("Change an account")).to_be_visible()
    settled(page)
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/settings")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_developer_chooses_a_password_and_sees_their_own_pages(page: Page) -> None:
    sign_in(page, "ada", "one-time password")
    page.get_by_label("Present password").fill("one-time password")
    page.get_by_label("New password, ").fill(PASSWORD)
    page.get_by_label("New password again").fill(PASSWORD)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("heading", name="My usage")).to_be_visible()
    assert set(navigation(page)) == {"My usage", "Requests", "Chat", "Connect", "Export"}
    page.goto("/overview")
    settled(page)
    expect(page.get_by_role("heading", name="Overview")).to_have_count(0)


def test_an_open_page_ends_when_the_account_is_disabled(page: Page, product: Product) -> None:
    page.goto("/connect")
    page.get_by_label("Tool").fill("editor")
    settled(page)
    product.run("db", "admin", "disable", "ada")
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    expect(page.get_by_role("button", name="Make the key")).to_have_count(0)
    assert "editor" not in product.run("db", "key", "list")
