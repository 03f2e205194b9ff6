"""The database that a sample is written into."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, Engine, delete, inspect

from db.connect import connect
from db.errors import InvalidInput
from db.migrate import migrate
from db.queries import is_sample
from db.schema import Base, Meta
from db.urls import database_path
from db.writes import set_meta


@dataclass(frozen=True, slots=True)
class Sample:
    """What was written."""

    developers: int
    requests: int
    days: int


@contextmanager
def sample_database(url: str) -> Iterator[Engine]:
    """The database, brought to the present schema; InvalidInput where it exists and is not marked
    as a sample."""
    engine = connect(url)
    try:
        _require_sample_or_nothing(engine, url)
        migrate(engine)
        yield engine
    finally:
        engine.dispose()


def empty(connection: Connection) -> None:
    """Delete whatever an older sample had, and mark the database as a sample."""
    # The mark comes first: it is what allows records to be deleted that are append-only elsewhere.
    set_meta(connection, "sample", "These rows are made up.")
    for table in reversed(Base.metadata.sorted_tables):
        everything = delete(table)
        connection.execute(
            everything.where(Meta.key != "sample") if table is Meta.__table__ else everything
        )


def local_ms(day: date) -> int:
    """A local midnight in UTC epoch milliseconds."""
    return int(datetime(day.year, day.month, day.day).timestamp() * 1000)


def _require_sample_or_nothing(engine: Engine, url: str) -> None:
    tables = inspect(engine).get_table_names()
    if tables and not (Meta.__tablename__ in tables and is_sample(engine)):
        raise InvalidInput(
            "database",
            f"{database_path(url)} is not a sample database, so it is left as it is;"
            " choose another file for the sample.",
        )
