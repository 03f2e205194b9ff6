"""OpenAI's exports of usage and of costs: CSV of the dashboard, JSON of the Usage and Costs API.

Usage: a row a time bucket, project, user, key and model: start_time, end_time (Unix seconds),
project_id, user_id, api_key_id, model, batch, service_tier, num_model_requests, input_tokens
(cached ones included), input_cached_tokens, output_tokens. Costs: a row a bucket, project and line
item: amount_value, amount_currency, line_item (`gpt-5-mini-2025-08-07, input`). The API's buckets
(platform.openai.com/docs/api-reference/usage, schema UsageCompletionsResult) have the same names
inside `results`; their costs are `amount: {value, currency}`. Buckets without use are empty rows.

Rows that differ in what is not kept (batch, tier, a line item's input or output) add up. An amount
below 0 is a credit.
"""

from collections.abc import Iterator, Mapping
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
    seconds,
    whole,
    with_credit,
)

NAME = "openai"
NAMES_PEOPLE = True


def read_table(stream: BinaryIO, notes: Notes) -> Iterator[Usage]:
    for number, row in rows(stream, notes):
        yield from _counted(row, row, number, notes)


def read(stream: BinaryIO, notes: Notes) -> Iterator[Usage]:
    for number, bucket in objects(stream, notes):
        results = bucket.get("results", bucket.get("result"))
        if not isinstance(results, list):
            notes.skip("not a bucket of the Usage or Costs API", number)
            continue
        for result in results:
            if not isinstance(result, dict):
                notes.skip("not a result of the Usage or Costs API", number)
                continue
            yield from _counted(_flat(result), bucket, number, notes)


def _flat(result: dict[str, Any]) -> dict[str, Any]:
    """The API's result with an amount of money as the CSV writes it."""
    amount = result.get("amount")
    if not isinstance(amount, dict):
        return result
    told = {"amount_value": amount.get("value"), "amount_currency": amount.get("currency")}
    return result | told


def _counted(
    row: Mapping[str, Any], bucket: Mapping[str, Any], number: int, notes: Notes
) -> Iterator[Usage]:
    try:
        usage = _cost(row, bucket) if "amount_value" in row else _usage(row, bucket)
    except Unusable as reason:
        notes.skip(str(reason), number)
        return
    if usage is not None:
        yield with_credit(usage, notes, number)


def _usage(row: Mapping[str, Any], bucket: Mapping[str, Any]) -> Usage | None:
    requests = whole(row.get("num_model_requests"), "num_model_requests")
    if requests is None and not row.get("input_tokens"):
        return None  # a bucket without use
    whole_input = whole(row.get("input_tokens"), "input_tokens") or 0
    cached = whole(row.get("input_cached_tokens"), "input_cached_tokens")
    written = whole(row.get("input_cache_write_tokens"), "input_cache_write_tokens")
    if (cached or 0) + (written or 0) > whole_input:
        raise Unusable("more cached input than input")
    usage = _bucket(row, bucket, ("project_id", "user_id", "api_key_id", "model"), "usage")
    usage.model = label(row.get("model"))
    usage.requests = requests
    usage.fresh_input_tokens = whole_input - (cached or 0) - (written or 0)
    usage.cached_input_tokens = cached
    usage.cache_write_tokens = written
    usage.output_tokens = whole(row.get("output_tokens"), "output_tokens")
    return usage


def _cost(row: Mapping[str, Any], bucket: Mapping[str, Any]) -> Usage | None:
    amount = money(row.get("amount_value"), "amount_value", signed=True)
    if amount is None:
        return None  # a bucket without use
    currency = label(row.get("amount_currency"))
    if currency is None:
        raise Unusable("an amount without a currency")
    item = label(row.get("line_item"))
    model = None if item is None else item.rsplit(", ", 1)[0]
    named = {**row, "line_item": model, "currency": currency.upper()[:12]}
    usage = _bucket(named, bucket, ("project_id", "line_item", "currency"), "cost")
    usage.model, usage.cost, usage.currency = model, amount, named["currency"]
    usage.cells = cells(row)
    return usage


def _bucket(
    row: Mapping[str, Any], bucket: Mapping[str, Any], names: tuple[str, ...], figures: str
) -> Usage:
    """The row's time, and what identifies it: the time and what it is grouped by."""
    starts, ends = _time(bucket, "start_time"), _time(bucket, "end_time")
    if ends <= starts:
        raise Unusable("the bucket ends before it starts")
    values = {name: label(row.get(name)) or "" for name in names}
    people = (row.get("user_email"), row.get("user_name"), row.get("user_id"),
              row.get("api_key_name"), row.get("api_key_id"))  # fmt: skip
    return Usage(
        key=(figures, str(starts), str(ends), *values.values()),
        at=starts,
        ends_at=ends,
        basis="aggregate",
        person=next((found for name in people if (found := label(name))), None),
        figures=figures,
        dimensions=tuple(name for name, value in values.items() if value),
        cells=cells(row),
    )


def _time(bucket: Mapping[str, Any], name: str) -> int:
    if bucket.get(name):
        return seconds(bucket[name])
    return moment(bucket.get(f"{name}_iso"))


def recognises(record: dict[str, Any]) -> bool:
    """Whether this looks like a bucket of this API, or a result out of one."""
    return str(record.get("object")).startswith(("bucket", "organization."))


def recognises_table(columns: list[str]) -> bool:
    names = set(columns)
    timed = bool({"start_time", "start_time_iso"} & names)
    return timed and ("num_model_requests" in names or "amount_value" in names)
