"""What a manager is told about Kimi K2, in full, with the figures worked out by hand."""

from decimal import Decimal

import pytest

from dashboard.costs.capacity.load import hardware, models
from dashboard.costs.capacity.scale_out import ASSUMED_LOAD, Ownership
from dashboard.costs.capacity.sentence import (
    Answer,
    answer,
    does_it_fit,
    pays_from,
    told,
    what_holds_it,
    what_merely_holds_it,
)

FOUNDING = Ownership(life_months=36, electricity_price_per_kwh=Decimal("0.18"), pue=Decimal(1))
SEAT = Decimal(200)
K2 = models()["kimi-k2"]
INT4 = K2.at("int4")


def answered(developers: int) -> Answer:
    return answer(K2, INT4, developers, SEAT, ASSUMED_LOAD, FOUNDING)


def test_the_founding_card_does_not_hold_kimi_k2() -> None:
    assert does_it_fit(hardware()["h100-pcie"], K2, ("fp8", "int4")) == (
        "One H100 PCIe 80 GB ($25,000) does not hold Kimi K2: its weights are 1,026 GB in FP8 and "
        "594 GB in INT4, of which the card's memory would take 8% and 13%."
    )


def test_a_model_that_fits_is_said_to() -> None:
    assert does_it_fit(hardware()["h100-pcie"], models()["gpt-oss-120b"], ("mxfp4",)) == (
        "One H100 PCIe 80 GB ($25,000) holds gpt-oss-120b in MXFP4: its weights are 65 GB in MXFP4."
    )


def test_what_holds_it_is_listed_cheapest_first_and_unknown_prices_last() -> None:
    held = what_holds_it(K2, INT4, 20_500)
    costs = [each.hardware.cost(each.accelerators) for each in held]
    known = [cost for cost in costs if cost is not None]
    assert known == sorted(known)
    assert costs[len(known) :] == [None] * (len(costs) - len(known))
    assert {"h200", "b200", "mi300x"} <= {each.hardware.name for each in held}
    assert "rtx-4090" not in {each.hardware.name for each in held}


def test_what_merely_holds_it_is_said_with_its_slowness() -> None:
    said = what_merely_holds_it(K2, INT4, SEAT, ASSUMED_LOAD, FOUNDING)
    # 1.1 kW × 720 h × $0.18 = $142.56; 23,565 / (200 − 142.56) = 410.3 months.
    assert "EPYC 9175F, 768 GB, with one RTX PRO 6000" in said
    assert "at about $23,565: about 13 tokens a second (6 to 21) for one request alone" in said
    assert "With 1 developer the hardware has paid for itself after 410.3 months" in said


@pytest.mark.parametrize(
    ("developers", "months", "within"),
    [
        # 8 × $35,000 + $70,000; 10.2 kW × 720 h × $0.18 = $1,321.92 a month.
        (1, None, False),  # 200 − 1,321.92 < 0
        (5, None, False),  # 1,000 − 1,321.92 < 0
        (20, "130.7", False),  # 350,000 / (4,000 − 1,321.92)
        (100, "18.7", True),  # 350,000 / (20,000 − 1,321.92)
    ],
)
def test_kimi_k2_pays_for_itself_as_worked_out_by_hand(
    developers: int, months: str | None, within: bool
) -> None:
    found = answered(developers)
    assert found.row.price == 350_000
    assert found.even.electricity_per_month == Decimal("1321.92")
    assert (None if found.even.months is None else f"{found.even.months:.1f}") == months
    assert found.even.within_life == within


def test_never_is_said_outright() -> None:
    assert answered(5).sentence == (
        "Kimi K2 for 5 developers takes 8 × H200 SXM 141 GB, $350,000 by estimate, and up to 10.2 "
        "kW. With 5 developers the hardware never pays for itself: running it costs $1,321.92 a "
        "month, and 5 seats only $1,000."
    )


def test_the_fewest_that_pay_are_where_price_over_life_meets_the_seats() -> None:
    # (350,000 / 36 + 1,321.92) / 200 = 55.2: 56 developers, whom one node still serves.
    assert pays_from(K2, INT4, SEAT, ASSUMED_LOAD, FOUNDING) == 56
    assert answered(56).even.within_life
    assert not answered(55).even.within_life


def test_free_seats_are_never_beaten() -> None:
    assert pays_from(K2, INT4, Decimal(0), ASSUMED_LOAD, FOUNDING) is None


def test_all_is_told_in_order_with_what_is_assumed() -> None:
    said = told(hardware()["h100-pcie"], K2, ("fp8", "int4"), (1, 20), SEAT, ASSUMED_LOAD, FOUNDING)
    assert len(said) == 6
    assert said[2] == (
        "So what is set against seats is $350,000, 14 times $25,000. It takes 56 developers for "
        "the hardware to pay for itself within its life."
    )
    assert said[3].startswith("Kimi K2 for 1 developer takes 8 × H200")
    assert said[4].startswith("Kimi K2 for 20 developers takes 8 × H200")
    assert "off by a factor of 1.4 typically and 3.6 at worst over 22 published figures" in said[5]


def test_a_larger_team_may_need_more_than_one_replica() -> None:
    found = answered(100_000)
    each = found.row.deployment.accelerators
    assert found.row.replicas > 1
    assert found.sentence.startswith(
        f"Kimi K2 for 100,000 developers takes {found.row.replicas} × {each} × B200 180 GB (up to "
    )
    assert found.row.price == found.row.nodes * Decimal(390_000)
