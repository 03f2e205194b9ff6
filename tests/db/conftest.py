"""A ledger of its own, with one developer and their key: on SQLite, and again on PostgreSQL."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from db import keys, people
from db.connect import connect
from db.ledger import Ledger
from db.migrate import migrate
from tests.db.team import Fresh, Team
from tests.postgresql import Server


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the present schema and no row. Copying it is 20 times as fast as making
    one."""
    path = tmp_path_factory.mktemp("empty") / "ledger.db"
    engine = connect(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, empty_ledger: Path) -> Iterator[str]:
    """Of a database without rows. `on_sqlite` and `on_postgresql` choose one."""
    if request.param == "sqlite":
        shutil.copy(empty_ledger, tmp_path / "ledger.db")
        yield f"sqlite:///{tmp_path / 'ledger.db'}"
        return
    server: Server = request.getfixturevalue("postgresql")
    found = server.database()
    yield found
    server.give_back(found)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, empty_ledger: Path) -> Fresh:
    """Lends such databases, for tests that need one an example."""

    @contextmanager
    def lend() -> Iterator[str]:
        if request.param == "sqlite":
            with TemporaryDirectory() as folder:
                shutil.copy(empty_ledger, folder)
                yield f"sqlite:///{folder}/ledger.db"
            return
        server: Server = request.getfixturevalue("postgresql")
        found = server.database()
        yield found
        server.give_back(found)

    return lend


@pytest.fixture
def another_url(url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], str]:
    """Makes empty databases beside `url`, without any table yet."""
    numbers = itertools.count()

    def make() -> str:
        if url.startswith("sqlite"):
            return f"sqlite:///{tmp_path / f'another-{next(numbers)}.db'}"
        server: Server = request.getfixturevalue("postgresql")
        return server.empty_database()

    return make


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
