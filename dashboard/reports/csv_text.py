"""CSV as RFC 4180 has it: UTF-8, commas, CRLF; an empty cell is an unknown value.

Numbers keep all their digits (a float's shortest exact text, a decimal's own). Text is written by
people and by the tools they use, and a spreadsheet runs a cell that begins with one of `FORMULA`.
Such text gets an apostrophe in front, as OWASP advises against CSV injection, and so cannot be a
formula; what reads the file as data takes one apostrophe off where one of those follows. Numbers
are never touched, so that a negative one stays a number.
"""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pandas as pd

from dashboard.reports.tables import Kind, Table

# Signs that begin a formula, also in full width, and what spreadsheets pass over before one.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")


def csv_chunks(table: Table) -> Iterator[bytes]:
    """The file, piece by piece: its header, then a piece for each batch."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([column.name for column in table.columns])
    yield _taken(text)
    written = [_WRITTEN[column.kind] for column in table.columns]
    for batch in table.batches:
        writer.writerows(
            ["" if cell is None else write(cell) for write, cell in zip(written, row, strict=True)]
            for row in batch.rows
        )
        yield _taken(text)


def frame_csv(frame: pd.DataFrame) -> bytes:
    """A page's table as it is shown, its texts made harmless."""
    safe = frame.map(lambda cell: harmless(cell) if isinstance(cell, str) else cell)
    return safe.to_csv(index=False, lineterminator="\r\n").encode()


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def iso_moment(epoch_ms: int) -> str:
    """`2026-10-01T12:00:00.000Z`"""
    return _utc(epoch_ms).isoformat(timespec="milliseconds") + "Z"


def iso_second(epoch_ms: int) -> str:
    """`2026-10-01T12:00:00Z`"""
    return _utc(epoch_ms).isoformat(timespec="seconds") + "Z"


def decimal_text(amount: Decimal) -> str:
    """All digits, without an exponent and without zeros behind the last one."""
    return "0" if amount == 0 else format(amount.normalize(), "f")


def _utc(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).replace(tzinfo=None)


def _taken(text: io.StringIO) -> bytes:
    """What has been written, which is forgotten."""
    written = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return written


_WRITTEN: dict[Kind, Callable[[Any], str]] = {
    "text": harmless,
    "id": harmless,
    "whole": str,
    "number": repr,
    "decimal": decimal_text,
    "moment": iso_moment,
    "second": iso_second,
    "flag": lambda flag: "true" if flag else "false",
}
