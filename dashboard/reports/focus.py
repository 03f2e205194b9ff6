"""What self-hosting costs, in the FinOps Open Cost and Usage Specification (FOCUS) 1.2.

The billing account is the hardware's owner, a billing period a calendar month of the reader's zone,
a sub account a team (those of each request's own day). Each billing period stands for itself:

- The sum of its EffectiveCost is `compare`'s self_hosted_total for the same time, to the cent, and
  a team's sum is its part there: idle time is shared by who used the hardware in that period, by
  energy, else by tokens. A period that nobody used has rows without a sub account instead.
- A row is a day of one team and one of three things: hardware (straight-line depreciation),
  electricity, operations. Days are whole cents; a team's part of one has up to ten digits.

The purchase of hardware is a row of its own, on its first day. The specification (EffectiveCost)
has it that a purchase for future charges has an EffectiveCost of 0, and that those charges hold
their amortised part of it: so BilledCost is the price on the purchase's row and 0 on depreciation's
rows, whose EffectiveCost adds up, over the hardware's life, to price less residual value (what is
left is still owned). Electricity and operations are billed as they arise. ListCost and
ContractedCost are the full cost on all rows; a sum of them leaves out either the purchase or the
rows it covers, as the specification says of ContractedCost.
"""

from collections.abc import Hashable, Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from dashboard.costs.comparison import compare
from dashboard.costs.daily import daily
from dashboard.costs.models import Comparison, Segment
from dashboard.reports.focus_columns import COLUMNS, NAMES
from dashboard.reports.focus_rows import (
    Period,
    purchase,
    sub_account,
    usage_rows,
    used_of,
)
from dashboard.reports.span import Part, Span, begin_ms
from dashboard.reports.tables import Batch, Cells, Table
from dashboard.sides import segments_of, usage_of
from db.errors import InvalidInput
from db.prices import price_history, prices_between
from db.queries import by_team, energy_between, first_activity


def focus_table(engine: Engine, span: Span, now_ms: int, team_id: int | None = None) -> Table:
    """The span's charges up to now, month by month; or one team's. InvalidInput where prices change
    their currency within a month."""
    end_ms = min(span.end_ms, now_ms // 1000 * 1000)
    _require_one_currency_a_month(engine, span, end_ms)
    return Table(COLUMNS, _batches(engine, span, end_ms, team_id))


def _require_one_currency_a_month(engine: Engine, span: Span, end_ms: int) -> None:
    if len({settings.currency for settings in price_history(engine)}) == 1:
        return
    for month in span.months(span.start_ms, end_ms):
        segments = prices_between(engine, month.start_ms, month.end_ms)
        if len({segment.settings.currency for segment in segments}) > 1:
            raise InvalidInput(
                "from",
                f"Prices change their currency within {month.day:%B %Y}, and cannot be added up: "
                "leave that month out.",
            )


def _batches(engine: Engine, span: Span, end_ms: int, team_id: int | None) -> Iterator[Batch]:
    first = _first_charge(engine, span.zone)
    if first is None:
        return
    for month in span.months(span.start_ms, end_ms):
        if month.end_ms > first:
            rows = _month(engine, month, span.zone)
            if team_id is not None:
                rows = [row for row in rows if row[_SUB_ACCOUNT] == sub_account(team_id)]
            yield Batch(rows, month.end_ms)


def _first_charge(engine: Engine, zone: ZoneInfo) -> int | None:
    """Since when there is anything to tell: hardware in service, or a request."""
    days = [settings.in_service_date for settings in price_history(engine)]
    moments = [begin_ms(day, zone) for day in days if day is not None]
    activity = first_activity(engine)
    moments += [activity.first_ms] if activity else []
    return min(moments, default=None)


def _month(engine: Engine, month: Part, zone: ZoneInfo) -> list[Cells]:
    segments = segments_of(engine, month.start_ms, month.end_ms)
    days = daily(segments, zone)
    teams = _used(engine, month.start_ms, month.end_ms)
    period = Period.of(month.day, zone, _by_team(segments, teams, zone))
    rows: list[Cells] = []
    for day in days:
        start_ms, end_ms = _ms(day.start), _ms(day.end)
        local_day = day.start.astimezone(zone).date()
        is_last_piece = day.end.astimezone(zone).date() > local_day or day.end == days[-1].end
        if day.prices.in_service_date == local_day and is_last_piece:
            rows.append(purchase(period, day))
        estimated = "estimated" in energy_between(engine, start_ms, end_ms).by_basis
        used = {row["team_id"]: used_of(row, estimated) for row in _used(engine, start_ms, end_ms)}
        rows += usage_rows(period, day, used)
    return rows


def _used(engine: Engine, start_ms: int, end_ms: int) -> list[dict[Hashable, Any]]:
    return by_team(engine, start_ms, end_ms).to_dict("records")


def _by_team(
    segments: Sequence[Segment], used: Sequence[dict[Hashable, Any]], zone: ZoneInfo
) -> Comparison:
    """The costs of these segments, shared by teams as they are by developers on the pages."""
    teams = tuple(
        usage_of(
            row
            | {
                "developer_id": row["team_id"],
                "developer": row["team"] if row["team_id"] else "",
            }
        )
        for row in used
    )
    shared = [segment.model_copy(update={"usage": ()}) for segment in segments]
    shared[0] = shared[0].model_copy(update={"usage": teams})
    return compare(shared, [], zone)


_SUB_ACCOUNT = NAMES.index("SubAccountId")


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
