"""The range that a range is compared with: as long, just before it, in the reader's own days."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.before import before
from dashboard.overview_figures import change_words
from dashboard.periods import RANGES, period

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 30, 9, 30, tzinfo=BERLIN)  # the clocks were changed the day before
LONG_AGO = datetime(2020, 1, 1, tzinfo=BERLIN)
OF_THE_QUARTER = "the same days of the quarter before"


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def told(span: str, now: datetime = NOW) -> tuple[str, str, str] | None:
    """From when to when, to the minute, and in words."""
    chosen = period(span, BERLIN, ms(now), ms(LONG_AGO))
    found = before(span, chosen, BERLIN, ms(LONG_AGO))
    if found is None:
        return None
    ends = [datetime.fromtimestamp(at / 1000, BERLIN) for at in (found.start_ms, found.end_ms)]
    return f"{ends[0]:%Y-%m-%d %H:%M}", f"{ends[1]:%Y-%m-%d %H:%M}", found.words


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ("hour", ("2026-03-30 07:30", "2026-03-30 08:30", "the hour before")),
        ("today", ("2026-03-29 00:00", "2026-03-29 09:30", "yesterday by this time")),
        ("yesterday", ("2026-03-28 00:00", "2026-03-29 00:00", "the day before")),
        ("week", ("2026-03-17 00:00", "2026-03-23 09:30", "the 7 days before")),
        ("thirty", ("2026-01-30 00:00", "2026-02-28 09:30", "the 30 days before")),
        # February has no 30th, so it counts to its end.
        ("month", ("2026-02-01 00:00", "2026-03-01 00:00", "all of February")),
        ("last_month", ("2026-01-01 00:00", "2026-02-01 00:00", "January 2026")),
        (
            "quarter",
            ("2025-10-01 00:00", "2025-12-30 09:30", "the same days of the quarter before"),
        ),
        ("year", ("2025-01-01 00:00", "2025-03-30 09:30", "the same days of 2025")),
        ("2026-02-10/2026-02-12", ("2026-02-07 00:00", "2026-02-10 00:00", "the 3 days before")),
        ("all", None),
    ],
)
def test_each_range_is_compared_with_as_long_a_time_just_before(
    span: str, expected: tuple[str, str, str] | None
) -> None:
    assert told(span) == expected


@pytest.mark.parametrize(
    ("span", "now", "expected"),
    [
        (
            "quarter",
            datetime(2026, 5, 31, 12, tzinfo=BERLIN),
            ("2026-01-01 00:00", "2026-03-01 00:00", "the quarter before until 28 February"),
        ),
        (
            "year",
            datetime(2028, 2, 29, 12, tzinfo=BERLIN),
            ("2027-01-01 00:00", "2027-03-01 00:00", "2027 until 28 February"),
        ),
        (  # 12 of its 42 days have begun
            "2026-11-20/2026-12-31",
            datetime(2026, 12, 1, 11, tzinfo=BERLIN),
            ("2026-11-08 00:00", "2026-11-19 11:00", "the 12 days before"),
        ),
    ],
)
def test_the_words_tell_the_time_that_is_compared(
    span: str, now: datetime, expected: tuple[str, str, str]
) -> None:
    assert told(span, now) == expected


def test_the_first_of_a_month_is_compared_with_the_first_of_the_month_before() -> None:
    first = datetime(2026, 12, 1, 4, 20, tzinfo=BERLIN)
    assert told("month", first) == (
        "2026-11-01 00:00",
        "2026-11-01 04:20",
        "the same days of November",
    )


@pytest.mark.parametrize("span", RANGES)
def test_a_range_before_which_there_was_nothing_is_compared_with_nothing(span: str) -> None:
    began = ms(datetime(2026, 3, 30, 8, 0, tzinfo=BERLIN))
    chosen = period(span, BERLIN, ms(NOW), began)
    assert before(span, chosen, BERLIN, began) is None


def test_a_day_is_not_compared_with_one_in_which_the_ledger_began() -> None:
    for span, hour in (("today", 17), ("yesterday", 17)):
        began = ms(datetime(2026, 3, 29 if span == "today" else 28, hour, tzinfo=BERLIN))
        chosen = period(span, BERLIN, ms(NOW), began)
        assert before(span, chosen, BERLIN, began) is None


@given(
    st.sampled_from([span for span in RANGES if span != "all"]),
    st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(BERLIN)),
)
def test_it_never_reaches_into_the_range_nor_past_now(span: str, now: datetime) -> None:
    chosen = period(span, BERLIN, ms(now), ms(LONG_AGO))
    found = before(span, chosen, BERLIN, ms(LONG_AGO))
    assert found is not None
    assert found.start_ms < found.end_ms
    assert found.start_ms < chosen.start_ms
    assert found.end_ms <= chosen.start_ms


@pytest.mark.parametrize(
    ("now", "then", "words"),
    [
        (88, 100, "12% less than the 30 days before"),
        (112, 100, "12% more than the 30 days before"),
        (100.2, 100, "about the same as the 30 days before"),
        (100, 100, "the same as the 30 days before"),
        (1_200, 100, "12 times the 30 days before"),
        (5, 0, "none in the 30 days before"),
        (0, 0, "none in the 30 days before either"),
        (0, 100, "100% less than the 30 days before"),
    ],
)
def test_a_change_is_told_in_words(now: float, then: float, words: str) -> None:
    assert change_words(now, then, "the 30 days before") == words
