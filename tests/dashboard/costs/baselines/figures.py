"""A month of use, and baselines for tests to vary."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from dashboard.costs.baselines import (
    Api,
    BaselineItem,
    BaselineRow,
    Hosted,
    ModelUsage,
    Plan,
    Seats,
    UsageRange,
)

JANUARY = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
NOVEMBER = date(2026, 11, 20)
NAMES = ("Ada", "Grace", "Edsger", "Barbara", "Donald")


def used(
    developer_id: int | None = 1,
    model: str | None = "claude-opus-5",
    tokens: tuple[int | None, int | None, int | None] = (0, 0, 0),
    **changes: Any,
) -> ModelUsage:
    """`tokens` are input (cached ones included), cached input and output."""
    name = "build-bot" if developer_id is None else NAMES[developer_id - 1]
    fields: dict[str, Any] = {
        "developer_id": developer_id,
        "name": name,
        "model": model,
        "requests": 1,
        "input_tokens": tokens[0],
        "cached_input_tokens": tokens[1],
        "output_tokens": tokens[2],
    }
    return ModelUsage(**fields | changes)


def usage(*rows: ModelUsage, span: tuple[datetime, datetime] = JANUARY) -> UsageRange:
    return UsageRange(start=span[0], end=span[1], rows=rows)


def api(**changes: Any) -> Api:
    fields = {"kind": "api", "name": "API", "valid_from": NOVEMBER, "source": "list prices"}
    return Api(**fields | changes)


def hosted(**changes: Any) -> Hosted:
    fields = {"kind": "hosted", "name": "Hosted", "valid_from": NOVEMBER, "source": "list prices"}
    return Hosted(**fields | {"provider": "openrouter"} | changes)


def seats(*plans: Plan) -> Seats:
    return Seats(
        kind="seats",
        name="Seats",
        valid_from=NOVEMBER,
        source="the vendor's page",
        currency="USD",
        plans=plans,
    )


def plan(price: str, developers: int, **changes: Any) -> Plan:
    fields = {"name": f"plan at {price}", "price_per_month": Decimal(price)}
    return Plan(**fields | {"developers": developers} | changes)


def costs(parts: Sequence[BaselineRow | BaselineItem]) -> list[tuple[str, str]]:
    """Each part's name and cost as written, `unknown` where it is."""
    return [(part.name, "unknown" if part.cost is None else str(part.cost)) for part in parts]
