"""The trail of changes, and facts about the database itself."""

from sqlalchemy.orm import Mapped, mapped_column

from db.schema.base import Base, Id


class Audit(Base):
    """Who changed what in people, keys, prices and passwords. Append-only."""

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
