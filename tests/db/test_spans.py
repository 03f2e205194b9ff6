"""Whole spans of time, and ranges made up of them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.spans import (
    DAY_MS,
    HOUR_MS,
    Piece,
    Span,
    ceiling,
    floor,
    following,
    pieces,
    signed_pieces,
)

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


ranges = st.tuples(
    st.integers(-800 * DAY_MS, 800 * DAY_MS)
    | st.integers(-800 * 24, 800 * 24).map(HOUR_MS.__mul__),
    st.integers(1, 3 * DAY_MS) | st.integers(1, 800 * 24).map(HOUR_MS.__mul__),
).map(lambda it: (YEAR_END + it[0], YEAR_END + it[0] + it[1]))
lengths = st.sampled_from([SPANS, ("day", "hour"), ("hour",), ()])


@given(asked=ranges, known=ranges, spans=lengths)
def test_signed_pieces_count_every_known_moment_of_the_range_once_and_no_other(
    asked: tuple[int, int], known: tuple[int, int], spans: tuple[Span, ...]
) -> None:
    found = signed_pieces(*asked, spans, known)
    for piece in found:
        if piece.span != "row":
            assert floor(piece.span, piece.start) == piece.start < piece.end
            assert floor(piece.span, piece.end) == piece.end
    ends = {*asked, *known, *(at for piece in found for at in (piece.start, piece.end))}
    for end in ends:
        for at in (end - 1, end):
            if known[0] <= at < known[1]:
                times = sum(piece.sign for piece in found if piece.start <= at < piece.end)
                assert times == (asked[0] <= at < asked[1])


def count(found: list[Piece], known: tuple[int, int]) -> float:
    """How many spans of these touch what is known; an hour of rows is as much as two."""
    total = 0.0
    for span, start, end, _ in found:
        if span == "row":
            total += 2 * max(0, min(end, known[1]) - max(start, known[0])) / HOUR_MS
            continue
        while start < end:
            after = following(span, start)
            total += after > known[0] and start < known[1]
            start = after
    return total


@given(asked=ranges, known=ranges, spans=lengths)
def test_signed_pieces_are_never_more_to_read_than_those_that_only_add_up(
    asked: tuple[int, int], known: tuple[int, int], spans: tuple[Span, ...]
) -> None:
    signed, plain = signed_pieces(*asked, spans, known), pieces(*asked, spans)
    assert count(signed, known) <= count(plain, known) + 1e-9


def test_a_month_of_berlin_is_that_of_utc_less_what_is_not_of_it() -> None:
    start, end = ms(2026, 3, 31, 22), ms(2026, 4, 30, 22)
    found = signed_pieces(start, end, SPANS, (ms(2025, 1, 1), ms(2027, 1, 1)))
    assert sorted(found) == [
        Piece("hour", start, ms(2026, 4, 1)),
        Piece("hour", end, ms(2026, 5, 1), -1),
        Piece("month", ms(2026, 4, 1), ms(2026, 5, 1)),
    ]


def test_a_range_of_all_that_there_is_is_its_years() -> None:
    known = (ms(2025, 5, 1, 10, 7), ms(2026, 9, 1, 3, 1))
    assert signed_pieces(*known, SPANS, known) == [Piece("year", ms(2025, 1, 1), ms(2027, 1, 1))]
