"""A copy of a ledger in use, and the way back."""

import sqlite3
import stat
import time
from pathlib import Path

import pytest
from alembic import command

from db import backup, people, restore
from db.check import check
from db.connect import connect, writing
from db.errors import InvalidInput, LedgerInUse, LedgerUnavailable
from db.ledger import Ledger
from db.migrate import migrations
from tests.db.energy_rows import request, write
from tests.db.team import NOON, Team, on_sqlite, rows


def names_in(path: Path) -> list[str]:
    engine = connect(f"sqlite:///{path}", read_only=True)
    names = [person.name for person in people.list_developers(engine)]
    engine.dispose()
    return names


@pytest.fixture
def copied(ledger: Ledger, team: Team, url: str, tmp_path: Path) -> Path:
    """A backup of a ledger with Ada and a request that runs; Grace came after it."""
    team.admit(ledger, at=NOON)
    target = tmp_path / "copy.db"
    assert backup.backup(url, target).broken == []
    people.add_developer(ledger.engine, "Grace", actor="test")
    return target


@on_sqlite
def test_a_backup_is_one_sound_file_that_only_its_owner_reads(copied: Path) -> None:
    assert stat.S_IMODE(copied.stat().st_mode) == 0o600
    assert [it.name for it in copied.parent.glob("copy*")] == ["copy.db"]
    engine = connect(f"sqlite:///{copied}", read_only=True)
    assert check(engine, live=True).violations == []
    assert names_in(copied) == ["Ada"]


@on_sqlite
def test_a_backup_never_overwrites_a_file(copied: Path, url: str) -> None:
    before = copied.read_bytes()
    with pytest.raises(InvalidInput, match="exists already"):
        backup.backup(url, copied)
    assert copied.read_bytes() == before


@on_sqlite
def test_the_gateway_goes_on_while_a_backup_is_made_and_the_copy_is_of_one_moment(
    ledger: Ledger, team: Team, url: str, tmp_path: Path
) -> None:
    """An admission after each step of the copy is durable before the next; none is in the copy."""
    write(ledger.engine, requests=[request(team.ada, at=NOON + n) for n in range(30_000)])
    seen: list[int] = []

    def on_step(done: int, of: int) -> None:
        seen.append(done)
        team.admit(ledger, at=NOON)

    copied = backup.backup(url, tmp_path / "copy.db", on_step)
    assert seen == sorted(seen)  # a backup that starts anew would go back
    assert len(seen) > 3
    assert copied.rows["requests"] == 30_000
    assert len(rows(ledger.engine, "requests")) == 30_000 + len(seen)


@on_sqlite
def test_a_damaged_ledger_leaves_no_backup(ledger: Ledger, team: Team, url: str) -> None:
    write(ledger.engine, requests=[request(team.ada, at=NOON + n) for n in range(5_000)])
    ledger.close()
    data = bytearray(ledger.path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 9_000] = b"\xff" * 9_000
    ledger.path.write_bytes(data)
    target = ledger.path.parent / "copy.db"
    with pytest.raises(LedgerUnavailable):
        backup.backup(url, target)
    assert list(ledger.path.parent.glob("copy*")) == []


@on_sqlite
def test_a_restored_ledger_is_that_of_the_backup_and_the_one_before_is_kept(
    ledger: Ledger, copied: Path, url: str
) -> None:
    ledger.close()
    done = restore.restore(url, copied)
    assert names_in(ledger.path) == ["Ada"]
    assert done.kept is not None
    assert names_in(done.kept) == ["Ada", "Grace"]
    assert copied.exists()
    again = Ledger(url)
    again.open()
    assert again.interrupted_at_open == 1  # the request that ran when the backup was made
    assert check(again.engine).violations == []
    again.close()


@on_sqlite
def test_a_restore_is_undone_by_restoring_what_was_kept(
    ledger: Ledger, copied: Path, url: str
) -> None:
    ledger.close()
    kept = restore.restore(url, copied).kept
    assert kept is not None
    time.sleep(1)  # kept files are told apart by the second
    restore.restore(url, kept)
    assert names_in(ledger.path) == ["Ada", "Grace"]


