"""Claude Code's own log of a session: `~/.claude/projects/**/*.jsonl`, sub-agents' files included.

A line is an event; `type: assistant` carries the API's answer in `message`, with its `usage`.
Format as read by ccusage (github.com/ccusage/ccusage, its Claude adapter) and told in its issues:

- #888, #901: an answer is logged several times while it streams, with the same `message.id` and
  `requestId` and a growing `output_tokens`; the largest is the answer's. #985: behind other
  providers there is no `requestId`. The same answer may be logged once with it and once without
  (github.com/xiufengsun/TokenTracker, #65): what has none is the answer's of the same `message.id`.
- A resumed session begins with a copy of what it goes on from, and a sub-agent's answers are in a
  file of its own (`<session>/subagents/agent-*.jsonl`): the two ids tell what is the same.
- #866: the log keeps early values of the stream, and output lacks thinking, so output is far too
  low, and input often a placeholder. Hence all of it is a lower bound.

Neither prompts nor paths are kept. The log does not say who the person is.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

from db.importers.reading import lines, parsed
from db.importers.record import Notes, Unusable, Usage, label, moment, money, whole

NAME = "claude-code"
NAMES_PEOPLE = False


def read(stream: BinaryIO, notes: Notes) -> Iterator[Usage]:
    for number, line in lines(stream, notes):
        text = line.strip()
        if not text:
            continue
        if not (text.startswith(b"{") and text.endswith(b"}")):
            notes.skip("not valid JSON", number)
            continue
        if b'"usage"' not in text or b'"assistant"' not in text:
            continue  # most of a log: prompts, tools and their output
        try:
            event = parsed(text)
        except ValueError:
            notes.skip("not valid JSON", number)
            continue
        try:
            if (usage := _usage(event)) is not None:
                yield usage
        except Unusable as reason:
            notes.skip(str(reason), number)


def _usage(event: Any) -> Usage | None:
    """The answer that an event carries; None for an event that is none."""
    if not isinstance(event, dict) or event.get("type") != "assistant":
        return None
    message = event.get("message")
    counts = message.get("usage") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(counts, dict):
        return None
    if event.get("isApiErrorMessage") is True:
        raise Unusable("an error message, not an answer")
    if message.get("model") == "<synthetic>":
        raise Unusable("made by Claude Code itself, not by a model")
    at = moment(event.get("timestamp"))
    key, request = _identity(event, message, at)
    return Usage(
        key=key,
        request=request,
        at=at,
        basis="lower bound",
        model=label(message.get("model")),
        requests=1,
        fresh_input_tokens=whole(counts.get("input_tokens"), "input_tokens"),
        cached_input_tokens=whole(counts.get("cache_read_input_tokens"), "cache_read_input_tokens"),
        cache_write_tokens=whole(
            counts.get("cache_creation_input_tokens"), "cache_creation_input_tokens"
        ),
        output_tokens=whole(counts.get("output_tokens"), "output_tokens"),
        cost=money(event.get("costUSD"), "costUSD"),
        currency=None if event.get("costUSD") is None else "USD",
    )


def _identity(
    event: dict[str, Any], message: dict[str, Any], at: int
) -> tuple[tuple[str, ...], str | None]:
    """`key` and `request` of a record."""
    answer, request = message.get("id"), event.get("requestId")
    if isinstance(answer, str):
        return ("answer", answer), request if isinstance(request, str) else ""
    return ("line", str(event.get("uuid") or event.get("sessionId")), str(at)), None


def recognises(event: dict[str, Any]) -> bool:
    """Whether this looks like a line of such a log."""
    kinds = ("assistant", "user", "system", "summary", "file-history-snapshot", "progress")
    marks = ("sessionId", "parentUuid", "leafUuid", "isSidechain", "requestId", "messageId")
    return event.get("type") in kinds and any(mark in event for mark in marks)
