import hashlib
import time

import pytest

from db import keys, people
from db.errors import InvalidInput
from db.ids import now_ms
from db.ledger import Ledger
from db.limits import NO_LIMITS
from tests.db.team import Team, on_sqlite, rows


def test_a_new_key_says_whose_it_is(ledger: Ledger, team: Team) -> None:
    key, plaintext = keys.create_key(ledger.engine, team.ada, "zed", actor="test")
    assert plaintext.startswith("bk-")
    assert len(plaintext) == 3 + 43  # 256 bits in base64
    owner = keys.verify(ledger.engine, plaintext)
    assert owner == keys.KeyOwner(key.id, "zed", team.ada, "Ada", NO_LIMITS, NO_LIMITS, None)


@on_sqlite
def test_only_a_hash_of_the_key_is_on_the_disk(ledger: Ledger, team: Team) -> None:
    _, plaintext = keys.create_key(ledger.engine, team.ada, "zed", actor="test")
    ledger.close()
    files = [path.read_bytes() for path in ledger.path.parent.iterdir()]
    assert not any(plaintext.encode() in content for content in files)
    assert any(hashlib.sha256(plaintext.encode()).hexdigest().encode() in it for it in files)


@pytest.mark.parametrize("text", ["", "bk-", "bk-" + "A" * 43, "Ünïcode", "\udcff"])
def test_a_key_that_nobody_made_opens_nothing(ledger: Ledger, team: Team, text: str) -> None:
    assert keys.verify(ledger.engine, text) is None


def test_a_revoked_key_stops_at_once_and_leaves_the_list(ledger: Ledger, team: Team) -> None:
    key, plaintext = keys.create_key(ledger.engine, team.ada, "zed", actor="test")
    revoked = keys.revoke_key(ledger.engine, key.id, actor="test")
    assert revoked.revoked_at is not None
    assert keys.verify(ledger.engine, plaintext) is None
    assert key.id not in [item.id for item in keys.list_keys(ledger.engine)]
    assert key.id in [item.id for item in keys.list_keys(ledger.engine, revoked=True)]
    assert keys.revoke_key(ledger.engine, key.id, actor="test") == revoked


def test_an_archived_developers_keys_stop_and_a_restored_ones_work_again(
    ledger: Ledger, team: Team
) -> None:
    _, plaintext = keys.create_key(ledger.engine, team.ada, "zed", actor="test")
    people.archive_developer(ledger.engine, team.ada, actor="test")
    assert keys.verify(ledger.engine, plaintext) is None
    people.restore_developer(ledger.engine, team.ada, actor="test")
    assert keys.verify(ledger.engine, plaintext) is not None


def test_a_key_expires(ledger: Ledger, team: Team) -> None:
    soon = now_ms() + 150
    _, plaintext = keys.create_key(ledger.engine, team.ada, "ci", actor="test", expires_at=soon)
    owner = keys.verify(ledger.engine, plaintext)
    assert owner is not None
    assert owner.expires_at == soon
    time.sleep(0.2)
    assert keys.verify(ledger.engine, plaintext) is None


@pytest.mark.parametrize(
    ("developer", "tool", "expires_at", "field"),
    [(1, "", None, "name"), (1, "x" * 81, None, "name"), (9, "zed", None, "developer"),
     (1, "zed", 1, "expires_at")],
)  # fmt: skip
def test_what_is_wrong_with_a_new_key_is_named(
    ledger: Ledger, team: Team, developer: int, tool: str, expires_at: int | None, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        keys.create_key(ledger.engine, developer, tool, actor="test", expires_at=expires_at)
    assert caught.value.field == field


def test_an_archived_developer_gets_no_key(ledger: Ledger, team: Team) -> None:
    people.archive_developer(ledger.engine, team.ada, actor="test")
    with pytest.raises(InvalidInput, match="Ada is archived"):
        keys.create_key(ledger.engine, team.ada, "zed", actor="test")


def test_the_audit_trail_names_the_key_but_does_not_hold_it(ledger: Ledger, team: Team) -> None:
    _, plaintext = keys.create_key(ledger.engine, team.ada, "zed", actor="grace")
    last = rows(ledger.engine, "audit")[-1]
    assert (last["actor"], last["action"]) == ("grace", "key created")
    assert plaintext[3:] not in last["detail"]


def test_keys_can_be_listed_by_developer(ledger: Ledger, team: Team) -> None:
    grace = people.add_developer(ledger.engine, "Grace", actor="test")
    key, _ = keys.create_key(ledger.engine, grace.id, "vim", actor="test")
    assert keys.list_keys(ledger.engine, developer_id=grace.id) == [key]