@on_sqlite
def test_nothing_is_restored_while_a_gateway_runs(ledger: Ledger, copied: Path, url: str) -> None:
    with pytest.raises(LedgerInUse, match="stop it first"):
        restore.restore(url, copied)
    assert names_in(ledger.path) == ["Ada", "Grace"]


@on_sqlite
def test_nothing_is_restored_while_another_program_reads(
    ledger: Ledger, copied: Path, url: str
) -> None:
    ledger.close()
    reader = sqlite3.connect(ledger.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM developers").fetchall()
    with pytest.raises(LedgerInUse, match="close it"):
        restore.restore(url, copied)
    reader.close()
    assert names_in(ledger.path) == ["Ada", "Grace"]
    assert list(ledger.path.parent.glob("*unfinished*")) == []


@on_sqlite
def test_a_damaged_ledger_is_replaced_and_kept(ledger: Ledger, copied: Path, url: str) -> None:
    ledger.close()
    ledger.path.write_bytes(b"not a database, whatever it was")
    kept = restore.restore(url, copied).kept
    assert names_in(ledger.path) == ["Ada"]
    assert kept is not None
    assert kept.read_bytes().startswith(b"not a database")


@on_sqlite
def test_a_ledger_that_is_gone_is_restored(ledger: Ledger, copied: Path, url: str) -> None:
    ledger.close()
    ledger.path.unlink()
    assert restore.restore(url, copied).kept is None
    assert names_in(ledger.path) == ["Ada"]


@on_sqlite
def test_a_backup_of_an_older_version_is_brought_up_to_date(tmp_path: Path, url: str) -> None:
    old = tmp_path / "old.db"
    engine = connect(f"sqlite:///{old}")
    with writing(engine) as connection:
        command.upgrade(migrations(connection), "0004")
        connection.exec_driver_sql("INSERT INTO developers (name, created_at) VALUES ('Ada', 1)")
        connection.exec_driver_sql(
            "INSERT INTO memberships (developer_id, role, valid_from, recorded_at)"
            " VALUES (1, 'developer', 0, 1)"
        )
    engine.dispose()
    assert restore.inspect_backup(old).version == "0004"
    assert restore.restore(url, old).broken == []
    assert [it["name"] for it in rows(connect(url), "developers")] == ["Ada"]
    assert rows(connect(url), "retention_settings") == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a Breakeven ledger"),
        (b"some text, for long enough to be one page " * 100, "not a database"),
    ],
)
def test_a_file_that_is_no_ledger_is_not_restored(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(InvalidInput, match=said):
        restore.restore(f"sqlite:///{tmp_path / 'ledger.db'}", tmp_path / "other")
    assert not (tmp_path / "ledger.db").exists()


@on_sqlite
def test_a_damaged_backup_is_not_restored(
    ledger: Ledger, team: Team, url: str, tmp_path: Path
) -> None:
    write(ledger.engine, requests=[request(team.ada, at=NOON + n) for n in range(5_000)])
    target = tmp_path / "copy.db"
    backup.backup(url, target)
    ledger.close()
    data = bytearray(target.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 9_000] = b"\xff" * 9_000
    target.write_bytes(data)
    with pytest.raises(InvalidInput, match="damaged"):
        restore.restore(url, target)
    assert names_in(ledger.path) == ["Ada"]


@on_sqlite
def test_a_backup_of_a_newer_version_is_not_restored(
    ledger: Ledger, copied: Path, url: str
) -> None:
    ledger.close()
    with sqlite3.connect(copied) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(InvalidInput, match="newer version"):
        restore.restore(url, copied)


def test_postgresql_is_left_to_its_own_tools_without_the_password(tmp_path: Path) -> None:
    url = "postgresql+psycopg://breakeven:secret@db.example/ledger"
    with pytest.raises(InvalidInput) as caught:
        backup.backup(url, tmp_path / "copy.dump")
    assert (
        f"pg_dump --format=custom --file={tmp_path}/copy.dump"
        " --dbname='postgresql://breakeven@db.example/ledger'" in caught.value.message
    )
    with pytest.raises(InvalidInput, match=r"pg_restore .*breakeven@db\.example/ledger") as caught:
        restore.restore(url, tmp_path / "copy.dump")
    assert "secret" not in caught.value.message
