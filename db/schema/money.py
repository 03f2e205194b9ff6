"""What things cost."""

from decimal import Decimal

from sqlalchemy.orm import Mapped, mapped_column

from db.schema.base import Base, Id


class CostSetting(Base):
    """What things cost from `valid_from` on. Append-only: a change is a new row."""

    __tablename__ = "cost_settings"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    recorded_at: Mapped[int]
    valid_from: Mapped[int] = mapped_column(index=True)
    currency: Mapped[str]
    hardware_name: Mapped[str]
    hardware_price: Mapped[Decimal]
    hardware_life_months: Mapped[int]
    residual_value: Mapped[Decimal]
    in_service_date: Mapped[str | None]  # ISO date; NULL: the first day of use
    power_kw: Mapped[Decimal]
    pue: Mapped[Decimal]
    electricity_price_per_kwh: Mapped[Decimal]
    electricity_basis: Mapped[str]
    operations_per_month: Mapped[Decimal]
    seat_price_per_month: Mapped[Decimal]
    note: Mapped[str | None]


class SavedScenario(Base):
    """A plan of the planner, by name. `content` is its JSON, which the cost model reads."""

    __tablename__ = "scenarios"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    content: Mapped[str]
    saved_at: Mapped[int]
    saved_by: Mapped[str]
