"""Brings a database to the present schema, at every start."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from db import usage_rebuild
from db.connect import writing
from db.errors import LedgerUnavailable

_FIRST_WITH_USAGE = "0004"  # what requests add up to is kept since then


def migrate(engine: Engine) -> None:
    """Run the migrations that are missing, in one transaction.

    Raises LedgerUnavailable where a newer version of the product wrote the database, or where the
    file cannot be written.
    """
    with writing(engine) as connection:
        config = _config(connection)
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        present = MigrationContext.configure(connection).get_current_revision()
        if present is not None and present not in known:
            raise LedgerUnavailable(
                "A newer version of Breakeven wrote this ledger; install that version."
            )
        command.upgrade(config, "head")
        fill_usage(connection, came_from=present)


def fill_usage(connection: Connection, came_from: str | None) -> None:
    """Add up the requests of a ledger whose version (None: it was empty) did not do so."""
    if came_from is not None and came_from < _FIRST_WITH_USAGE:
        usage_rebuild.rebuild(connection)


def is_current(engine: Engine) -> bool:
    """Whether the database has exactly the present schema's version."""
    with engine.connect() as connection:
        head = ScriptDirectory.from_config(_config(connection)).get_current_head()
        return MigrationContext.configure(connection).get_current_revision() == head


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
