"""Brings a database to the present schema, at every start."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from db import energy_rollups
from db.connect import writing
from db.errors import LedgerUnavailable


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
        if present is not None and present < "0005":
            energy_rollups.rebuild(connection)


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
