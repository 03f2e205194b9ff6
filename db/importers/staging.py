"""A file of its own in which an import's records meet before the ledger sees them.

What files repeat becomes one record here, whatever their order and number, and the memory stays
small. Of a request that is told more than once the largest figures count, since logs only grow,
and the earliest time. Rows of an export's bucket add up within a file; of files that tell the same
bucket the largest figures count.
"""

import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from db.importers.record import Usage, digest

DAY_S = 86_400
_BATCH = 1000
_COUNTS = ("requests", "fresh", "cached", "written", "output", "cost")


@dataclass(slots=True)
class Staged:
    """A record as it goes to the ledger. `at` and `ends_at` in UTC epoch milliseconds; `cost` in
    10⁻¹⁰ of its currency.

    The key of a record with a `request` begins with that of the same without one, which is `vague`:
    it may be any that begins so. `former_key`: what such a record was kept under by a version that
    did not know this.
    """

    source: str
    external_key: str
    at: int
    ends_at: int | None
    grain: str | None
    person: str | None
    model: str | None
    requests: int | None
    fresh: int | None
    cached: int | None
    written: int | None
    output: int | None
    cost: int | None
    currency: str | None
    basis: str
    vague: bool
    former_key: str | None


_NAMES = [field.name for field in fields(Staged)]
_COLUMNS = [*_NAMES[:2], "file", "cells", *_NAMES[2:]]
_MAKE = f"""
    CREATE TABLE staged ({", ".join(_COLUMNS)},
        PRIMARY KEY (source, external_key, file, cells)) WITHOUT ROWID
"""
# SQLite's max() and min() of several values are NULL where one of them is.
_LARGER = ", ".join(
    f"{name} = coalesce(max({name}, excluded.{name}), {name}, excluded.{name})"
    for name in _COUNTS
    if name != "cost"
)
# A credit's cost is negative, and grows downwards.
_LARGER_COST = """cost = CASE WHEN excluded.cost IS NULL OR abs(cost) >= abs(excluded.cost)
                            THEN cost ELSE excluded.cost END"""
_EARLIER = """(excluded.at < at OR
               excluded.at = at AND coalesce(excluded.model, '') > coalesce(model, ''))"""
_MERGE = f"""
    ON CONFLICT DO UPDATE SET {_LARGER}, {_LARGER_COST},
        model = CASE WHEN {_EARLIER} THEN coalesce(excluded.model, model)
                     ELSE coalesce(model, excluded.model) END,
        person = coalesce(min(person, excluded.person), person, excluded.person),
        currency = coalesce(currency, excluded.currency),
        at = min(at, excluded.at)
"""
_ADD = f"INSERT INTO staged VALUES ({', '.join('?' * len(_COLUMNS))}) {_MERGE}"
# The first of the records whose key begins with a vague one's. Keys are hexadecimal, below "g".
_NAMED = """(SELECT min(named.external_key) FROM staged AS named
             WHERE named.source = staged.source AND named.external_key > staged.external_key
                 AND named.external_key < staged.external_key || 'g')"""
_PLACED = {"external_key": _NAMED, "vague": "0"}
_FOLD = f"""
    INSERT INTO staged SELECT {", ".join(_PLACED.get(name, name) for name in _COLUMNS)}
    FROM staged WHERE vague AND {_NAMED} IS NOT NULL {_MERGE}
"""
_FOLDED = f"DELETE FROM staged WHERE vague AND {_NAMED} IS NOT NULL"
_SUMS = ", ".join(f"sum({name}) AS {name}" for name in _COUNTS)
_LARGEST = ", ".join(
    f"CASE WHEN min({name}) < 0 THEN min({name}) ELSE max({name}) END AS {name}" for name in _COUNTS
)
_MERGED = f"""
    SELECT source, external_key, min(at) AS at, min(ends_at) AS ends_at, grain,
        min(person) AS person, min(model) AS model, {_LARGEST}, min(currency) AS currency,
        min(basis) AS basis, max(vague) AS vague, min(former_key) AS former_key
    FROM (SELECT source, external_key, file, min(at) AS at, min(ends_at) AS ends_at,
              min(grain) AS grain, min(person) AS person, min(model) AS model, {_SUMS},
              min(currency) AS currency, min(basis) AS basis, max(vague) AS vague,
              min(former_key) AS former_key
          FROM staged GROUP BY source, external_key, file)
    GROUP BY source, external_key, grain
"""


