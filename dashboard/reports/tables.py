"""What an export is made of, whatever its format: columns of a kind each, and rows in batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

# `text` repeats itself from row to row, an `id` does not. `moment` and `second` are UTC epoch
# milliseconds, told to the millisecond and to the second. None is unknown in every kind.
Kind = Literal["text", "id", "whole", "number", "decimal", "moment", "second", "flag"]
DIGITS = 10  # after the point, at most, of a `decimal`

Cells = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: Kind
    about: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows, and up to which time (UTC epoch milliseconds) the range is told with them."""

    rows: Sequence[Cells]
    until_ms: int


@dataclass(frozen=True, slots=True)
class Table:
    """`batches` is read once, while the file is written."""

    columns: Sequence[Column]
    batches: Iterator[Batch]
