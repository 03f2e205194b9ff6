"""While the ledger cannot be written, every page says why and what to do."""

from collections.abc import Iterator

import pytest

from db import people
from engine.api.events import EngineState
from engine.api.service import Service
from tests.dashboard.conftest import open_page
from tests.db.faults import pragma
from tests.db.team import Team, wait_until_open

PAGES = ["overview", "requests", "energy", "chat", "connect", "imports", "settings"]


@pytest.fixture
def read_only(product: Service) -> Iterator[Service]:
    """A product whose disk has turned read-only, as its ledger knows."""
    product.embedded.state = EngineState("ready")
    ada = people.add_developer(product.database, "Ada", actor="test")
    with pragma(product.ledger, "PRAGMA query_only=ON", "PRAGMA query_only=OFF"):
        product.ledger.admit(Team(ada.id, key=0).request(api_key_id=None)).exception(20)
        yield product
    wait_until_open(product.ledger)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_says_that_the_ledger_cannot_be_written(read_only: Service, name: str) -> None:
    said = open_page(name).error[0].value.replace("\\", "")
    assert "the database file or its folder is read-only; make both writable" in said
    assert "new requests are refused" in said


def test_once_it_can_be_written_again_nothing_is_said(product: Service) -> None:
    product.embedded.state = EngineState("ready")
    assert not open_page().error
