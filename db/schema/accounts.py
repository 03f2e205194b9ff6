"""Who may sign in to the pages, and who has."""

from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.base import Base, Id

OwnRole = Literal["manager", "admin"]
OWN_ROLES = ("manager", "admin")


class Account(Base):
    """Somebody who may sign in. Linked to a developer, they have the role of the developer's
    membership in force; standing alone, they have a role of their own. Never deleted.

    `name_key` is the name as names are compared. `password_hash` is argon2's; NULL: they enter
    through the organisation's own sign-in, by their e-mail. `password_once`: somebody else chose
    the password, so it opens nothing but the page that replaces it.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint(f"role IN {OWN_ROLES}", "role"),
        CheckConstraint("(developer_id IS NULL) != (role IS NULL)", "holder"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str | None] = mapped_column(unique=True)
    password_hash: Mapped[str | None]
    password_once: Mapped[bool]
    developer_id: Mapped[int | None] = mapped_column(ForeignKey("developers.id"), unique=True)
    role: Mapped[str | None]
    created_at: Mapped[int]
    disabled_at: Mapped[int | None]


class SignedIn(Base):
    """A browser that is signed in, until `expires_at`. Deleted when it signs out.

    Only the SHA-256 of its cookie is kept: a cookie is 256 random bits.
    """

    __tablename__ = "sessions"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    digest: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    created_at: Mapped[int]
    expires_at: Mapped[int]
