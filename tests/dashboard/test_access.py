"""Who has to say who they are, and the cookie that says it."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from streamlit import config

from dashboard import access
from engine.api.service import Service


def test_the_cookie_is_found_among_others_and_nonsense_is_survived() -> None:
    assert access.cookie_of("a=1; breakeven_session=tok; b=2") == "tok"
    assert access.cookie_of("") is None
    assert access.cookie_of("\x00;;=") is None


NAMES = ("server.address", "browser.serverAddress")


@pytest.fixture
def listening_on_localhost() -> Iterator[None]:
    before = [config.get_option(name) for name in NAMES]
    for name, value in zip(NAMES, ("localhost", None), strict=True):
        config.set_option(name, value)
    yield
    for name, value in zip(NAMES, before, strict=True):
        config.set_option(name, value)


@pytest.mark.usefixtures("product", "listening_on_localhost")
@pytest.mark.parametrize(
    ("listens_at", "is_called", "needed"),
    [
        ("localhost", None, False),
        ("127.0.0.1", None, False),
        ("::1", None, False),
        ("0.0.0.0", None, True),
        ("192.168.1.7", None, True),
        (None, None, True),
        ("localhost", "gpu-box", True),
    ],
)
def test_who_listens_beyond_this_machine_asks_who_is_there(
    listens_at: str | None, is_called: str | None, needed: bool
) -> None:
    for name, value in zip(NAMES, (listens_at, is_called), strict=True):
        config.set_option(name, value)
    assert access.sign_in_needed() is needed


@pytest.mark.usefixtures("listening_on_localhost")
@pytest.mark.parametrize(
    ("public_url", "needed"),
    [
        (None, False),
        ("http://localhost:8501", False),
        ("http://[::1]:8501/", False),
        ("https://breakeven.example", True),
        ("https://user@localhost.example:8443/", True),
    ],
)
def test_who_listens_on_localhost_behind_a_public_address_asks_who_is_there(
    product: Service, public_url: str | None, needed: bool
) -> None:
    product.settings.public_url = public_url
    assert access.sign_in_needed() is needed


@pytest.mark.usefixtures("listening_on_localhost")
def test_where_an_organisation_signs_in_strangers_are_asked_who_they_are(product: Service) -> None:
    product.settings.public_url = "http://localhost:8501"
    product.settings.oidc_client_secret = SecretStr("the client's secret")
    assert access.sign_in_needed()
    assert access.find_viewer(product.database, None) is None
