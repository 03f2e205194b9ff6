import pytest

from db.accounts import (
    has_admin_password,
    password_fingerprint,
    set_admin_password,
    verify_admin_password,
)
from db.errors import InvalidInput
from db.ledger import Ledger
from tests.db.team import rows


def test_without_a_password_nothing_is_accepted(ledger: Ledger) -> None:
    assert not has_admin_password(ledger.engine)
    assert not verify_admin_password(ledger.engine, "")


def test_the_password_and_only_it_is_accepted(ledger: Ledger) -> None:
    set_admin_password(ledger.engine, "correct horse", actor="test")
    assert has_admin_password(ledger.engine)
    assert verify_admin_password(ledger.engine, "correct horse")
    assert not verify_admin_password(ledger.engine, "Correct horse")


def test_a_new_password_replaces_the_old_one(ledger: Ledger) -> None:
    set_admin_password(ledger.engine, "correct horse", actor="test")
    set_admin_password(ledger.engine, "battery staple", actor="test")
    assert not verify_admin_password(ledger.engine, "correct horse")
    assert verify_admin_password(ledger.engine, "battery staple")


@pytest.mark.parametrize("password", ["", "ninechars", "x" * 1025])
def test_a_password_has_10_to_1024_characters(ledger: Ledger, password: str) -> None:
    with pytest.raises(InvalidInput):
        set_admin_password(ledger.engine, password, actor="test")


def test_the_password_is_kept_as_an_argon2_hash_alone(ledger: Ledger) -> None:
    set_admin_password(ledger.engine, "correct horse", actor="test")
    assert rows(ledger.engine, "admin")[0]["password_hash"].startswith("$argon2id$")
    assert "horse" not in str(rows(ledger.engine, "audit"))


def test_the_fingerprint_changes_with_the_password_and_says_nothing_of_it(ledger: Ledger) -> None:
    assert password_fingerprint(ledger.engine) is None
    set_admin_password(ledger.engine, "correct horse", actor="test")
    first = password_fingerprint(ledger.engine)
    assert first == password_fingerprint(ledger.engine)
    set_admin_password(ledger.engine, "correct horse", actor="test")
    assert first != password_fingerprint(ledger.engine)
    assert first != rows(ledger.engine, "admin")[0]["password_hash"]
