"""What a ledger's address may be, and what is said of one that may not."""

import pytest

from db.errors import InvalidInput
from db.urls import parse, shown


def test_an_option_that_postgresql_does_not_know_is_named() -> None:
    with pytest.raises(InvalidInput, match="knows no option sslmod, which"):
        parse("postgresql://ada:secret@db.example/ledger?sslmod=require")


def test_options_that_it_knows_are_kept() -> None:
    assert parse("postgresql://ada@db.example/ledger?sslmode=require").query == {
        "sslmode": "require"
    }


@pytest.mark.parametrize(
    "url", ["", "ledger.db", "mysql://ada:secret@db.example/ledger", "sqlite://", "postgresql://x"]
)
def test_what_is_no_ledgers_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidInput, match="write sqlite:////path") as refused:
        parse(url)
    assert "secret" not in refused.value.message


def test_people_read_it_without_its_password() -> None:
    address = "postgresql://ada:secret@db.example:5433/ledger?sslmode=require"
    assert shown(address) == "postgresql://ada@db.example:5433/ledger"
