"""Requests, one a row, with the electricity that each took at the price of its time."""

from bisect import bisect_right
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine

from dashboard.costs.comparison import marginal_cost
from dashboard.costs.models import Prices
from dashboard.reports.span import Span
from dashboard.reports.tables import Batch, Cells, Column, Table
from dashboard.sides import prices_of
from db.export_queries import Whose, requests_in_order
from db.ids import id_to_text
from db.prices import prices_between

ROWS_AT_ONCE = 5_000

COLUMNS = (
    Column("id", "id", "16 hexadecimal digits, as the gateway tells it; ids grow with time"),
    Column("started_at", "moment", "when it arrived, UTC"),
    Column("first_token_at", "moment", "when its first token left, UTC"),
    Column("finished_at", "moment", "when its last byte left, UTC"),
    Column("developer", "text", "the developer's name as it was then"),
    Column("team", "text", "the team that the developer was in then; empty: none"),
    Column("key", "text", "the name of the key; empty: the dashboard's own chat"),
    Column("tool", "text", "what the tool says it is"),
    Column("model", "text", "the model that answered"),
    Column("engine", "text", "who computed it"),
    Column("endpoint", "text", "the interface that was called"),
    Column("status", "text", "running, ok, error, cancelled or interrupted"),
    Column("streamed", "flag", "whether it was answered piece by piece"),
    Column("finish_reason", "text", "why the answer ended"),
    Column("error_type", "text", "what went wrong"),
    Column("input_tokens", "whole", "tokens of the prompt, those from a cache included"),
    Column("cached_input_tokens", "whole", "of them read from a cache"),
    Column("output_tokens", "whole", "tokens of the answer"),
    Column("counts", "text", "exact, or estimated where an upstream reports no usage"),
    Column("energy_j", "number", "joules; empty: unknown"),
    Column(
        "energy_basis",
        "text",
        "measured, estimated, partial (energy_j is a lower bound) or unknown; empty: not told yet",
    ),
    Column("energy_source", "text", "the meters"),
    Column("energy_uncertainty_j", "number", "half the width of energy_j's interval"),
    Column("prefill_energy_j", "number", "the part of energy_j that the prompt took"),
    Column("queue_ms", "whole", "milliseconds in the queue"),
    Column("ttft_ms", "whole", "milliseconds to the first token"),
    Column("duration_ms", "whole", "milliseconds to the end"),
    Column("experts_active_mean", "number", "routed experts a token, on average"),
    Column("marginal_cost", "decimal", "its electricity alone, PUE included; empty: unknown"),
    Column("currency", "text", "of marginal_cost"),
    Column("electricity_price_per_kwh", "decimal", "in force when it started"),
    Column("pue", "decimal", "power usage effectiveness, in force when it started"),
)


def requests_table(engine: Engine, span: Span, whose: Whose) -> Table:
    """The requests that started in the span, by time. Those that are running are told as far as
    they have come."""
    return Table(COLUMNS, _batches(engine, span, whose))


def _batches(engine: Engine, span: Span, whose: Whose) -> Iterator[Batch]:
    segments = prices_between(engine, span.start_ms, span.end_ms)
    begins = [segment.start_ms for segment in segments]
    prices = [prices_of(segment.settings) for segment in segments]
    for rows in requests_in_order(engine, span.start_ms, span.end_ms, whose, ROWS_AT_ONCE):
        cells = [_cells(row, prices[bisect_right(begins, row.started_at) - 1]) for row in rows]
        yield Batch(cells, rows[-1].started_at)


def _cells(row: Any, prices: Prices) -> Cells:
    cost: Decimal | None = marginal_cost(row.energy_j, prices)
    return (
        id_to_text(row.id),
        row.started_at,
        row.first_token_at,
        row.finished_at,
        row.developer_name,
        row.team,
        row.key,
        row.client,
        row.model,
        row.engine,
        row.endpoint,
        row.status,
        row.streamed,
        row.finish_reason,
        row.error_type,
        row.input_tokens,
        row.cached_input_tokens,
        row.output_tokens,
        "exact" if row.counts_exact else "estimated",
        row.energy_j,
        row.energy_basis,
        row.energy_source,
        row.energy_uncertainty_j,
        row.prefill_energy_j,
        row.queue_ms,
        row.ttft_ms,
        row.duration_ms,
        row.experts_active_mean,
        cost,
        prices.currency,
        prices.electricity_price_per_kwh,
        prices.pue,
    )
