"""Every export by name: what it is of, in which format, and its bytes piece by piece."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy import Engine

from dashboard.reports import focus, requests, usage
from dashboard.reports.csv_text import csv_chunks
from dashboard.reports.focus_columns import COLUMNS as FOCUS_COLUMNS
from dashboard.reports.parquet import parquet_chunks
from dashboard.reports.span import Span
from dashboard.reports.tables import Batch, Column, Table
from db.errors import InvalidInput
from db.export_queries import Whose
from db.ids import now_ms

What = Literal["requests", "usage", "focus"]
Format = Literal["csv", "parquet"]
WHATS: tuple[What, ...] = get_args(What)
FORMATS: tuple[Format, ...] = get_args(Format)

COLUMNS: dict[What, tuple[Column, ...]] = {
    "requests": requests.COLUMNS,
    "usage": usage.COLUMNS,
    "focus": FOCUS_COLUMNS,
}
MEDIA_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}


@dataclass(frozen=True, slots=True)
class Export:
    """What is asked for. InvalidInput where there is no such thing: costs are shared by teams."""

    what: What
    format: Format
    span: Span
    whose: Whose

    def __post_init__(self) -> None:
        if self.what == "focus" and self.whose.developer_id is not None:
            raise InvalidInput(
                "developer", "FOCUS tells costs by team, not by developer; choose a team."
            )

    @property
    def filename(self) -> str:
        """`breakeven-requests-2026-10-01-to-2026-10-31.csv`: made of dates and our own words."""
        name = "focus-1.2" if self.what == "focus" else self.what
        return f"breakeven-{name}-{self.span.first}-to-{self.span.last}.{self.format}"


def chunks(
    engine: Engine, export: Export, told: Callable[[float], None] | None = None
) -> Iterator[bytes]:
    """The file's bytes, a batch of rows at a time. `told` hears which part of the range they have
    come to, 0 to 1."""
    table = _table(engine, export)
    if told is not None:
        table = Table(table.columns, _heard(table.batches, export.span, told))
    return csv_chunks(table) if export.format == "csv" else parquet_chunks(table)


def _table(engine: Engine, export: Export) -> Table:
    if export.what == "requests":
        return requests.requests_table(engine, export.span, export.whose)
    if export.what == "usage":
        return usage.usage_table(engine, export.span, export.whose)
    return focus.focus_table(engine, export.span, now_ms(), export.whose.team_id)


def _heard(batches: Iterator[Batch], span: Span, told: Callable[[float], None]) -> Iterator[Batch]:
    whole = span.end_ms - span.start_ms
    for batch in batches:
        yield batch
        told(min(max((batch.until_ms - span.start_ms) / whole, 0.0), 1.0))
