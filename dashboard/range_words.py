"""Days that a reader chose, as a sentence names them."""

from datetime import date, timedelta

DAY = timedelta(days=1)


def words_of_days(first: date, last: date, today: date) -> str:
    """`on 3 May 2026`, `in May 2026`, `from 3 to 17 May 2026`; `since 3 May 2026` where the last
    day is not over yet."""
    if last >= today:
        return "today" if first == today else f"since {_day(first)}"
    if first == last:
        return f"on {_day(first)}"
    after = last + DAY
    if first.day == after.day == 1 and (first.year, first.month) == (last.year, last.month):
        return f"in {first:%B %Y}"
    if (first.month, first.day) == (after.month, after.day) == (1, 1) and first.year == last.year:
        return f"in {first.year}"
    return f"from {_without_common(first, last)} to {_day(last)}"


def _without_common(first: date, last: date) -> str:
    """The first day, without the month and the year that it has in common with the last."""
    if first.year != last.year:
        return _day(first)
    return f"{first:%-d}" if first.month == last.month else f"{first:%-d %B}"


def _day(day: date) -> str:
    return f"{day:%-d %B %Y}"


def day_words(day: date | None) -> str:
    """A day that may never come."""
    return "never" if day is None else _day(day)
