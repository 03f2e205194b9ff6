"""Keeps a vendor's usage from counting twice in exports that are grouped or cut differently.

A day by model and the same day by key are the same tokens. What is there first stays; rows of
another grain in the same time clash with it.
"""

from bisect import bisect_right

from sqlalchemy import Engine, select

from db.connect import reading
from db.importers.staging import Staged
from db.schema import ImportedUsage

_LATEST = 2**63


class Spans:
    """Which times are told at which grain: on the ledger, and by the records of this run, which
    come in order of their grain and time."""

    def __init__(self, engine: Engine) -> None:
        self._told: dict[tuple[str, str], list[tuple[int, int]]] = {}
        self._known: dict[tuple[str, str, int, int], bool] = {}
        u = ImportedUsage
        query = (
            select(u.source, u.grain, u.at, u.ends_at)
            .where(u.grain.is_not(None))
            .distinct()
            .order_by(u.source, u.grain, u.at)
        )
        with reading(engine) as connection:
            for source, grain, start, end in connection.execute(query):
                _extend(self._told.setdefault((source, grain or ""), []), start, end or start)
        self._coming: dict[tuple[str, str], list[tuple[int, int]]] = {}

    def clashes(self, record: Staged) -> bool:
        """Whether a record's time is told at another grain. If not, it is told at its own now."""
        if record.grain is None or record.ends_at is None:
            return False
        about = (record.source, record.grain, record.at, record.ends_at)
        if about not in self._known:
            self._known[about] = self._is_told(*about)
            if not self._known[about]:
                coming = self._coming.setdefault((record.source, record.grain), [])
                _extend(coming, record.at, record.ends_at)
        return self._known[about]

    def _is_told(self, source: str, grain: str, at: int, ends_at: int) -> bool:
        return any(
            _overlaps(spans, at, ends_at)
            for told in (self._told, self._coming)
            for (its_source, its_grain), spans in told.items()
            if its_source == source
            and its_grain != grain
            and _figures(its_grain) == _figures(grain)
        )


def _figures(grain: str) -> str:
    """Usage or cost: an export of one does not tell the other."""
    return grain.partition(" ")[0]


def _extend(spans: list[tuple[int, int]], start: int, end: int) -> None:
    """Add a time that starts no earlier than the last one; adjoining ones become one."""
    if spans and start <= spans[-1][1]:
        spans[-1] = (spans[-1][0], max(spans[-1][1], end))
    else:
        spans.append((start, end))


def _overlaps(spans: list[tuple[int, int]], at: int, ends_at: int) -> bool:
    position = bisect_right(spans, (ends_at - 1, _LATEST)) - 1
    return position >= 0 and spans[position][1] > at
