"""The ranges a reader can choose."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from dashboard.periods import DAY_MS, HOUR_MS, MINUTE_MS, RANGES, hours_begin, period

INDIA = ZoneInfo("Asia/Kolkata")


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


@pytest.mark.parametrize("span", RANGES)
def test_no_range_is_empty_not_even_at_midnight_on_the_first(span: str) -> None:
    now = ms(2026, 3, 1)
    chosen = period(span, INDIA, now, None)
    assert chosen.start_ms <= now < chosen.end_ms


def test_a_day_with_a_clock_change_begins_at_its_own_midnight() -> None:
    berlin = ZoneInfo("Europe/Berlin")  # clocks go forward on 29 March 2026 at 2:00
    noon = ms(2026, 3, 29, 12, zone=berlin)
    chosen = period("today", berlin, noon, None)
    assert noon - chosen.start_ms == 11 * HOUR_MS


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
    assert hours_begin(ZoneInfo("Australia/Lord_Howe"), *summer) == 0
