"""The words by which a reader chooses a team, a developer, a model or an engine.

They stand in the page's address. A name that is also a word of ours, such as a team called “No
team”, gets its number behind it, so that neither hides the other.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

EVERYBODY, EVERY_TEAM, ANY_MODEL = "Everybody", "Every team", "Any model"
ANY_ENGINE, WITHOUT_TEAM = "Any engine", "No team"
Value = TypeVar("Value")


def labels(
    named: Iterable[tuple[str, Value]], reserved: Sequence[str], *, numbers: bool = True
) -> dict[str, Value]:
    """Each value by its name, or where that is reserved or taken by one with more to it."""
    rows = list(named)
    taken = {*reserved, *(name for name, _ in rows)}
    found: dict[str, Value] = {}
    for name, value in rows:
        label = name
        while label in reserved or label in found or (label != name and label in taken):
            label = f"{label} (#{value})" if numbers else f"{label} (its name)"
        found[label] = value
    return found


def label_of(found: Mapping[str, Value], value: Value) -> str | None:
    """The word for a value; None: the reader may not see it."""
    return next((label for label, each in found.items() if each == value), None)
