"""Anthropic's exports of usage and of costs: CSV of the Console, JSON of the Admin API.

Usage (CSV): usage_date_utc, model_version, api_key, workspace, usage_type, context_window,
usage_input_tokens_no_cache, usage_input_tokens_cache_write_5m and _1h (before both:
usage_input_tokens_cache_write), usage_input_tokens_cache_read, usage_output_tokens; a row a day.
Costs (CSV): usage_date_utc, model, workspace, api_key, token_type, cost_usd. The columns are those
of exports that public projects read; Anthropic documents the export only in words
(support.claude.com, article 9534590). It tells no number of requests, so that is unknown.

Admin API (platform.claude.com/docs/en/api/admin/usage_report and …/cost_report): buckets of
starting_at, ending_at and `results`; costs are decimal strings in cents.

Rows that differ in what is not kept (tier, context window, token type) add up. A cost below 0 is a
credit.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, BinaryIO

from db.importers.documents import objects
from db.importers.reading import rows
from db.importers.record import (
    Notes,
    Unusable,
    Usage,
    cells,
    label,
    moment,
    money,
    whole,
    with_credit,
)
from db.spans import DAY_MS

NAME = "anthropic"
NAMES_PEOPLE = True
_CSV_WRITES = (
    "usage_input_tokens_cache_write_5m",
    "usage_input_tokens_cache_write_1h",
    "usage_input_tokens_cache_write",
)


def read_table(stream: BinaryIO, notes: Notes) -> Iterator[Usage]:
    for number, row in rows(stream, notes):
        try:
            usage = _cost_row(row) if "cost_usd" in row else _usage_row(row)
        except Unusable as reason:
            notes.skip(str(reason), number)
        else:
            yield with_credit(usage, notes, number)


def read(stream: BinaryIO, notes: Notes) -> Iterator[Usage]:
    for number, bucket in objects(stream, notes):
        results = bucket.get("results")
        if not isinstance(results, list):
            notes.skip("not a bucket of the Admin API", number)
            continue
        for result in results:
            try:
                usage = _result(result, bucket)
            except Unusable as reason:
                notes.skip(str(reason), number)
            else:
                yield with_credit(usage, notes, number)


def _usage_row(row: Mapping[str, str]) -> Usage:
    usage = _of_day(row, "usage", "model_version")
    usage.fresh_input_tokens = whole(
        row.get("usage_input_tokens_no_cache"), "usage_input_tokens_no_cache"
    )
    usage.cached_input_tokens = whole(
        row.get("usage_input_tokens_cache_read"), "usage_input_tokens_cache_read"
    )
    usage.cache_write_tokens = _sum([whole(row.get(name), name) for name in _CSV_WRITES])
    usage.output_tokens = whole(row.get("usage_output_tokens"), "usage_output_tokens")
    return usage


def _cost_row(row: Mapping[str, str]) -> Usage:
    usage = _of_day(row, "cost", "model")
    usage.cost, usage.currency = money(row.get("cost_usd"), "cost_usd", signed=True), "USD"
    if usage.cost is None:
        raise Unusable("there is no cost")
    return usage


def _of_day(row: Mapping[str, str], figures: str, model: str) -> Usage:
    at = moment(row.get("usage_date_utc"), zoneless_is_utc=True)
    at -= at % DAY_MS
    values = {name: label(row.get(name)) or "" for name in ("workspace", "api_key")}
    values["model"] = label(row.get(model)) or ""
    return _aggregate(row, figures, at, at + DAY_MS, values, values["api_key"] or None)


def _result(result: Any, bucket: Mapping[str, Any]) -> Usage:
    if not isinstance(result, dict):
        raise Unusable("not a result of the Admin API")
    at, ends = moment(bucket.get("starting_at")), moment(bucket.get("ending_at"))
    if ends <= at:
        raise Unusable("the bucket ends before it starts")
    figures = "cost" if "amount" in result else "usage"
    names = ("workspace_id", "api_key_id", "account_id", "service_account_id", "model")
    values = {name: label(result.get(name)) or "" for name in names}
    if figures == "cost" and not values["model"]:
        values["model"] = label(result.get("description")) or ""
    person = values["account_id"] or values["api_key_id"] or None
    usage = _aggregate(result, figures, at, ends, values, person)
    if figures == "cost":
        usage.cost, usage.currency = money(_cents(result.get("amount")), signed=True), "USD"
        if result.get("currency") not in (None, "USD"):
            raise Unusable("a currency other than USD")
        return usage
    writes = result.get("cache_creation")
    parts = writes if isinstance(writes, dict) else {}
    usage.fresh_input_tokens = whole(result.get("uncached_input_tokens"), "uncached_input_tokens")
    usage.cached_input_tokens = whole(
        result.get("cache_read_input_tokens"), "cache_read_input_tokens"
    )
    usage.cache_write_tokens = _sum([whole(value, "cache_creation") for value in parts.values()])
    usage.output_tokens = whole(result.get("output_tokens"), "output_tokens")
    return usage


def _aggregate(
    row: Mapping[str, Any],
    figures: str,
    at: int,
    ends: int,
    values: dict[str, str],
    person: str | None,
) -> Usage:
    return Usage(
        key=(figures, str(at), str(ends), *values.values()),
        at=at,
        ends_at=ends,
        basis="aggregate",
        person=person,
        model=values["model"] or None,
        figures=figures,
        dimensions=tuple(name for name, value in values.items() if value),
        cells=cells(row),
    )


def _cents(amount: Any) -> Decimal:
    try:
        return Decimal(str(amount)) / 100
    except InvalidOperation as error:
        raise Unusable("the cost is not a number") from error


def _sum(parts: list[int | None]) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def recognises(record: dict[str, Any]) -> bool:
    """Whether this looks like a bucket of this API."""
    return "starting_at" in record and "results" in record


def recognises_table(columns: list[str]) -> bool:
    names = set(columns)
    return "usage_date_utc" in names and bool(
        names & {"cost_usd", "usage_output_tokens", "usage_input_tokens_no_cache"}
    )
