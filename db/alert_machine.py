"""When an alert fires, when it clears and when people are told. Pure: no database, no clock.

            value ≥ threshold              … for long enough
    (well) ───────────────────▶ pending ─────────────────────▶ firing
       ▲                           │ below the threshold          │ below `clears_at`
       └───────────────────────────┴──────────────────────────────┘

Between `clears_at` and the threshold nothing changes while it fires, so a value that trembles
around the threshold tells people once. A value that is unknown begins nothing and ends nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from db.schema.alerts import NoticeKind, Phase

MINUTE_MS = 60_000
# Without a reading for so long, what was pending has to hold anew, and what fired is gone.
STALE_AFTER_MS = 5 * MINUTE_MS

Change = Literal["fired", "cleared"]


@dataclass(frozen=True, slots=True)
class Limits:
    """A rule, as the machine needs it. `again_ms` None: people are told once."""

    threshold: Decimal
    clears_at: Decimal
    for_ms: int
    again_ms: int | None


@dataclass(frozen=True, slots=True)
class State:
    """What a subject is at; being well has no state. As `db.schema.AlertState` has it."""

    phase: Phase
    since: int
    seen_at: int
    told_at: int | None
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class Step:
    """What comes of one reading. `change` is told on the page at once; `notice` is sent, once the
    quiet hours are over if there are any."""

    state: State | None
    change: Change | None = None
    notice: NoticeKind | None = None


def step(
    limits: Limits, state: State | None, value: Decimal | None, now: int, *, quiet: bool
) -> Step:
    """The next state after a reading at `now` (UTC epoch milliseconds, after the last one)."""
    if state is None or state.phase == "pending":
        return _well(limits, state, value, now, quiet=quiet)
    if value is not None and value < limits.clears_at:
        told = state.told_at is not None
        return Step(None, "cleared", "cleared" if told else None)
    seen = replace(state, seen_at=now, value=state.value if value is None else value)
    notice = None if quiet else _due(limits, state, now)
    return Step(seen if notice is None else replace(seen, told_at=now), None, notice)


def _well(
    limits: Limits, state: State | None, value: Decimal | None, now: int, *, quiet: bool
) -> Step:
    """Until it fires."""
    if value is None:
        return Step(state)  # not seen: what is unknown for long has to hold anew
    if value < limits.threshold:
        return Step(None)
    since = now if state is None or now - state.seen_at > STALE_AFTER_MS else state.since
    if now - since < limits.for_ms:
        return Step(State("pending", since, now, None, value))
    fires = State("firing", now, now, None if quiet else now, value)
    return Step(fires, "fired", None if quiet else "fired")


def _due(limits: Limits, state: State, now: int) -> NoticeKind | None:
    """What people are to be told of something that still fires."""
    if state.told_at is None:
        return "fired"
    if limits.again_ms is not None and now - state.told_at >= limits.again_ms:
        return "again"
    return None


def quiet_until(begins: int | None, ends: int | None, timezone: str, now: int) -> int | None:
    """When the quiet hours end that `now` is in; None: it is in none. `begins` and `ends` are
    minutes of the day there; the hours may go over midnight."""
    if begins is None or ends is None:
        return None
    local = datetime.fromtimestamp(now / 1000, ZoneInfo(timezone))
    minute = local.hour * 60 + local.minute
    over_midnight = begins > ends
    within = minute >= begins or minute < ends if over_midnight else begins <= minute < ends
    if not within:
        return None
    day = local.date() + timedelta(days=1 if over_midnight and minute >= begins else 0)
    end = datetime.combine(day, time(ends // 60, ends % 60), ZoneInfo(timezone))
    # An end within the hour that comes twice is the first one, which may be over already.
    return max(int(end.timestamp() * 1000), now + MINUTE_MS)
