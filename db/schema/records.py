"""The trail of changes, and facts about the database itself."""

from sqlalchemy.orm import Mapped, mapped_column

from db.schema.base import Base, Id


class Audit(Base):
    """Who changed what: people, teams, keys, limits, prices, carbon, alerts, retention, passwords.

    Append-only, which triggers see to; a person's erasure alone may change the names in it. There
    is no chain of hashes over the rows: an erasure would have to compute it anew from its row on,
    and whoever can drop the triggers could do so too.
    """

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[int]
    actor: Mapped[str]
    action: Mapped[str]
    detail: Mapped[str]


class Meta(Base):
    """Facts about the database itself, such as that its rows are a sample."""

    __tablename__ = "meta"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
