"""A PostgreSQL server for the tests: that of BREAKEVEN_TEST_POSTGRES, else one of their own.

Its own one is made of the binaries that Debian's package `postgresql` installs, in a temporary
folder, on a Unix socket, as an unprivileged user where the tests are run by root.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import URL, make_url

from db.connect import connect
from db.migrate import migrate
from db.schema import Base

START_WITHIN_S = 30


class Cluster:
    """A private server. `url` is an administrator's."""

    STOPS = (signal.SIGINT, signal.SIGQUIT)  # it ends connections and shuts down; as in a crash

    def __init__(self, folder: Path) -> None:
        self._bin = _binaries()
        self._folder = folder
        self._user = _unprivileged() if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(folder, self._user, None)
        self._data = folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = URL.create(
            "postgresql", "postgres", database="postgres", query={"host": str(folder)}
        )
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                  "--locale=C.UTF-8", "--no-sync")  # fmt: skip

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._bin / "postgres", "-D", self._data, "-k", self._folder, "-c",
             "listen_addresses=", "-c", "max_connections=60"],
            stdout=subprocess.DEVNULL,
            stderr=(self._folder / "log").open("ab"),
            cwd=self._folder,
            **self._as_user(),
        )  # fmt: skip
        deadline = time.monotonic() + START_WITHIN_S
        while not _answers(self.url):
            assert time.monotonic() < deadline, (self._folder / "log").read_text()
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(START_WITHIN_S)

    def _run(self, *command: Any) -> None:
        subprocess.run(
            [self._bin / command[0], *command[1:]],
            check=True,
            capture_output=True,
            cwd=self._folder,
            **self._as_user(),
        )

    def _as_user(self) -> dict[str, Any]:
        return {"user": self._user, "extra_groups": []} if self._user else {}


@contextmanager
def private_cluster() -> Iterator[Cluster]:
    """A running server that ends with the block. Skips, or in CI fails, where there can be none."""
    if _binaries() is None:
        _missing()
    folder = Path(tempfile.mkdtemp(prefix="breakeven-pg-"))  # where other users get, too
    folder.chmod(0o755)
    try:
        cluster = Cluster(folder)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder)


class Server:
    """Where tests have databases: empty ones, and such with the present schema and no row.

    The latter are made once and used again: to make or drop one costs a second of a disk's time.
    """

    def __init__(self, admin: URL) -> None:
        self._admin = admin
        self._made: list[str] = []
        self._clean: list[str] = []
        self._prefix = f"breakeven_test_{os.getpid()}_{time.time_ns() // 1_000_000}"
        self._shape: Any = None

    def database(self) -> str:
        """The URL of one with the present schema; `give_back` it."""
        if self._clean:
            return self._clean.pop()
        url = self.empty_database()
        engine = connect(url)
        migrate(engine)
        engine.dispose()
        self._shape = self._shape or self._execute(url, _SHAPE)
        return url

    def empty_database(self) -> str:
        """The URL of one without any table."""
        name = f"{self._prefix}_{len(self._made)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE template0 ENCODING UTF8')
        self._made.append(name)
        return self._admin.set(database=name).render_as_string(hide_password=False)

    def give_back(self, url: str) -> None:
        """Another test may have it, unless this one changed its schema."""
        name = make_url(url).database
        self.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )
        if self._execute(url, _SHAPE) == self._shape:
            self._execute(url, _EMPTY)
            self._clean.append(url)

    def end(self) -> None:
        for name in self._made:
            self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        """As the administrator, outside of tests' databases."""
        self._execute(self._admin.render_as_string(hide_password=False), statement)

    def _execute(self, url: str, statement: str) -> Any:
        with psycopg.connect(_for_psycopg(make_url(url)), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else None


_SHAPE = """
    SELECT conrelid, conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION SELECT 0, version_num FROM alembic_version ORDER BY 1, 2
"""
_TABLES = [table.name for table in Base.metadata.sorted_tables]
_EMPTY = ";".join(
    ["SET session_replication_role = replica"]
    + [f"DELETE FROM {name}" for name in _TABLES]
    + ["SELECT setval(c.oid, 1, false) FROM pg_class c WHERE c.relkind = 'S'"]
)


@contextmanager
def server() -> Iterator[Server]:
    if given := os.environ.get("BREAKEVEN_TEST_POSTGRES"):
        found = Server(make_url(given))
        yield found
        found.end()
        return
    with private_cluster() as cluster:  # whose databases go with it
        yield Server(cluster.url)


def _missing() -> None:
    said = "PostgreSQL is not installed (Debian: postgresql) and BREAKEVEN_TEST_POSTGRES not set"
    if os.environ.get("CI") == "true":
        pytest.fail(said)
    pytest.skip(said)


def _binaries() -> Any:
    """The folder of the newest server's programs; None where there is none."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    folders = Path("/usr/lib/postgresql").glob("*/bin")
    present = [folder for folder in folders if (folder / "initdb").exists()]
    return max(present, key=lambda folder: float(folder.parent.name), default=None)


def _unprivileged() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _for_psycopg(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _answers(url: URL) -> bool:
    try:
        psycopg.connect(_for_psycopg(url), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
