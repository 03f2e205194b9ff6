"""What the commands of `python -m db` share: the ledger, and how they ask, look up and print."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time

import click
from sqlalchemy import Engine

from db import people
from db.connect import connect
from db.errors import InvalidInput, LedgerUnavailable
from db.migrate import migrate
from db.settings import settings
from db.urls import database_path, is_postgresql, parse

ACTOR = "command line"


@contextmanager
def ledger(*, must_exist: bool = False) -> Iterator[Engine]:
    """The ledger's database, brought up to date; a running gateway need not be stopped for it.

    With `must_exist`, LedgerUnavailable where there is none: perhaps BREAKEVEN_HOME is wrong.
    """
    url = settings().ledger_url
    if must_exist and not is_postgresql(parse(url)) and not database_path(url).exists():
        raise LedgerUnavailable(f"There is no ledger at {database_path(url)}.")
    engine = connect(url)
    try:
        migrate(engine)
        yield engine
    finally:
        engine.dispose()


def developer_named(engine: Engine, name: str) -> people.Person:
    person = people.find_developer(engine, name)
    if person is None:
        raise InvalidInput("developer", f"There is no developer named {name}.")
    return person


def sure(question: str, yes: bool) -> bool:
    """Whether to go on with what cannot be undone: `--yes`, or an answer."""
    return yes or click.confirm(question, err=True)


def midnight(text: str | None) -> int | None:
    """The start of a local day (`2026-03-01`), in UTC epoch milliseconds; None: not given."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
        return int(datetime.combine(day, time()).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise InvalidInput("date", f"{text!r} is not a date; write one like 2026-03-01.") from error


def day(at_ms: int | None) -> str:
    return "" if at_ms is None else datetime.fromtimestamp(at_ms / 1000).strftime("%Y-%m-%d")


def print_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())
