"""Codex CLI's own log of a session: `~/.codex/sessions/**/rollout-*.jsonl`.

A line has `type` and `payload`. `event_msg` of type `token_count` comes after each answer:
`info.last_token_usage` is that answer's, `info.total_token_usage` the session's so far; cached
input is part of the input, reasoning part of the output. `turn_context` names the model,
`session_meta` the session. Format as read by ccusage (github.com/ccusage/ccusage, apps/codex) and
told in its issues:

- #1288: an event is repeated with an unchanged total when the screen or a limit is refreshed.
- #897, #1237, #1370: a forked session's log begins with its parent's events, at new times. They
  are known by their figures: an event is identified by its total and its last usage together. The
  first of a session, whose two are equal, might be equal by chance to that of another: it is
  identified by its session too, in a fork the parent.
- Where there is no `last_token_usage`, as in old sessions, what the total grew by is counted.

A log is read from its beginning: a file that begins in the middle has neither model nor session.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from db.importers.reading import lines, parsed
from db.importers.record import Notes, Unusable, Usage, label, moment, whole

NAME = "codex"
NAMES_PEOPLE = False
_MARKS = (b'"token_count"', b'"turn_context"', b'"session_meta"')
_PARTS = ("input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens")

Counts = tuple[int, int, int, int]


@dataclass(slots=True)
class _Session:
    scope: str = ""
    model: str | None = None
    total: Counts | None = None


def read(stream: BinaryIO, notes: Notes) -> Iterator[Usage]:
    session = _Session()
    for number, line in lines(stream, notes):
        text = line.strip()
        if not text:
            continue
        if not (text.startswith(b"{") and text.endswith(b"}")):
            notes.skip("not valid JSON", number)
            continue
        if not any(mark in text for mark in _MARKS):
            continue  # most of a log: prompts, tools and their output
        try:
            event = parsed(text)
        except ValueError:
            notes.skip("not valid JSON", number)
            continue
        try:
            usage = _usage(event, session)
        except Unusable as reason:
            notes.skip(str(reason), number)
            continue
        if usage is not None:
            if usage.model is None:
                notes.remark("the model is unknown: the log does not name it", number)
            yield usage


def _usage(event: Any, session: _Session) -> Usage | None:
    """The answer that an event tells of; None for one that tells none, or nothing new."""
    payload = event.get("payload") if isinstance(event, dict) else None
    if not isinstance(payload, dict):
        return None
    if event.get("type") == "session_meta":
        _meet(session, payload)
    elif event.get("type") == "turn_context":
        session.model = label(payload.get("model")) or session.model
    if event.get("type") != "event_msg" or payload.get("type") != "token_count":
        return None
    info = payload.get("info")
    if not isinstance(info, dict):
        return None  # an event about limits alone
    total, last = _counts(info.get("total_token_usage")), _counts(info.get("last_token_usage"))
    at = moment(event.get("timestamp"))
    before, session.total = session.total, total or session.total
    if total is not None and total == before:
        return None
    if last is None:
        last = _growth(total, before)
    if last is None or not any(last):
        return None
    return _of(last, total, at, session)


def _of(last: Counts, total: Counts | None, at: int, session: _Session) -> Usage:
    numbers = [str(count) for count in (*(total or ()), *last)]
    if total is None:
        key = ("untotalled", session.scope, str(at), *numbers)
    elif total == last:
        key = ("first", session.scope, *numbers)
    else:
        key = ("later", *numbers)
    whole_input, cached, written, output = last
    if cached + written > whole_input:
        raise Unusable("more cached input than input")
    return Usage(
        key=key,
        at=at,
        basis="exact",
        model=session.model,
        requests=1,
        fresh_input_tokens=whole_input - cached - written,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        output_tokens=output,
    )


def _meet(session: _Session, payload: dict[str, Any]) -> None:
    """The session, or that which it was forked from: the last one named before the first event."""
    if session.total is None:
        parents = (payload.get("forked_from_id"), payload.get("parent_thread_id"))
        own = payload.get("id")
        session.scope = str(next((one for one in parents if isinstance(one, str)), own))


def _counts(usage: Any) -> Counts | None:
    if not isinstance(usage, dict):
        return None
    found = [whole(usage.get(part), part) or 0 for part in _PARTS]
    return (found[0], found[1], found[2], found[3])


def _growth(total: Counts | None, before: Counts | None) -> Counts | None:
    """What was added since; all of it where the counter began anew."""
    if total is None or before is None:
        return total
    grown = [now - then for now, then in zip(total, before, strict=True)]
    return total if min(grown) < 0 else (grown[0], grown[1], grown[2], grown[3])


def recognises(event: dict[str, Any]) -> bool:
    """Whether this looks like a line of such a log."""
    kinds = ("session_meta", "turn_context", "event_msg", "response_item", "compacted")
    return event.get("type") in kinds and isinstance(event.get("payload"), dict)
