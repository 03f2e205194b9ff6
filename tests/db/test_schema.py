from collections.abc import Callable
from decimal import Decimal

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, Numeric, create_engine, text
from sqlalchemy.dialects import registry

from db.connect import connect
from db.errors import InvalidInput, LedgerUnavailable
from db.migrate import is_current, migrate
from db.schema import Base, ExactDecimal
from db.urls import shown
from tests.db.team import on_postgresql, on_sqlite

SQLITE = create_engine("sqlite://").dialect
POSTGRESQL = registry.load("postgresql")()


def test_the_migrations_make_exactly_the_tables_of_the_models(
    another_url: Callable[[], str],
) -> None:
    engine = connect(another_url())
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_migrations_make_the_constraints_of_the_models(
    another_url: Callable[[], str],
) -> None:
    migrated, created = connect(another_url()), connect(another_url())
    migrate(migrated)
    Base.metadata.create_all(created)
    assert _definitions(migrated) == _definitions(created)
    assert len(_definitions(created)) > len(Base.metadata.tables)


_POSTGRESQL = """
    SELECT conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION SELECT table_name || '.' || column_name, data_type || is_nullable || column_default
    FROM information_schema.columns WHERE table_schema = 'public'
"""


def _definitions(engine: Engine) -> dict[str, list[str]]:
    """Each table's and index's SQL as its parts, whatever their order and line breaks."""
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            found = connection.execute(text(_POSTGRESQL)).all()
        return {name: [sql] for name, sql in found if "alembic" not in name}
    query = text(
        "SELECT name, sql FROM sqlite_master"
        " WHERE name NOT LIKE '%alembic%' AND type IN ('table', 'index')"
    )
    with engine.connect() as connection:
        found = connection.execute(query).all()
    return {name: sorted(_parts(sql or "")) for name, sql in found}


def _parts(sql: str) -> list[str]:
    """The columns and constraints between the outer brackets."""
    parts, depth = [""], 0
    for char in " ".join(sql.split()):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if (char, depth) in (("(", 1), (",", 1), (")", 0)):
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts]


def test_migrating_a_current_database_changes_nothing(another_url: Callable[[], str]) -> None:
    engine = connect(another_url())
    assert not is_current(engine)
    migrate(engine)
    migrate(engine)
    assert is_current(engine)


def test_a_ledger_of_a_newer_version_is_refused_in_one_sentence(url: str) -> None:
    engine = connect(url)
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(LedgerUnavailable, match="newer version"):
        migrate(engine)


@on_postgresql
def test_a_server_is_asked_to_keep_a_commit_at_once_and_nothing_waits_for_ever(url: str) -> None:
    with connect(url).connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "1min"
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "5s"


@on_sqlite
def test_a_commit_survives_a_power_cut(url: str) -> None:
    with connect(url).connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 5_000


@pytest.mark.parametrize(
    "address", ["sqlite://", "sqlite:///:memory:", "mysql://host/x", "postgresql://host", "what?"]
)
def test_a_url_of_neither_a_file_nor_a_postgresql_database_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput, match=r"sqlite:////path.*postgresql://"):
        connect(address)


@pytest.mark.parametrize(
    "address",
    ["postgresql://ada:s3cret@db.example:x/", "postgres:/ada:s3cret@", "mysql://a:s3cret@h/d"],
)
def test_a_url_that_is_refused_is_not_repeated_for_it_may_hold_a_password(address: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        connect(address)
    assert "s3cret" not in str(caught.value)


def test_an_address_is_shown_without_password_and_options() -> None:
    address = "postgres://ada:s3cret@db.example:5433/ledger?sslpassword=s3cret&password=s3cret"
    assert shown(address) == "postgresql://ada@db.example:5433/ledger"
    assert "s3cret" not in str(connect(address.split("?")[0]).url)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**15)))
def test_money_is_kept_digit_for_digit(amount: Decimal) -> None:
    kept = ExactDecimal()
    stored = kept.process_bind_param(amount, SQLITE)
    assert isinstance(stored, str)
    back = kept.process_result_value(stored, SQLITE)
    assert str(back) == format(amount, "f")


def test_money_is_numeric_in_postgresql() -> None:
    kept = ExactDecimal()
    assert isinstance(kept.load_dialect_impl(POSTGRESQL), Numeric)
    assert kept.process_bind_param(Decimal("1.10"), POSTGRESQL) == Decimal("1.10")
