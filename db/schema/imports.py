"""Usage that a team had before, or elsewhere: told by files, never metered here.

It is kept apart from `requests`: what the gateway counted and what a file claims never add up in
one figure unnoticed.
"""

from decimal import Decimal
from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.base import Base, Id

ImportBasis = Literal["exact", "lower bound", "aggregate"]
IMPORT_BASES = ("exact", "lower bound", "aggregate")


class Import(Base):
    """One run of an import. `finished_at` NULL: it was interrupted, and has added what it says.

    `sources` and `files` are lists joined by commas, of files the base names alone. `read` counts
    records in the files, repeats included. `detail` is JSON: what was skipped and why, what is
    remarkable, each with its count and the first places.
    """

    __tablename__ = "imports"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[int]
    finished_at: Mapped[int | None]
    undone_at: Mapped[int | None]
    actor: Mapped[str]
    sources: Mapped[str]
    files: Mapped[str]
    read: Mapped[int]
    added: Mapped[int]
    updated: Mapped[int]
    unchanged: Mapped[int]
    skipped: Mapped[int]
    detail: Mapped[str]


class ImportedUsage(Base):
    """A request, or with `ends_at` what a vendor's export says of a time: `at` ≤ t < `ends_at`.

    `external_key` is a hash of what identifies it in its `source`, so that no file adds it twice.
    `grain` says what an export's rows are of: rows of another grain in the same time tell the same
    usage again. `person` is their label in the source. `input_tokens` includes cached ones and
    those written to a cache. A figure that the source does not tell is NULL: an export of costs
    has no tokens, one of tokens no cost. A cost below 0 is a credit.
    """

    __tablename__ = "imported_usage"
    __table_args__ = (
        UniqueConstraint("source", "external_key"),
        CheckConstraint(f"basis IN {IMPORT_BASES}", "basis"),
        Index("ix_imported_usage_at", "at"),
        Index("ix_imported_usage_import_id", "import_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id"))
    source: Mapped[str]
    external_key: Mapped[str]
    at: Mapped[int]
    ends_at: Mapped[int | None]
    grain: Mapped[str | None]
    developer_id: Mapped[int | None] = mapped_column(ForeignKey("developers.id"))
    person: Mapped[str | None]
    model: Mapped[str | None]
    requests: Mapped[int | None]
    input_tokens: Mapped[int | None]
    cached_input_tokens: Mapped[int | None]
    cache_write_tokens: Mapped[int | None]
    output_tokens: Mapped[int | None]
    cost: Mapped[Decimal | None]
    currency: Mapped[str | None]
    basis: Mapped[str]
