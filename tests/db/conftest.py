"""A ledger on a file of its own, with one developer and their key."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from db import keys, people
from db.ledger import Ledger
from tests.db.team import Team


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    ledger = Ledger(url)
    ledger.open()
    yield ledger
    ledger.close()


@pytest.fixture
def team(ledger: Ledger) -> Team:
    ada = people.add_developer(ledger.engine, "Ada", "Platform", actor="test")
    key, _ = keys.create_key(ledger.engine, ada.id, "editor", actor="test")
    return Team(ada.id, key.id)