class Staging:
    """The records of one run, in a temporary file that goes with it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="breakeven-import-")
        # The page's thread may be another at each rerun; only one uses it at a time.
        self._database = sqlite3.connect(
            Path(self._folder.name) / "staged.db", isolation_level=None, check_same_thread=False
        )
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-65536"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.execute(_MAKE)
        self._waiting: list[tuple[object, ...]] = []
        self._file = 0
        self._dimensions: dict[tuple[str, str, int], set[str]] = {}

    def __enter__(self) -> "Staging":
        return self

    def __exit__(self, *_error: object) -> None:
        self._database.close()
        self._folder.cleanup()

    def add(self, source: str, usage: Usage) -> None:
        """Take in a record of the file that is being read."""
        file, cells, grain = 0, "", None
        if usage.ends_at is not None:
            file, cells = self._file, digest((usage.cells,))
            length = usage.ends_at - usage.at
            grain = f"{usage.figures} {length} {usage.at % length}"
            about = (source, grain, file)
            self._dimensions.setdefault(about, set()).update(usage.dimensions)
        external_key, former_key = _keys(source, usage)
        row = Staged(
            source,
            external_key,
            usage.at,
            usage.ends_at,
            grain,
            usage.person,
            usage.model,
            usage.requests,
            usage.fresh_input_tokens,
            usage.cached_input_tokens,
            usage.cache_write_tokens,
            usage.output_tokens,
            usage.cost,
            usage.currency,
            usage.basis,
            usage.request == "",
            former_key,
        )
        values = tuple(getattr(row, name) for name in _NAMES)
        self._waiting.append((*values[:2], file, cells, *values[2:]))
        if len(self._waiting) >= _BATCH:
            self._flush()

    def end_file(self) -> None:
        """Name the grain of the file's rows, which only its last row has made known."""
        self._flush()
        for (source, grain, file), names in self._dimensions.items():
            figures, length, start = grain.split()
            by = ", ".join(sorted(names)) or "nothing"
            whole = f"{figures} per {_words(int(length))} by {by}"
            if start != "0":  # days of another time zone overlap those of UTC
                whole += f", {_words(int(start))} late"
            self._database.execute(
                "UPDATE staged SET grain = ? WHERE source = ? AND grain = ? AND file = ?",
                (whole, source, grain, file),
            )
        self._dimensions.clear()
        self._file += 1

    def end_files(self) -> None:
        """What was told with and without its request is one."""
        for statement in (_FOLD, _FOLDED):
            self._database.execute(statement)

    def _flush(self) -> None:
        self._database.execute("BEGIN")
        self._database.executemany(_ADD, self._waiting)
        self._database.execute("COMMIT")
        self._waiting.clear()

    def count(self) -> int:
        return int(self._database.execute(f"SELECT count(*) FROM ({_MERGED})").fetchone()[0])

    def merged(self) -> Iterator[Staged]:
        """Every record once, those of one grain together. What files tell at several grains comes
        once for each."""
        query = f"SELECT * FROM ({_MERGED}) ORDER BY source, grain, at, external_key"
        for row in self._database.execute(query):
            yield Staged(*row)


def _keys(source: str, usage: Usage) -> tuple[str, str | None]:
    """`external_key` and `former_key`."""
    if usage.request is None:
        return digest((source, *usage.key)), None
    key = digest((source, *usage.key, ""))
    if usage.request == "":
        return key, None
    return key + digest((usage.request,)), digest((source, *usage.key, usage.request))


def _words(milliseconds: int) -> str:
    seconds = milliseconds // 1000
    for size, name in ((DAY_S, "day"), (3600, "hour"), (60, "minute")):
        if seconds % size == 0:
            return f"{seconds // size} {name}" + ("s" if seconds // size > 1 else "")
    return f"{seconds} seconds"
