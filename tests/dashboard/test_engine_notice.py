"""While there is no engine, every page says how far it is."""

import pytest

from engine.api.events import EngineState
from engine.api.service import Service
from tests.dashboard.conftest import open_page

PAGES = ["overview", "requests", "energy", "engine", "chat", "connect", "settings"]


@pytest.mark.parametrize("name", PAGES)
def test_every_page_shows_how_much_of_the_weights_is_here(product: Service, name: str) -> None:
    product.embedded.state = EngineState("fetching", "…", fetched=49_000_000, size=98_000_000)
    page = open_page(name)
    assert page.progress[0].value == 50
    assert "49.0 MB of 98.0 MB" in str(page.progress[0].text)


def test_a_failure_says_what_is_wrong_and_what_happens_next(product: Service) -> None:
    product.embedded.state = EngineState("failed", "The package index cannot be reached.")
    page = open_page()
    message = page.error[0].value.replace("\\", "")
    assert "The package index cannot be reached." in message
    assert "tried again by itself" in message


def test_once_the_engine_is_ready_nothing_is_said(product: Service) -> None:
    product.embedded.state = EngineState("ready")
    page = open_page()
    assert not page.progress
    assert not page.error
