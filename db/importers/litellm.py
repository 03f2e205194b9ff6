"""LiteLLM's spend log: the answer of `/spend/logs`, or its table LiteLLM_SpendLogs as CSV or JSONL.

A record is a request: request_id, startTime, model, prompt_tokens (cached ones included),
completion_tokens, spend in US dollars, user, end_user, cache_hit, status, metadata. Columns as in
LiteLLM's `schema.prisma` and `litellm-js/spend-logs/src/_types.ts` (github.com/BerriAI/litellm).
Its times are written in UTC, in the table without a zone (Prisma's `DateTime`).

Streamed requests are known to be logged with a spend of 0 (issues #37923, #40100): with tokens,
that is not free but unknown, unless LiteLLM answered from its own cache.
"""

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from db.importers.documents import LISTS, objects
from db.importers.reading import parsed, rows
from db.importers.record import Notes, Unusable, Usage, label, moment, money, whole

NAME = "litellm"
NAMES_PEOPLE = True
_OF_A_REQUEST = {"request_id", "spend", "prompt_tokens", "completion_tokens"}
_NO_PRICE = "cost unknown: LiteLLM logged no spend for tokens that were computed"


def read(stream: BinaryIO, notes: Notes) -> Iterator[Usage]:
    for number, row in objects(stream, notes):
        yield from _counted(row, number, notes)


def read_table(stream: BinaryIO, notes: Notes) -> Iterator[Usage]:
    for number, row in rows(stream, notes):
        yield from _counted(row, number, notes)


def _counted(row: Mapping[str, Any], number: int, notes: Notes) -> Iterator[Usage]:
    try:
        usage = _usage({name.lower(): value for name, value in row.items()})
    except Unusable as reason:
        notes.skip(str(reason), number)
        return
    if usage.cost is None:
        notes.remark(_NO_PRICE, number)
    yield usage


def _usage(row: dict[str, Any]) -> Usage:
    if "request_id" not in row and ("users" in row or "models" in row):
        raise Unusable("a day's summary, not a request: ask /spend/logs with summarize=false")
    if not _OF_A_REQUEST & set(row):
        raise Unusable(f"not a request: they are in a list, bare or named {', '.join(LISTS)}")
    told = row.get("prompt_tokens"), row.get("completion_tokens")
    prompt, output = whole(told[0], "prompt_tokens"), whole(told[1], "completion_tokens")
    if not prompt and not output:
        raise Unusable("a request without tokens, as failed ones are")
    details = _object(row.get("metadata"))
    cached, written = _cached(details)
    if (cached or 0) + (written or 0) > (prompt or 0):
        cached = written = None  # contradicts the prompt's tokens: unknown
    spend = money(row.get("spend"), "spend")
    from_cache = str(row.get("cache_hit")).strip().lower() == "true"
    at = moment(row.get("starttime"), zoneless_is_utc=True)
    return Usage(
        key=_key(row, at),
        at=at,
        basis="exact",
        person=_person(row, details),
        model=label(row.get("model")) or label(row.get("model_group")),
        requests=1,
        fresh_input_tokens=(prompt or 0) - (cached or 0) - (written or 0),
        cached_input_tokens=cached,
        cache_write_tokens=written,
        output_tokens=output,
        cost=spend if spend or from_cache else None,
        currency="USD" if spend or from_cache else None,
    )


def _key(row: dict[str, Any], at: int) -> tuple[str, ...]:
    if isinstance(row.get("request_id"), str) and row["request_id"]:
        return (row["request_id"],)
    told = ("api_key", "model", "prompt_tokens", "completion_tokens")
    return (str(at), *(str(row.get(name)) for name in told))


def _person(row: dict[str, Any], details: dict[str, Any]) -> str | None:
    names = (
        details.get("user_api_key_user_email"),
        row.get("user"),
        details.get("user_api_key_alias"),
        row.get("end_user"),
    )
    return next((found for name in names if (found := label(name))), None)


def _cached(details: dict[str, Any]) -> tuple[int | None, int | None]:
    """Input tokens read from and written to the provider's cache, where the metadata tells."""
    for name in ("usage_object", "additional_usage_values"):
        told = _object(details.get(name))
        parts = _object(told.get("prompt_tokens_details"))
        cached = told.get("cache_read_input_tokens", parts.get("cached_tokens"))
        if cached is not None:
            written = told.get("cache_creation_input_tokens")
            return whole(cached, "cached tokens"), whole(written, "cache writes")
    return None, None


def _object(value: Any) -> dict[str, Any]:
    """A JSON column: as an object, or as the text that a dump makes of it."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = parsed(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def recognises(record: dict[str, Any]) -> bool:
    """Whether this looks like a record of such a log, or a day's summary of one."""
    names = {name.lower() for name in record}
    return "spend" in names and ({"request_id", "starttime"} <= names or "models" in names)


def recognises_table(columns: list[str]) -> bool:
    return {"request_id", "spend", "starttime"} <= set(columns)
