"""Whole spans of time, and ranges made up of them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.spans import DAY_MS, Span, ceiling, floor, following, pieces

SPANS: tuple[Span, ...] = ("year", "month", "day", "hour")
YEAR_END = int(datetime(2025, 12, 31, 22, tzinfo=UTC).timestamp() * 1000)
FIRST, LAST = -5 * 366 * DAY_MS, 60 * 366 * DAY_MS  # around 1965 and 2030


def ms(*of: int) -> int:
    return int(datetime(*of, tzinfo=UTC).timestamp()) * 1000  # type: ignore[misc, arg-type]


@given(
    start=st.integers(-2 * DAY_MS, 2 * DAY_MS),
    length=st.integers(0, 5 * DAY_MS) | st.integers(0, 1_200 * DAY_MS),
)
def test_a_ranges_pieces_follow_each_other_without_gap_or_overlap(start: int, length: int) -> None:
    start += YEAR_END
    found = pieces(start, start + length, SPANS)
    at = start
    for piece in found:
        assert piece.start == at
        assert piece.end > at
        if piece.span != "row":
            assert floor(piece.span, piece.start) == piece.start
            assert ceiling(piece.span, piece.end) == piece.end
        at = piece.end
    assert at == start + length
    assert sum(piece.span == "row" for piece in found) <= 2


@given(start=st.integers(FIRST, LAST), length=st.integers(0, 2_000 * DAY_MS))
def test_what_a_whole_year_covers_is_no_part_of_a_shorter_span(start: int, length: int) -> None:
    of_years = [piece for piece in pieces(start, start + length, SPANS) if piece.span == "year"]
    first = datetime.fromtimestamp(start / 1000, UTC).year
    whole = [
        year
        for year in range(first, first + 8)
        if start <= ms(year, 1, 1) and ms(year + 1, 1, 1) <= start + length
    ]
    covered = [(ms(whole[0], 1, 1), ms(whole[-1] + 1, 1, 1))] if whole else []
    assert [(piece.start, piece.end) for piece in of_years] == covered


@given(at=st.integers(FIRST, LAST), span=st.sampled_from([*SPANS, "quarter"]))
def test_every_moment_lies_in_one_span_and_the_next_begins_where_it_ends(
    at: int, span: Span
) -> None:
    begun, after = floor(span, at), following(span, at)
    assert begun <= at < after
    assert floor(span, after - 1) == begun
    assert floor(span, after) == after == following(span, begun)


def test_months_are_those_of_the_calendar_in_utc() -> None:
    december = ms(2027, 12, 31, 23, 59)
    assert following("month", december) == ms(2028, 1, 1)
    assert floor("month", december) == ms(2027, 12, 1)
    assert following("month", ms(2028, 2, 1)) == ms(2028, 3, 1)


@pytest.mark.parametrize("year", [1969, 1970, 2023, 2024, 2025, 2100])
def test_years_are_those_of_the_calendar_in_utc(year: int) -> None:
    first, last = ms(year, 1, 1), ms(year + 1, 1, 1) - 1
    for at in (first, ms(year, 2, 28, 23, 59), ms(year, 7, 1), last):
        assert floor("year", at) == first
        assert following("year", at) == last + 1
    assert ceiling("year", first) == first
    assert ceiling("year", first + 1) == ceiling("year", last) == last + 1


def test_the_last_year_of_the_calendar_ends_too() -> None:
    assert following("year", ms(9999, 5, 1)) == following("month", ms(9999, 12, 31))
