"""Of which pieces a range of usage is made up, in a ledger as it is: what there is of it, and what
retention has deleted."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from db.schema import Horizon
from db.spans import HOUR_MS, Known, Piece, Span, floor, following, pieces, signed_pieces, up
from db.usage import bounds


@dataclass(frozen=True, slots=True)
class Ends:
    """When there are requests or what they add up to; and from when on their rows are complete."""

    known: Known
    kept_from: int

    def plain(
        self, start_ms: int, end_ms: int, spans: Sequence[Span], *, keep_start: bool = False
    ) -> list[Piece]:
        """The range in pieces, in order of time, none of them taken from the others."""
        start, end = start_ms if keep_start else self.kept(start_ms), self.kept(end_ms)
        if spans and self.known[1] <= end_ms:
            end = up(self.known[1], HOUR_MS)
        return self._without_deleted(pieces(start, end, spans))

    def signed(self, start_ms: int, end_ms: int, spans: Sequence[Span]) -> list[Piece]:
        """The range in as little to read as possible, some of it taken from the others."""
        found = signed_pieces(self.kept(start_ms), self.kept(end_ms), spans, self.known)
        return self._without_deleted(found)

    def kept(self, edge_ms: int) -> int:
        """An edge of a range. Where retention has deleted requests, it is moved back to the quarter
        of an hour, which is kept of them."""
        return floor("quarter", edge_ms) if edge_ms < self.kept_from else edge_ms

    def _without_deleted(self, found: Sequence[Piece]) -> list[Piece]:
        """Of pieces of rows, those that are deleted as what is kept of them, by the quarter."""
        parts: list[Piece] = []
        for piece in found:
            if piece.span != "row":
                parts.append(piece)
                continue
            between = min(max(self.kept_from, piece.start), piece.end)
            divided = (
                piece._replace(span="quarter", end=between),
                piece._replace(start=between),
            )
            parts += [part for part in divided if part.start < part.end]
        return parts


def ends_of(connection: Connection) -> Ends:
    """Those of the ledger."""
    kept_from = connection.execute(_KEPT_FROM).scalar() or 0
    first_row, last_row, first_hour, last_hour = bounds(connection)
    first = first_hour if first_hour is not None and first_hour < kept_from else first_row
    end = 0 if last_row is None else last_row + 1
    if last_hour is not None and last_hour >= end:
        end = following("hour", last_hour)
    return Ends((0, 0) if first is None else (first, end), kept_from)


_KEPT_FROM = select(Horizon.kept_from).where(Horizon.kind == "requests")


def activity(connection: Connection) -> tuple[int | None, int | None]:
    """When the first and the last request were made; the hour of it where it is deleted."""
    first_row, last_row, first_hour, last_hour = bounds(connection)
    first = first_row
    if first_hour is not None and (first_row is None or first_hour < floor("hour", first_row)):
        first = first_hour
    return first, last_hour if last_row is None else last_row
