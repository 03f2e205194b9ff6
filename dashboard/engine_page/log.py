"""The live log in words. Names come from outside: the page shows them as text and nothing else."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from dashboard import formats
from db.ids import id_to_text
from engine.api.activity import LogEntry
from engine.api.events import (
    EngineState,
    RequestBegun,
    RequestFinished,
    RequestRefused,
    RequestStarted,
    UpstreamChanged,
)

SHOWN = 80

_ENDS = {"ok": "finished", "error": "failed"}


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    time: str
    kind: str
    words: str


def lines(log: list[LogEntry], zone: ZoneInfo) -> list[Line]:
    """The newest, newest first."""
    return [_line(entry, zone) for entry in reversed(log[-SHOWN:])]


def _line(entry: LogEntry, zone: ZoneInfo) -> Line:
    kind, words = _told(entry)
    if entry.times > 1:
        words += f", {entry.times:,} times in a row"
    time = formats.local_time(entry.at_ms, zone).partition(" ")[2]
    return Line(entry.number, time, kind, words)


def _told(entry: LogEntry) -> tuple[str, str]:
    match entry.event:
        case RequestStarted() as event:
            number, model = formats.count(event.input_tokens), event.model
            request = id_to_text(event.request_id)
            return "admitted", f"{event.developer_name}: {number} prompt tokens, {model}, {request}"
        case RequestBegun() as event:
            waited = ""
            if event.queue_ms is not None:
                waited = f", {formats.duration(event.queue_ms)} of it in the queue"
            took = formats.duration(event.ttft_ms)
            return "begun", f"{event.developer_name}: first token after {took}{waited}"
        case RequestFinished() as event:
            return _ENDS.get(event.status, event.status), _ended(event)
        case RequestRefused() as event:
            who = ", ".join(filter(None, (event.developer_name, event.client)))
            words = f"{event.status} {event.error_type} at {event.endpoint or 'no address of ours'}"
            return "refused", f"{words} ({who})" if who else words
        case UpstreamChanged() as event:
            return "upstream", f"{event.url}: {event.problem or 'It answers.'}"
        case EngineState() as event:
            return "engine", event.message or f"The model is {event.name}."


def _ended(event: RequestFinished) -> str:
    parts = [f"{formats.count(event.output_tokens)} answer tokens"]
    if event.cached_input_tokens:
        cached = formats.count(event.cached_input_tokens)
        parts.append(f"{cached} of {formats.count(event.input_tokens)} prompt tokens from cache")
    if event.error_type:
        parts.insert(0, event.error_type)
    took = formats.duration(event.duration_ms)
    return f"{event.developer_name}: {', '.join(parts)}, in {took}"
