"""Calendar months by name, and which of them a ledger has anything to tell of."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from dashboard.costs.months import add_months
from dashboard.overview import first_moment
from dashboard.reports.span import Span
from db.errors import InvalidInput


def span_of(month: str, zone: ZoneInfo) -> Span:
    """The days of a month such as `2026-10`. InvalidInput where it is none."""
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError as error:
        raise InvalidInput(
            "month", f"{month!r} is not a month; write one such as 2026-10."
        ) from error
    return Span(first, add_months(first, 1), zone)


def name_of(month: str) -> str:
    """`October 2026`."""
    return f"{date.fromisoformat(f'{month}-01'):%B %Y}"


def months_with_data(engine: Engine, zone: ZoneInfo, now_ms: int) -> list[str]:
    """From the first in which anything was used or in service to the present one, newest first."""
    first_ms = first_moment(engine, zone, now_ms)
    if first_ms is None:
        return []
    first, month = (
        datetime.fromtimestamp(at / 1000, UTC).astimezone(zone).date().replace(day=1)
        for at in (first_ms, now_ms)
    )
    months = []
    while month >= first:
        months.append(f"{month:%Y-%m}")
        month = add_months(month, -1)
    return months
