"""A person's name goes from the ledger for good; what they used stays."""

import json
import re
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from db import accounts, audit, erase, keys, limits, people, prices, teams
from db.accounts import Account, Holder
from db.audit import note
from db.check import check
from db.connect import connect, writing
from db.errors import InvalidInput
from db.ids import now_ms
from db.ledger import Ledger
from db.limits import Limits
from db.months import month_of
from db.queries import month_use, totals
from tests.db.energy_rows import request, write
from tests.db.team import NOON, WAIT_S, Team, on_sqlite, outcome, rows, window

NAME = "Wilhelmina Ørsted"
FIRST_NAME = "Minna Nilsdatter"


@pytest.fixture
def person(ledger: Ledger, team: Team) -> int:
    """Somebody who has left their name wherever one can be."""
    engine = ledger.engine
    them = people.add_developer(engine, FIRST_NAME, "Platform", actor="test")
    key, _ = keys.create_key(engine, them.id, "Minna's laptop", actor="test")
    old = team.request(developer_id=them.id, developer_name=FIRST_NAME, api_key_id=key.id)
    ledger.admit(old).result(WAIT_S)
    ledger.record_energy(window({old.id: 7.0})).result(WAIT_S)
    ledger.finish(outcome(old.id)).result(WAIT_S)
    people.rename_developer(engine, them.id, NAME, actor="test")
    revoked, _ = keys.create_key(engine, them.id, "phone", actor=NAME)
    keys.revoke_key(engine, revoked.id, actor=NAME)
    limits.set_limits(engine, Limits(tokens_per_month=900), developer_id=them.id, actor="test")
    limits.set_limits(engine, Limits(concurrent_requests=2), api_key_id=key.id, actor="test")
    many = [
        request(them.id, at=NOON + n, developer_name=NAME, input_tokens=3) for n in range(1_700)
    ]
    write(engine, requests=many)
    return them.id


def bytes_of(ledger: Ledger) -> bytes:
    """All that there is on the disk of the ledger, its write-ahead log included."""
    found = ledger.path.parent.glob(ledger.path.name + "*")
    return b"".join(file.read_bytes() for file in found if not file.name.endswith(".lock"))


def names_in(data: bytes) -> list[bytes]:
    spellings = [NAME.encode(), FIRST_NAME.encode(), json.dumps(NAME)[1:-1].encode()]
    return [spelling for spelling in spellings if spelling in data]


@on_sqlite
def test_no_trace_of_the_name_is_left_in_the_files_bytes(ledger: Ledger, person: int) -> None:
    assert len(names_in(bytes_of(ledger))) == 3
    ledger.close()
    engine = connect(f"sqlite:///{ledger.path}")
    done = erase.erase_developer(engine, person, actor="test")
    engine.dispose()
    assert (done.pseudonym, done.left) == (f"Former developer {person}", [])
    assert done.requests == 1_701
    data = bytes_of(ledger)
    assert names_in(data) == []
    assert b"Minna" not in data
    assert b"Wilhelmina" not in data


@pytest.fixture
def account(ledger: Ledger, person: int) -> Account:
    """Theirs, with lock-outs and an earlier e-mail in the audit trail."""
    engine, holder = ledger.engine, Holder(person)
    made = accounts.add_account(
        engine, NAME, holder, email="minna@old.example", password="correct horse", actor="test"
    )
    accounts.change_account(engine, made.id, holder, "minna@new.example", actor="test")
    accounts.note_lock_out(engine, made, actor="sign-in")
    with writing(engine) as connection:  # as lock-outs were once written
        note(connection, "sign-in", "sign-in locked", what=f"account {NAME.casefold()}")
    return made


