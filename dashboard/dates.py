"""Days as readers choose them, in their own time zone."""

from datetime import UTC, date, datetime, time

from dashboard import data


def midnight(day: date | None) -> int | None:
    """The start of a day where the reader is, in UTC epoch milliseconds; None: not chosen."""
    if day is None:
        return None
    begins = datetime.combine(day, time(), data.timezone())
    return int(begins.astimezone(UTC).timestamp() * 1000)
