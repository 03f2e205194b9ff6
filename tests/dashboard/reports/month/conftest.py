"""An empty ledger of one's own, copied from one that was migrated once."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db.connect import connect
from db.migrate import migrate


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "ledger.db"
    engine = connect(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture
def ledger(empty_ledger: Path, tmp_path: Path) -> Iterator[Engine]:
    shutil.copy(empty_ledger, tmp_path / "ledger.db")
    engine = connect(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield engine
    engine.dispose()
