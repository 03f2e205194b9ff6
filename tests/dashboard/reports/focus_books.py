"""A ledger's FOCUS file, and what the pages say of the same range."""

from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from dashboard.costs.comparison import compare
from dashboard.costs.models import Comparison
from dashboard.reports.span import Span
from dashboard.sides import developers_of, segments_of
from db.export_queries import Whose
from tests.dashboard.reports import focus_rules
from tests.dashboard.reports.books import OCTOBER, UTC_ZONE, exported, rows_of

Row = dict[str, str]


def total(rows: list[Row], column: str = "EffectiveCost", **of: str) -> Decimal:
    return sum(
        (Decimal(row[column]) for row in rows if all(row[name] == of[name] for name in of)),
        Decimal(0),
    )


def compared(ledger: Engine, span: Span) -> Comparison:
    """What the pages show of the same range."""
    segments = segments_of(ledger, span.start_ms, span.end_ms)
    return compare(segments, developers_of(ledger, span.zone), span.zone)


def focus(
    ledger: Engine,
    days: tuple[date, date] = OCTOBER,
    zone: ZoneInfo = UTC_ZONE,
    whose: Whose | None = None,
) -> list[Row]:
    file = exported(ledger, "focus", days=days, zone=zone, whose=whose or Whose())
    rows = rows_of(file)
    names = file.decode().split("\r\n")[0].split(",")
    assert focus_rules.broken(names, rows) == set()
    return rows
