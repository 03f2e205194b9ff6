"""How long rows are kept, from when on they are complete, and a person's erasure under way."""

from sqlalchemy.orm import Mapped, mapped_column

from db.schema.base import Base, Id


class RetentionSetting(Base):
    """For how many days rows are kept; NULL: for ever. The last one recorded holds. Append-only.

    `requests_days` is about `requests`, `minutes_days` about `energy_intervals` and
    `meter_readings`. What they add up to is kept for ever.
    """

    __tablename__ = "retention_settings"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    recorded_at: Mapped[int]
    actor: Mapped[str]
    requests_days: Mapped[int | None]
    minutes_days: Mapped[int | None]


class Horizon(Base):
    """From when on the rows of a kind (`requests` or `minutes`) are complete, since older ones were
    deleted. No row: all of them are.

    `kept_from` is the start of an hour (UTC) and only grows. `removed` and `removed_j` are how many
    rows were deleted and the joules of requests that they held, so that what is left can still be
    checked: joules of the requests and joules attributed to them by the minutes stay equal.
    """

    __tablename__ = "horizons"

    kind: Mapped[str] = mapped_column(primary_key=True)
    kept_from: Mapped[int]
    removed: Mapped[int]
    removed_j: Mapped[float]


class Erasing(Base):
    """The developer whose name is being taken out of the audit trail, in this very transaction.

    The triggers that keep `audit` as it is let its details change while there is a row. It is
    inserted and deleted in the transaction that changes them, so nobody else ever sees one.
    """

    __tablename__ = "erasing"

    developer_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
