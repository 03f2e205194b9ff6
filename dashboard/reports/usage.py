"""What each developer used a day, in each team and with each model."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import Engine

from dashboard.reports.span import Span, begin_ms
from dashboard.reports.tables import Batch, Cells, Column, Table
from db.export_queries import Whose, usage_of
from db.queries import first_activity
from db.spans import DAY_MS

COLUMNS = (
    Column("day", "text", "the calendar day, in the time zone of the range"),
    Column("starts_at", "second", "when it begins, UTC"),
    Column("developer", "text", "the developer's name now"),
    Column("team", "text", "the team that the developer was in when asking; empty: none"),
    Column("model", "text", "the model that answered"),
    Column("requests", "whole", "requests, by the day they started"),
    Column("running", "whole", "of them running, told as far as they have come"),
    Column("ok", "whole", "of them answered"),
    Column("errors", "whole", "of them failed"),
    Column("cancelled", "whole", "of them cancelled by the tool"),
    Column("interrupted", "whole", "of them ended by a crash"),
    Column("input_tokens", "whole", "tokens of prompts, those from a cache included"),
    Column("cached_input_tokens", "whole", "of them read from a cache"),
    Column("output_tokens", "whole", "tokens of answers"),
    Column("estimated_counts", "whole", "requests whose tokens are an estimate"),
    Column("energy_j", "number", "joules of the requests of which they are known; empty: of none"),
    Column("energy_unknown", "whole", "requests without any figure for energy"),
    Column("energy_partial", "whole", "requests of which energy_j holds a lower bound"),
    Column(
        "energy_uncertainty_j",
        "number",
        "half the width of energy_j's interval, of those whose accuracy is known; empty: of none",
    ),
)


def usage_table(engine: Engine, span: Span, whose: Whose) -> Table:
    """Days without any use have no row."""
    return Table(COLUMNS, _batches(engine, span, whose))


def _batches(engine: Engine, span: Span, whose: Whose) -> Iterator[Batch]:
    if (used := first_activity(engine)) is None:
        return
    begin = max(span.start_ms, used.first_ms // DAY_MS * DAY_MS)
    for day in span.days(begin, min(span.end_ms, used.last_ms + DAY_MS)):
        starts_at = begin_ms(day.day, span.zone)
        rows = usage_of(engine, starts_at, day.end_ms, whose)
        yield Batch([_cells(day.day, starts_at, row) for row in rows], day.end_ms)


def _cells(day: date, starts_at: int, row: Any) -> Cells:
    known = row.requests > row.energy_unknown + row.running or row.energy_j > 0
    return (
        day.isoformat(),
        starts_at,
        row.developer,
        row.team,
        row.model,
        row.requests,
        row.running,
        row.ok,
        row.errors,
        row.cancelled,
        row.interrupted,
        row.input_tokens,
        row.cached_input_tokens,
        row.output_tokens,
        row.estimated_counts,
        row.energy_j if known else None,
        row.energy_unknown,
        row.energy_partial,
        row.uncertainty_j if row.accuracy_kept else None,
    )
