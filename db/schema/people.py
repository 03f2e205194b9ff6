"""Who uses the gateway: people, their teams and roles over time, their keys and limits."""

from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.base import Base, Id

Role = Literal["developer", "lead", "manager", "admin"]
ROLES = ("developer", "lead", "manager", "admin")


class Developer(Base):
    """A person whose tools use the gateway. Which team they are in: `Membership`."""

    __tablename__ = "developers"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[int]
    archived_at: Mapped[int | None]


class Team(Base):
    """A group of people, whose costs are told together."""

    __tablename__ = "teams"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[int]
    archived_at: Mapped[int | None]


class Membership(Base):
    """In which team, and as what, a developer is from `valid_from` on. Append-only.

    In force at a time is the row with the latest `valid_from` up to then; of two with the same one,
    the one recorded last. `team_id` NULL: in none.
    """

    __tablename__ = "memberships"
    __table_args__ = (
        CheckConstraint(f"role IN {ROLES}", "role"),
        Index("ix_memberships_developer_id_valid_from", "developer_id", "valid_from"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    developer_id: Mapped[int] = mapped_column(ForeignKey("developers.id"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    role: Mapped[str]
    valid_from: Mapped[int]
    recorded_at: Mapped[int]


class ApiKey(Base):
    """A bearer key of one developer's tool. Only its SHA-256 is kept: a key is 256 random bits."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    developer_id: Mapped[int] = mapped_column(ForeignKey("developers.id"), index=True)
    name: Mapped[str]
    prefix: Mapped[str]
    hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[int]
    expires_at: Mapped[int | None]
    revoked_at: Mapped[int | None]
    last_used_at: Mapped[int | None]


class Limit(Base):
    """What one developer, or one key, may use at most. NULL is no limit.

    `models` is a JSON array of the models' names in lower case. Months are those of UTC.
    """

    __tablename__ = "limits"
    __table_args__ = (CheckConstraint("(developer_id IS NULL) != (api_key_id IS NULL)", "holder"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    developer_id: Mapped[int | None] = mapped_column(ForeignKey("developers.id"), unique=True)
    api_key_id: Mapped[int | None] = mapped_column(ForeignKey("api_keys.id"), unique=True)
    requests_per_minute: Mapped[int | None]
    tokens_per_minute: Mapped[int | None]
    concurrent_requests: Mapped[int | None]
    tokens_per_month: Mapped[int | None]
    energy_j_per_month: Mapped[float | None]
    models: Mapped[str | None]
    changed_at: Mapped[int]
