"""What each key used in a month, added up in the transactions that write the requests."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import Connection, Table, case, func, select

from db.schema import MonthlyUse, Request
from db.spans import DAY_MS, following
from db.upsert import upsert

_months: Table = MonthlyUse.__table__  # type: ignore[assignment]


class User(NamedTuple):
    """Whose use of which month (UTC, `YYYY-MM`). `api_key_id` 0: the dashboard's own chat."""

    month: str
    developer_id: int
    api_key_id: int


@dataclass(slots=True)
class Use:
    """Requests and tokens of those that have ended; joules as booked, of running ones too."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    energy_j: float = 0.0


Tally = defaultdict[User, Use]


def tally() -> Tally:
    """An empty one, to be added up and handed to `add`."""
    return defaultdict(Use)


def month_of(at_ms: int) -> str:
    """The UTC month of a time in epoch milliseconds."""
    return _month_of_day(at_ms // DAY_MS)


@lru_cache
def _month_of_day(day: int) -> str:
    at = datetime.fromtimestamp(day * DAY_MS / 1000, UTC)
    return f"{at.year:04}-{at.month:02}"


def month_after(month: str) -> str:
    """The month in which a budget of `month` begins anew."""
    year, number = map(int, month.split("-"))
    return f"{year + number // 12:04}-{number % 12 + 1:02}"


def bounds_of(month: str) -> tuple[int, int]:
    """When a UTC month begins and when it is over, in epoch milliseconds."""
    start_ms = int(datetime.fromisoformat(f"{month}-01T00:00+00:00").timestamp() * 1000)
    return start_ms, following("month", start_ms)


def user_of(started_at: int, developer_id: int, api_key_id: int | None) -> User:
    """Whose monthly use a request belongs to."""
    return User(month_of(started_at), developer_id, api_key_id or 0)


def add(connection: Connection, more: Tally) -> None:
    """Add a batch's use: one row for each month, developer and key."""
    rows = [
        {
            **user._asdict(),
            "requests": use.requests,
            "input_tokens": use.input_tokens,
            "output_tokens": use.output_tokens,
            "energy_j": use.energy_j,
        }
        for user, use in more.items()
    ]
    upsert(
        connection,
        _months,
        rows,
        added=("requests", "input_tokens", "output_tokens", "energy_j"),
    )


def read(connection: Connection) -> dict[User, Use]:
    """All of `monthly_use`."""
    rows = connection.execute(select(_months)).all()
    return {User(*row[:3]): Use(*row[3:]) for row in rows}


def recount(connection: Connection) -> Tally:
    """What `monthly_use` has to hold, from the rows of `requests` alone."""
    ended = Request.status != "running"
    day = Request.started_at.op("/")(DAY_MS)  # of whole numbers: SQL's own division rounds down
    daily = select(
        day,
        Request.developer_id,
        Request.api_key_id,
        func.sum(case((ended, 1), else_=0)),
        func.sum(case((ended, Request.input_tokens), else_=0)),
        func.sum(case((ended, Request.output_tokens), else_=0)),
        func.coalesce(func.sum(Request.energy_j), 0.0),
    ).group_by(day, Request.developer_id, Request.api_key_id)
    counted = tally()
    for day_number, developer_id, api_key_id, *sums in connection.execute(daily):
        use = counted[user_of(day_number * DAY_MS, developer_id, api_key_id)]
        use.requests += sums[0]
        use.input_tokens += sums[1]
        use.output_tokens += sums[2]
        use.energy_j += sums[3]
    return counted
