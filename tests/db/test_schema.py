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

SQLITE = create_engine("sqlite://").dialect
POSTGRESQL = registry.load("postgresql")()


def test_the_migrations_make_exactly_the_tables_of_the_models(url: str) -> None:
    engine = connect(url)
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_migrations_make_the_constraints_of_the_models(url: str) -> None:
    migrated, created = connect(url), connect(url.replace("ledger.db", "created.db"))
    migrate(migrated)
    Base.metadata.create_all(created)
    assert _definitions(migrated) == _definitions(created)


def _definitions(engine: Engine) -> dict[str, list[str]]:
    """Each table's and index's SQL as its parts, whatever their order and line breaks."""
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


def test_migrating_a_current_database_changes_nothing(url: str) -> None:
    engine = connect(url)
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


def test_a_commit_survives_a_power_cut(url: str) -> None:
    with connect(url).connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 5_000


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "postgresql://host/x", "what?"])
def test_a_url_that_is_no_sqlite_file_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="sqlite:////path"):
        connect(url)


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
