"""Reads 24 carbon intensities, one for each hour of the day, as people write or export them."""

import csv
import re

from db.errors import InvalidInput

HOURS = 24
HEADER = ("hour", "g_per_kwh")


def parse_hours(text: str) -> list[float]:
    """24 figures from 0:00 to 23:00, from either form:

    numbers alone, separated by spaces, commas or lines; or CSV with the header `hour,g_per_kwh` and
    a row for each hour from 0 to 23, in any order. InvalidInput says what is wrong.
    """
    text = text.lstrip("\ufeff").strip()
    lines = [line for line in text.splitlines() if line.strip()]
    if lines and lines[0].lower().replace(" ", "").startswith("hour"):
        return _from_csv(lines)
    numbers = [_number(word) for word in re.split(r"[\s,;]+", text) if word]
    if len(numbers) != HOURS:
        raise InvalidInput(
            "by_hour",
            f"There are {len(numbers)} figures; a day has {HOURS} hours, the first from 0:00 UTC.",
        )
    return numbers


def _from_csv(lines: list[str]) -> list[float]:
    rows = [[cell.strip() for cell in row] for row in csv.reader(lines)]
    if tuple(cell.lower() for cell in rows[0]) != HEADER:
        raise InvalidInput("by_hour", "The file's first line must be hour,g_per_kwh.")
    found: dict[int, float] = {}
    for row in rows[1:]:
        if len(row) != len(HEADER) or not row[0].isdecimal() or int(row[0]) >= HOURS:
            raise InvalidInput(
                "by_hour", f"A row is an hour from 0 to 23 and a figure, such as 13,210: {row}"
            )
        if int(row[0]) in found:
            raise InvalidInput("by_hour", f"Hour {int(row[0])} stands there twice.")
        found[int(row[0])] = _number(row[1])
    if missing := sorted(set(range(HOURS)) - set(found)):
        raise InvalidInput("by_hour", f"No figure for hour {', '.join(map(str, missing))}.")
    return [found[hour] for hour in range(HOURS)]


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError as error:
        raise InvalidInput("by_hour", f"{word!r} is not a number.") from error
