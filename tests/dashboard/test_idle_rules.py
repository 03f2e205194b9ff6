"""The three rules, in money by hand and in words."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from dashboard.cost_tables import developer_table
from dashboard.costs.comparison import compare
from dashboard.costs.models import Comparison, Energy, IdleRule, Prices, Segment, Usage
from dashboard.idle_rules import rule_sentence

# 1,096 days make the 36 months from 1 January 2026: $1 a day.
PRICES = Prices(
    valid_from=datetime(2026, 1, 1, tzinfo=UTC), currency="USD", hardware_name="A GPU",
    hardware_price=Decimal(1_096), hardware_life_months=36, residual_value=Decimal(0),
    in_service_date=date(2026, 1, 1), power_kw=Decimal(1), pue=Decimal(1),
    electricity_price_per_kwh=Decimal(0), electricity_basis="nameplate",
    operations_per_month=Decimal(0), seat_price_per_month=Decimal(0),
)  # fmt: skip
ADA = Usage(developer_id=1, name="Ada", requests=3, input_tokens=10, energy_j=30.0)
GRACE = Usage(developer_id=2, name="Grace", requests=1, input_tokens=10, energy_j=10.0)


def ten_days(rule: IdleRule, *usage: Usage, attributed_j: float | None = 40.0) -> Comparison:
    """$10, of which 60% was idle: 40 of 100 joules served requests."""
    energy = Energy(total_j=100.0, attributed_j=attributed_j, covered_s=864_000)
    segment = Segment(
        start=datetime(2026, 1, 1, tzinfo=UTC),
        end=datetime(2026, 1, 11, tzinfo=UTC),
        prices=PRICES,
        energy=energy,
        usage=usage,
    )
    return compare([segment], [], UTC, rule)


@pytest.mark.parametrize(
    ("rule", "amounts", "carried"),
    [
        # $10 × 30/40 and × 10/40.
        ("by_use", {"Ada": 7.5, "Grace": 2.5}, "whoever used more carries more of it too."),
        # $4 by use, and half of $6 each.
        ("evenly", {"Ada": 6.0, "Grace": 4.0}, "carries an equal part of it."),
        # $4 by use, and $6 apart.
        ("overhead", {"Ada": 3.0, "Grace": 1.0, "Idle": 6.0}, "and nobody carries it."),
    ],
)
def test_each_rule_is_told_as_it_shares(
    rule: IdleRule, amounts: dict[str, float], carried: str
) -> None:
    found = ten_days(rule, ADA, GRACE)
    table = developer_table(found).set_index("Developer")["Fully loaded"].to_dict()
    assert table == {"Total": 10.0, **amounts}
    sentence = rule_sentence(found)
    assert sentence.startswith("$6.00 of $10.00, 60%, was idle, by metered energy.")
    assert sentence.endswith(carried)


def test_an_idle_part_that_is_unknown_is_said_to_be() -> None:
    found = ten_days("overhead", ADA, attributed_j=None)
    assert rule_sentence(found).startswith("How much of the cost was idle is unknown")


def test_what_nobody_used_stands_apart() -> None:
    found = ten_days("by_use")
    assert list(developer_table(found)["Developer"]) == ["Total", "Unused"]
    assert rule_sentence(found) == (
        "Nobody used the hardware, so all of its cost was idle. It stands in a row of its own, and "
        "nobody carries it."
    )


def test_unknown_figures_are_empty_cells_and_never_nil() -> None:
    unmetered = ADA.model_copy(update={"energy_j": None, "energy_unknown": 3})
    table = developer_table(ten_days("by_use", unmetered, GRACE)).set_index("Developer")
    assert table["Marginal"].isna().to_dict() == {"Total": True, "Ada": True, "Grace": False}
    assert table["Utilisation"].isna().to_dict() == {"Total": False, "Ada": True, "Grace": False}
    assert table["1M tokens"]["Total"] == 500_000
