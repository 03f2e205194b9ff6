"""The founding figures and a small team, for tests to vary."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from dashboard.costs.models import Developer, Energy, Prices, Segment, Usage

FIRST_DAY = date(2026, 1, 1)
JANUARY = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
KWH = 3_600_000.0  # joules


def prices(**changes: Any) -> Prices:
    """One H100 for $25,000 over 36 months, 0.7 kW at $0.18, seats at $200; and `changes`."""
    founding: dict[str, Any] = {
        "valid_from": datetime(2025, 1, 1, tzinfo=UTC),
        "currency": "USD",
        "hardware_name": "One H100 GPU",
        "hardware_price": Decimal(25_000),
        "hardware_life_months": 36,
        "residual_value": Decimal(0),
        "in_service_date": FIRST_DAY,
        "power_kw": Decimal("0.7"),
        "pue": Decimal(1),
        "electricity_price_per_kwh": Decimal("0.18"),
        "electricity_basis": "nameplate",
        "operations_per_month": Decimal(0),
        "seat_price_per_month": Decimal(200),
    }
    return Prices(**(founding | changes))


def segment(
    span: tuple[datetime, datetime] = JANUARY,
    *,
    usage: tuple[Usage, ...] = (),
    energy: Energy | None = None,
    **changes: Any,
) -> Segment:
    return Segment(start=span[0], end=span[1], prices=prices(**changes), usage=usage, energy=energy)


def team(*names: str, seat_from: datetime = datetime(2025, 6, 1, tzinfo=UTC)) -> list[Developer]:
    return [
        Developer(id=number, name=name, seat_from=seat_from)
        for number, name in enumerate(names, start=1)
    ]


def used(developer_id: int, energy_j: float | None = 0.0, tokens: int = 0, **more: Any) -> Usage:
    return Usage(
        developer_id=developer_id,
        name=f"developer {developer_id}",
        requests=1,
        input_tokens=tokens - tokens // 3,
        output_tokens=tokens // 3,
        energy_j=energy_j,
        **more,
    )