def test_neither_lock_outs_nor_earlier_e_mails_tell_the_name(
    ledger: Ledger, person: int, account: Account
) -> None:
    accounts.note_lock_out(ledger.engine, "10.0.0.1", actor="sign-in")
    erase.erase_developer(ledger.engine, person, actor="test")
    entries = audit.entries(ledger.engine)
    told = json.dumps([entry.detail for entry in entries], ensure_ascii=False).casefold()
    assert "minna@" not in told
    assert NAME.casefold() not in told
    label = f"account Former developer {person}"
    locked = [entry.detail for entry in entries if entry.action == "sign-in locked"]
    assert sorted(locked, key=str) == sorted(
        [{"what": "address 10.0.0.1"}, {"what": label}, {"what": label, "id": account.id}], key=str
    )


def test_an_e_mail_that_an_account_had_as_somebody_elses_stays_theirs(
    ledger: Ledger, person: int, account: Account
) -> None:
    engine = ledger.engine
    other = people.add_developer(engine, "Bob", actor="test")
    accounts.change_account(engine, account.id, Holder(other.id), "bob@team.example", actor="test")
    accounts.change_account(engine, account.id, Holder(person), "minna@new.example", actor="test")
    erase.erase_developer(engine, person, actor="test")
    told = json.dumps([entry.detail for entry in audit.entries(engine)])
    assert "bob@team.example" in told
    assert "minna@" not in told


@on_sqlite
def test_while_a_gateway_runs_nothing_that_can_be_read_has_the_name(
    ledger: Ledger, team: Team, person: int
) -> None:
    done = erase.erase_developer(ledger.engine, person, actor="test")
    with ledger.engine.connect() as connection:
        dump = "\n".join(connection.connection.driver_connection.iterdump())  # type: ignore[union-attr]
    assert names_in(dump.encode()) == []
    # Pages may keep old bytes in their unused space. If so it is said, and what to do about it.
    assert bool(names_in(bytes_of(ledger))) == bool(done.left)
    assert all("vacuum --full" in sentence for sentence in done.left)
    team.admit(ledger, at=now_ms())  # and the gateway goes on


def test_counts_tokens_and_joules_stay(ledger: Ledger, person: int) -> None:
    before = totals(ledger.engine, 0, now_ms(), person)
    use = month_use(ledger.engine, month_of(NOON))
    broken = check(ledger.engine).violations  # by rows that were written past the ledger
    erase.erase_developer(ledger.engine, person, actor="test")
    assert totals(ledger.engine, 0, now_ms(), person) == before
    assert (before.requests, before.energy_j) == (1_701, 7.0)
    assert month_use(ledger.engine, month_of(NOON)).equals(use)
    assert check(ledger.engine).violations == broken


def test_their_access_ends_and_their_limits_are_gone(ledger: Ledger, person: int) -> None:
    _, plaintext = keys.create_key(ledger.engine, person, "other", actor="test")
    erase.erase_developer(ledger.engine, person, actor="test")
    assert keys.verify(ledger.engine, plaintext) is None
    listed = keys.list_keys(ledger.engine, developer_id=person, revoked=True)
    assert [key.name for key in listed] == [f"key {key.id}" for key in listed]
    assert rows(ledger.engine, "limits") == []
    assert people.find_developer(ledger.engine, NAME) is None
    gone = people.get_developer(ledger.engine, person)
    assert gone is not None
    assert gone.archived_at is not None


def test_the_audit_trail_keeps_what_happened_when_and_tells_of_the_erasure(
    ledger: Ledger, person: int
) -> None:
    before = rows(ledger.engine, "audit")
    erase.erase_developer(ledger.engine, person, actor="grace")
    after = rows(ledger.engine, "audit")
    kept = [(it["id"], it["at"], it["action"]) for it in before]
    assert [(it["id"], it["at"], it["action"]) for it in after][: len(kept)] == kept
    added = [(it["actor"], it["action"]) for it in after[len(kept) :]]
    assert added == [("grace", "developer's erasure begun"), ("grace", "developer erased")]
    renamed = next(it for it in after if it["action"] == "developer renamed")
    label = f"Former developer {person}"
    assert json.loads(renamed["detail"]) == {
        "id": person,
        "was": {"name": label},
        "now": {"name": label},
    }
    assert [it["actor"] for it in after if it["action"] == "key revoked"] == [label]
    assert rows(ledger.engine, "erasing") == []


