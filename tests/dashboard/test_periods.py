"""The ranges a reader can choose: named ones, and own dates."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.periods import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    RANGES,
    hours_begin,
    own_dates,
    own_days,
    period,
    require_range,
)
from dashboard.range_words import words_of_days
from db.errors import InvalidInput

INDIA = ZoneInfo("Asia/Kolkata")
BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # its clocks are changed by half an hour
DAY = timedelta(days=1)
TODAY = date(2026, 11, 30)


def ms(*when: int, zone: ZoneInfo = INDIA) -> int:
    return int(datetime(*when, tzinfo=zone).timestamp() * 1000)  # type: ignore[misc,arg-type]


def test_today_begins_at_the_readers_midnight() -> None:
    chosen = period("today", INDIA, ms(2026, 3, 5, 9, 30), None)
    assert chosen.start_ms == ms(2026, 3, 5)


def test_the_month_begins_at_its_first_day_and_is_called_by_name() -> None:
    chosen = period("month", INDIA, ms(2026, 3, 15, 9, 30), ms(2025, 1, 1))
    assert chosen.start_ms == ms(2026, 3, 1)
    assert (chosen.words, chosen.bucket_words()) == ("in March", "per 3 hours")


def test_the_month_in_which_it_all_began_is_shown_from_that_day() -> None:
    chosen = period("month", INDIA, ms(2026, 3, 15, 9, 30), ms(2026, 3, 15, 8, 0))
    assert chosen.start_ms == ms(2026, 3, 15)
    assert (chosen.words, chosen.bucket_words()) == ("in March", "per 15 minutes")


def test_the_last_hour_is_cut_into_half_minutes() -> None:
    now = ms(2026, 3, 5, 9, 30)
    chosen = period("hour", INDIA, now, None)
    assert now - HOUR_MS - 30_000 <= chosen.start_ms <= now - HOUR_MS
    assert chosen.bucket_words() == "per 30 seconds"


@pytest.mark.parametrize(
    ("days", "bucket"),
    [(1, "per 15 minutes"), (3, "per hour"), (90, "per day"), (1_000, "per 7 days")],
)
def test_everything_is_cut_into_few_enough_buckets(days: int, bucket: str) -> None:
    now = ms(2026, 3, 5)
    chosen = period("all", INDIA, now, now - days * DAY_MS)
    assert chosen.bucket_words() == bucket
    assert (chosen.end_ms - chosen.start_ms) / chosen.bucket_ms < 500


@pytest.mark.parametrize(
    ("span", "first", "before", "words"),
    [
        ("yesterday", (2026, 3, 4), (2026, 3, 5), "yesterday"),
        ("last_month", (2026, 2, 1), (2026, 3, 1), "in February 2026"),
    ],
)
def test_a_range_that_is_over_ends_where_its_last_day_does(
    span: str, first: tuple[int, ...], before: tuple[int, ...], words: str
) -> None:
    chosen = period(span, INDIA, ms(2026, 3, 5, 9, 30), ms(2025, 1, 1))
    assert (chosen.start_ms, chosen.end_ms) == (ms(*first), ms(*before))
    assert (chosen.ended, chosen.words) == (True, words)


@pytest.mark.parametrize(
    ("span", "first", "words"),
    [
        ("week", (2026, 4, 29), "in the last 7 days"),
        ("thirty", (2026, 4, 6), "in the last 30 days"),
        ("quarter", (2026, 4, 1), "since 1 April 2026"),
        ("year", (2026, 1, 1), "in 2026"),
    ],
)
def test_a_range_that_goes_on_ends_now(span: str, first: tuple[int, ...], words: str) -> None:
    now = ms(2026, 5, 5, 9, 30)
    chosen = period(span, INDIA, now, ms(2025, 1, 1))
    assert (chosen.start_ms, chosen.end_ms) == (ms(*first), now + 1)
    assert (chosen.ended, chosen.words) == (False, words)


@pytest.mark.parametrize("span", RANGES)
def test_no_range_is_empty_not_even_at_midnight_on_the_first(span: str) -> None:
    now = ms(2026, 3, 1)
    chosen = period(span, INDIA, now, None)
    assert chosen.start_ms < chosen.end_ms
    assert chosen.ended == (not chosen.start_ms <= now < chosen.end_ms)


def test_a_day_with_a_clock_change_begins_at_its_own_midnight() -> None:
    noon = ms(2026, 3, 29, 12, zone=BERLIN)  # clocks go forward at 2:00
    chosen = period("today", BERLIN, noon, None)
    assert noon - chosen.start_ms == 11 * HOUR_MS


ZONES = st.sampled_from([BERLIN, INDIA, LORD_HOWE])
DAYS = st.dates(date(2024, 1, 1), date(2026, 11, 20))


@given(zone=ZONES, first=DAYS, length=st.integers(0, 400))
def test_own_dates_are_made_up_of_their_days(zone: ZoneInfo, first: date, length: int) -> None:
    now = ms(2028, 1, 1)
    days = [first + number * DAY for number in range(length + 1)]
    whole = period(f"{first}/{days[-1]}", zone, now, 0)
    parts = [period(f"{day}/{day}", zone, now, 0) for day in days]
    assert (parts[0].start_ms, parts[-1].end_ms) == (whole.start_ms, whole.end_ms)
    assert all(before.end_ms == after.start_ms for before, after in pairwise(parts))


@given(zone=ZONES, first=DAYS, at=st.integers(0, 26 * HOUR_MS))
def test_a_moment_is_in_the_own_date_that_its_clock_shows(
    zone: ZoneInfo, first: date, at: int
) -> None:
    chosen = period(f"{first}/{first}", zone, ms(2028, 1, 1), 0)
    moment = datetime.fromtimestamp((chosen.start_ms + at) / 1000, UTC).astimezone(zone)
    assert (chosen.start_ms + at < chosen.end_ms) == (moment.date() == first)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (BERLIN, "2026-03-29", 23),
        (BERLIN, "2026-10-25", 25),
        (LORD_HOWE, "2026-04-05", 24.5),
        (LORD_HOWE, "2026-10-04", 23.5),
        (INDIA, "2026-03-29", 24),
    ],
)
def test_a_day_of_a_clock_change_is_as_long_as_it_was(
    zone: ZoneInfo, day: str, hours: float
) -> None:
    chosen = period(f"{day}/{day}", zone, ms(2028, 1, 1), 0)
    assert chosen.end_ms - chosen.start_ms == hours * HOUR_MS


def test_own_dates_that_reach_today_go_on() -> None:
    now = ms(2026, 3, 5, 9, 30)
    for last in ("2026-03-05", "2026-12-31"):
        chosen = period(f"2026-03-02/{last}", INDIA, now, ms(2025, 1, 1))
        assert (chosen.start_ms, chosen.end_ms) == (ms(2026, 3, 2), now + 1)
        assert (chosen.ended, chosen.words) == (False, "since 2 March 2026")


def test_own_dates_from_before_anything_was_used_begin_with_that_but_keep_their_name() -> None:
    now, first = ms(2026, 6, 5), ms(2026, 5, 10, 12)
    chosen = period("2026-05-03/2026-05-17", INDIA, now, first)
    assert (chosen.start_ms, chosen.words) == (ms(2026, 5, 10), "from 3 to 17 May 2026")
    before = period("2026-04-03/2026-04-17", INDIA, now, first)
    assert before.start_ms == ms(2026, 4, 3)


def test_even_the_longest_range_is_cut_into_few_enough_buckets() -> None:
    chosen = period("1970-01-02/2999-12-30", INDIA, ms(2028, 1, 1), None)
    assert (chosen.end_ms - chosen.start_ms) / chosen.bucket_ms < 1_000


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("2026-05-03", "2026-05-17", "from 3 to 17 May 2026"),
        ("2026-04-28", "2026-05-03", "from 28 April to 3 May 2026"),
        ("2025-12-30", "2026-01-02", "from 30 December 2025 to 2 January 2026"),
        ("2026-05-03", "2026-05-03", "on 3 May 2026"),
        ("2026-05-01", "2026-05-31", "in May 2026"),
        ("2025-12-01", "2025-12-31", "in December 2025"),
        ("2025-01-01", "2025-12-31", "in 2025"),
        ("2025-05-01", "2026-05-31", "from 1 May 2025 to 31 May 2026"),
        ("2026-05-03", "2026-11-30", "since 3 May 2026"),
        ("2026-11-30", "2026-11-30", "today"),
    ],
)
def test_own_dates_read_well_in_a_sentence(first: str, last: str, words: str) -> None:
    assert words_of_days(date.fromisoformat(first), date.fromisoformat(last), TODAY) == words


@given(first=DAYS, length=st.integers(0, 400))
def test_own_dates_are_read_as_they_are_written(first: date, length: int) -> None:
    last = first + length * DAY
    assert own_days(own_dates(first, last, date(2028, 1, 1))) == (first, last)


@pytest.mark.parametrize(
    ("span", "why"),
    [
        ("fortnight", "There is no range named 'fortnight'."),
        ("2026-13-01/2026-05-17", "There is no range named"),
        ("2026-05-17/2026-05-03", "begins on 2026-05-17, after its last day, 2026-05-03"),
        ("2026-12-01/2026-12-24", "begins on 2026-12-01, which is still to come"),
        ("1969-12-01/2026-05-03", "lies between 1970-01-02 and 2999-12-30"),
    ],
)
def test_what_is_no_range_is_refused_with_the_reason(span: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        require_range(span, TODAY)


@pytest.mark.parametrize(
    ("zone", "minutes"),
    [
        ("UTC", 0),
        ("America/Los_Angeles", 0),
        ("Asia/Kolkata", 30),  # 5 h 30 min ahead
        ("Asia/Kathmandu", 15),  # 5 h 45 min
        ("America/St_Johns", 30),  # 3 h 30 min behind, and 2 h 30 min in summer
        ("Australia/Lord_Howe", None),  # 11 h, and 10 h 30 min in winter
    ],
)
def test_how_long_after_utcs_a_zones_hours_begin(zone: str, minutes: int | None) -> None:
    year = ms(2025, 12, 1), ms(2026, 12, 1)
    begin = hours_begin(ZoneInfo(zone), *year)
    assert begin == (None if minutes is None else minutes * MINUTE_MS)


def test_lord_howe_islands_hours_are_utcs_in_its_summer() -> None:
    summer = ms(2025, 12, 1), ms(2026, 2, 1)
    assert hours_begin(LORD_HOWE, *summer) == 0
