"""When alerts fire, clear and are told: what holds for every series of readings."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.alert_machine import MINUTE_MS, STALE_AFTER_MS, Limits, State, quiet_until, step
from tests.db.team import NOON

LIMITS = Limits(Decimal(90), Decimal(80), for_ms=3 * MINUTE_MS, again_ms=None)
AGAIN = Limits(Decimal(90), Decimal(80), for_ms=0, again_ms=10 * MINUTE_MS)
AT_ONCE = Limits(Decimal(90), Decimal(80), for_ms=0, again_ms=None)

values = st.none() | st.decimals(0, 120, places=1)
in_the_band = st.decimals(80, Decimal("89.9"), places=1)
minutes = st.lists(st.tuples(values, st.booleans()), max_size=120)


@dataclass
class Story:
    """A subject, read once a minute. What was told when, by minute."""

    limits: Limits
    state: State | None = None
    minute: int = 0
    changes: list[tuple[int, str]] = field(default_factory=list)
    notices: list[tuple[int, str]] = field(default_factory=list)

    def read(self, value: Decimal | None, *, quiet: bool = False) -> None:
        self.minute += 1
        now = NOON + self.minute * MINUTE_MS
        after = step(self.limits, self.state, value, now, quiet=quiet)
        self.state = after.state
        if after.change is not None:
            self.changes.append((self.minute, after.change))
        if after.notice is not None:
            self.notices.append((self.minute, after.notice))

    @property
    def fires(self) -> bool:
        return self.state is not None and self.state.phase == "firing"


def test_it_fires_once_the_value_has_held_for_long_enough() -> None:
    story = Story(LIMITS)
    for value in (95, 95, 85, 95, 95, 95):
        story.read(Decimal(value))
    assert not story.changes
    story.read(Decimal(95))
    assert story.changes == [(7, "fired")]
    assert story.notices == [(7, "fired")]


def test_it_clears_below_its_own_threshold_and_says_so() -> None:
    story = Story(AT_ONCE)
    for value in (90, 85, 80, 79):
        story.read(Decimal(value))
    assert story.notices == [(1, "fired"), (4, "cleared")]


@given(st.lists(in_the_band, max_size=60), st.booleans())
def test_within_the_band_nothing_ever_changes(readings: list[Decimal], fired: bool) -> None:
    story = Story(AT_ONCE)
    if fired:
        story.read(Decimal(95))
    told = list(story.changes)
    for value in readings:
        story.read(value)
    assert story.changes == told


@given(minutes)
def test_firing_and_clearing_take_turns(readings: list[tuple[Decimal | None, bool]]) -> None:
    story = Story(LIMITS)
    for value, quiet in readings:
        story.read(value, quiet=quiet)
    told = [change for _, change in story.changes]
    assert told == ["fired", "cleared"] * (len(told) // 2) + ["fired"] * (len(told) % 2)


@given(minutes)
def test_a_firing_is_told_once_at_most_and_its_end_if_it_was_told(
    readings: list[tuple[Decimal | None, bool]],
) -> None:
    story = Story(AT_ONCE)
    for value, quiet in readings:
        story.read(value, quiet=quiet)
    notices = [notice for _, notice in story.notices]
    assert notices == ["fired", "cleared"] * (len(notices) // 2) + ["fired"] * (len(notices) % 2)
    for begins, change in story.changes:
        if change == "fired":
            ends = next((at for at, it in story.changes if at > begins and it == "cleared"), 1_000)
            assert [it for at, it in story.notices if begins <= at < ends] in ([], ["fired"])


@given(minutes)
def test_no_alert_goes_out_in_quiet_hours_and_what_still_fires_does_when_they_end(
    readings: list[tuple[Decimal | None, bool]],
) -> None:
    story, untold = Story(AGAIN), False
    for value, quiet in readings:
        before, fired = len(story.notices), len(story.changes)
        story.read(value, quiet=quiet)
        new = [notice for _, notice in story.notices[before:]]
        begun = [change for _, change in story.changes[fired:]] == ["fired"]
        if quiet:
            assert "fired" not in new
            assert "again" not in new
            untold = (untold or begun) and story.fires
        elif untold and story.fires:
            assert new == ["fired"], "what quiet hours held back is told"
            untold = False
        else:
            untold = False


@given(minutes)
def test_reminders_are_never_closer_than_asked_for(
    readings: list[tuple[Decimal | None, bool]],
) -> None:
    story = Story(AGAIN)
    for value, quiet in readings:
        story.read(value, quiet=quiet)
    for (before, _), (at, notice) in zip(story.notices, story.notices[1:], strict=False):
        assert notice != "again" or at - before >= 10


@given(st.lists(st.none(), max_size=30))
def test_what_is_unknown_neither_begins_nor_ends_anything(readings: list[None]) -> None:
    well, fires = Story(AT_ONCE), Story(AT_ONCE)
    fires.read(Decimal(95))
    for value in readings:
        well.read(value)
        fires.read(value)
    assert not well.changes
    assert fires.changes == [(1, "fired")]


@given(st.lists(st.none(), max_size=30))
def test_what_is_pending_and_then_unknown_holds_on_unless_it_was_for_long(
    readings: list[None],
) -> None:
    story = Story(LIMITS)
    story.read(Decimal(95))
    for value in readings:
        story.read(value)
    assert story.state is not None
    assert story.state.phase == "pending"
    story.read(Decimal(95))
    minutes_apart = len(readings) + 1
    held = LIMITS.for_ms <= minutes_apart * MINUTE_MS <= STALE_AFTER_MS
    assert story.changes == ([(story.minute, "fired")] if held else [])


def test_what_was_pending_before_a_long_gap_has_to_hold_anew() -> None:
    before = State("pending", NOON, NOON, None, Decimal(95))
    later = NOON + STALE_AFTER_MS + 1
    after = step(LIMITS, before, Decimal(95), later, quiet=False)
    assert after.change is None
    assert after.state is not None
    assert after.state.since == later


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("hours", "at", "until"),
    [
        ((22, 7), "2026-01-05 23:30", "2026-01-06 07:00"),
        ((22, 7), "2026-01-06 03:00", "2026-01-06 07:00"),
        ((22, 7), "2026-01-06 07:00", None),
        ((22, 7), "2026-01-06 21:59", None),
        ((12, 14), "2026-01-06 12:00", "2026-01-06 14:00"),
        ((12, 14), "2026-01-06 11:59", None),
        ((22, 7), "2026-03-28 23:00", "2026-03-29 07:00"),  # the clocks go forward in between
        ((22, 7), "2026-10-24 23:00", "2026-10-25 07:00"),  # and back
    ],
)
def test_quiet_hours_are_those_of_the_time_zone(
    hours: tuple[int, int], at: str, until: str | None
) -> None:
    def ms(text: str) -> int:
        return int(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp() * 1000)

    begins, ends = (hour * 60 for hour in hours)
    found = quiet_until(begins, ends, "Europe/Berlin", ms(at))
    assert found == (None if until is None else ms(until))


@given(
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
)
def test_quiet_hours_end_within_a_day_and_later_than_now(
    begins: int, ends: int, zone: str, at: datetime
) -> None:
    now = int(at.timestamp() * 1000)
    until = quiet_until(begins, ends, zone, now)
    assert until is None or now < until <= now + 25 * 60 * MINUTE_MS