def test_others_keep_their_names_also_where_one_is_within_another(
    ledger: Ledger, team: Team
) -> None:
    people.add_developer(ledger.engine, "Adam", actor="test")
    people.add_developer(ledger.engine, "Ada-Lena", actor="test")
    people.add_developer(ledger.engine, "Ada Smith", actor="test")
    erase.erase_developer(ledger.engine, team.ada, actor="test")
    added = [
        json.loads(it["detail"])["name"]
        for it in rows(ledger.engine, "audit")
        if it["action"] == "developer added"
    ]
    label = f"Former developer {team.ada}"
    assert added == [label, "Adam", "Ada-Lena", "Ada Smith"]
    names = {person.name for person in people.list_developers(ledger.engine, archived=True)}
    assert names == {label, "Adam", "Ada-Lena", "Ada Smith"}


def test_text_that_somebody_typed_is_not_changed_but_told(ledger: Ledger, person: int) -> None:
    teams.add_team(ledger.engine, f"Team of {NAME}", actor="test")
    prices.set_prices(ledger.engine, actor="test", note=f"as {NAME} negotiated")
    done = erase.erase_developer(ledger.engine, person, actor="test")
    typed = [sentence for sentence in done.left if NAME in sentence]
    assert len(typed) == 2
    assert typed[0] == f"a team's name has the name in it: Team of {NAME}"


@on_sqlite
def test_an_erasure_that_was_cut_short_is_gone_through_again(
    ledger: Ledger, person: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with writing(ledger.engine) as connection:  # a disk that fails within the requests
        connection.execute(
            text(
                "CREATE TRIGGER fails BEFORE UPDATE OF developer_name ON requests"
                f" WHEN NEW.started_at > {NOON + 1_200}"
                " BEGIN SELECT RAISE(ABORT, 'failed'); END"
            )
        )
    with pytest.raises(IntegrityError, match="failed"):
        erase.erase_developer(ledger.engine, person, actor="test")
    assert {it["developer_name"] for it in rows(ledger.engine, "requests")} > {NAME}
    with writing(ledger.engine) as connection:
        connection.execute(text("DROP TRIGGER fails"))
    found = people.find_developer(ledger.engine, NAME)
    assert found is not None
    done = erase.erase_developer(ledger.engine, found.id, actor="test")
    assert 0 < done.requests < 1_701
    label = f"Former developer {person}"
    assert {it["developer_name"] for it in rows(ledger.engine, "requests")} == {label}


def test_nobody_is_erased_twice(ledger: Ledger, person: int) -> None:
    erase.erase_developer(ledger.engine, person, actor="test")
    with pytest.raises(InvalidInput, match="erased already"):
        erase.erase_developer(ledger.engine, person, actor="test")
    with pytest.raises(InvalidInput, match="no developer with id 99"):
        erase.erase_developer(ledger.engine, 99, actor="test")


def test_what_would_change_is_told_beforehand(ledger: Ledger, person: int) -> None:
    asked = erase.extent(ledger.engine, person)
    assert (asked.requests, asked.keys) == (1_701, 2)


def test_the_pattern_of_a_name_is_no_expression(ledger: Ledger, tmp_path: Path) -> None:
    odd = people.add_developer(ledger.engine, "A.*(b", actor="test")
    people.add_developer(ledger.engine, "Axx(b", actor="test")
    erase.erase_developer(ledger.engine, odd.id, actor="test")
    details = " ".join(it["detail"] for it in rows(ledger.engine, "audit"))
    assert re.findall(r"A\S*\(b", details) == ["Axx(b"]
