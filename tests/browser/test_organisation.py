"""People sign in through their organisation's OpenID Connect provider, in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from dashboard import access
from tests.browser.conftest import FIRST_LOAD_MS, settled
from tests.browser.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider
from tests.product import Product

PEOPLE: dict[str, dict[str, Any]] = {
    "max": {"email": "Max@team.example", "email_verified": True},
    "stranger": {"email": "stranger@team.example", "email_verified": True},
    "unverified": {"email": "max@team.example", "email_verified": False},
    "silent": {"email": "max@team.example"},
}


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    started = OidcProvider(PEOPLE)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, provider: OidcProvider) -> Iterator[Product]:
    """With the account max, a manager's, which has no password."""
    home: Path = tmp_path_factory.mktemp("organisation") / "home"
    home.mkdir()
    variables = {
        "BREAKEVEN_MODEL": "none",
        "BREAKEVEN_OIDC_METADATA_URL": provider.metadata_url,
        "BREAKEVEN_OIDC_CLIENT_ID": CLIENT_ID,
        "BREAKEVEN_OIDC_CLIENT_SECRET": CLIENT_SECRET,
        "BREAKEVEN_OIDC_NAME": "Acme & Sons",
    }
    started = Product(home, variables=variables)
    started.variables["BREAKEVEN_PUBLIC_URL"] = started.url
    started.run("db", "admin", "add", "max", "--role", "manager", "--email", "max@team.example")
    started.launch("--server.address", "0.0.0.0")
    started.wait_until_answering()
    yield started
    started.stop()


@pytest.fixture
def context(browser: Browser, product: Product) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=product.url, locale="en-US")
    context.set_default_timeout(FIRST_LOAD_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def come_back_as(page: Page, who: str) -> None:
    page.goto("/")
    page.get_by_role("link", name="Sign in with Acme & Sons").click()
    page.get_by_role("link", name=who, exact=True).click()


def test_who_comes_back_with_an_accounts_e_mail_is_in_with_its_role(
    page: Page, context: BrowserContext, product: Product, provider: OidcProvider
) -> None:
    come_back_as(page, "max")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    expect(page.get_by_text("max, manager")).to_be_visible()

    page.get_by_role("link", name="Change password").click()
    expect(page.get_by_text("there is no password here to change")).to_be_visible()
    page.get_by_role("link", name="Back to the dashboard").click()

    # Signing out leads to the provider's sign-out and back; the cookie opens nothing any more.
    kept = context.cookies()
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert provider.signed_out == 1
    assert not [it for it in context.cookies() if it["name"].startswith("_streamlit_user")]
    context.add_cookies(kept)  # type: ignore[arg-type]
    page.goto("/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize(
    ("who", "sentence"),
    [
        ("stranger", "no account here may be entered by this e-mail. Ask an admin"),
        ("unverified", "Acme & Sons did not say that your e-mail is verified"),
        ("silent", "Acme & Sons did not say that your e-mail is verified"),
    ],
)
def test_whoever_has_no_account_is_told_whom_to_ask(
    page: Page, context: BrowserContext, who: str, sentence: str
) -> None:
    come_back_as(page, who)
    expect(page.get_by_role("alert")).to_contain_text(sentence)
    assert access.COOKIE not in {cookie["name"] for cookie in context.cookies()}
    page.reload()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_disabled_account_is_out_at_once_and_does_not_come_in_again(
    page: Page, product: Product
) -> None:
    come_back_as(page, "max")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    settled(page)
    product.run("db", "admin", "add", "boss", "--email", "boss@team.example")
    product.run("db", "admin", "disable", "max")
    page.goto("/settings")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    come_back_as(page, "max")
    expect(page.get_by_role("alert")).to_contain_text("no account here may be entered")
    product.run("db", "admin", "enable", "max")


def test_a_made_up_cookie_opens_nothing(page: Page, context: BrowserContext) -> None:
    context.add_cookies(
        [{"name": "_streamlit_user", "value": '"{\\"email\\": \\"max@team.example\\"}"',
          "domain": "localhost", "path": "/"}]
    )  # fmt: skip
    page.goto("/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert access.COOKIE not in {cookie["name"] for cookie in context.cookies()}
