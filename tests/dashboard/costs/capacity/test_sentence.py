"""What a manager is told about Kimi K2, in full, with the figures worked out by hand."""

from decimal import Decimal

import pytest

from dashboard.costs.capacity.load import hardware, models
from dashboard.costs.capacity.scale_out import ASSUMED_LOAD
from dashboard.costs.capacity.sentence import (
    Answer,
    answer,
    assumed,
    does_it_fit,
    pays_from,
    told,
    what_holds_it,
    what_merely_holds_it,
)
from tests.dashboard.costs.capacity.deployments import asked, owned

FOUNDING = owned()
ASKED = asked()
SEAT = Decimal(200)
K2 = models()["kimi-k2"]
INT4 = K2.at("int4")


def answered(developers: int) -> Answer:
    return answer(K2, INT4, developers, SEAT, ASKED, FOUNDING)


def test_the_founding_card_does_not_hold_kimi_k2() -> None:
    assert does_it_fit(hardware()["h100-pcie"], K2, ("fp8", "int4")) == (
        "1 × H100 PCIe 80 GB ($25,000) does not hold Kimi K2: its weights are 1,026 GB in FP8 and "
        "594 GB in INT4, of which the card's memory would take 8% and 13%."
    )


def test_a_model_that_fits_is_said_to() -> None:
    assert does_it_fit(hardware()["h100-pcie"], models()["gpt-oss-120b"], ("mxfp4",)) == (
        "1 × H100 PCIe 80 GB ($25,000) holds gpt-oss-120b in MXFP4: its weights are 65 GB in MXFP4."
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
    said = what_merely_holds_it(K2, INT4, SEAT, ASKED, FOUNDING)
    # 1.1 kW × 720 h × $0.18 = $142.56; 23,565 / (200 − 142.56) = 410.3 months.
    assert "EPYC 9175F, 768 GB, with one RTX PRO 6000" in said
    # The formulas give 13.3 tokens a second; over 1.28 that is 10.4.
    assert "at about $23,565: about 10 tokens a second (6 to 21) for one request alone" in said
    assert "With 1 developer the hardware has paid for itself after 410.3 months" in said


def test_what_keeps_up_only_slowly_is_not_said_to_serve() -> None:
    said = what_merely_holds_it(K2, INT4, SEAT, ASKED, FOUNDING)
    assert (
        "it keeps up with 1 developer, but slower than the 15 tokens a second and the 5 seconds "
        "to the first token asked for." in said
    )


def test_what_is_fast_enough_is_not_called_slow() -> None:
    patient = asked(ASSUMED_LOAD.model_copy(update={"least_tokens_per_s": 1}), 100)
    said = what_merely_holds_it(K2, INT4, SEAT, patient, FOUNDING)
    assert "it keeps up with 1 developer. With 1 developer" in said


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
    assert pays_from(K2, INT4, SEAT, ASKED, FOUNDING) == 56
    assert answered(56).even.within_life
    assert not answered(55).even.within_life


def test_free_seats_are_never_beaten() -> None:
    assert pays_from(K2, INT4, Decimal(0), ASKED, FOUNDING) is None


def test_all_is_told_in_order_with_what_is_assumed() -> None:
    said = told(hardware()["h100-pcie"], K2, ("fp8", "int4"), (1, 20), SEAT, ASKED, FOUNDING)
    assert len(said) == 7
    assert said[2] == (
        "So what is set against seats is $350,000, 14 times $25,000. It takes 56 developers for "
        "the hardware to pay for itself within its life."
    )
    assert said[3].startswith("Kimi K2 for 1 developer takes 8 × H200")
    assert said[4].startswith("Kimi K2 for 20 developers takes 8 × H200")
    assert said[5] == (
        "Predicted speeds were too hopeful: held against 22 published ones that had no part in "
        "fitting them, they were 1.28 times as high (the median). So every speed, every number of "
        "developers and all hardware here rests on the prediction divided by 1.28."
    )
    assert (
        "the first within 5 seconds; rated power in all hours at $0.18 per kWh, PUE 1." in said[6]
    )
    assert "Working time, network, taxes and resale are left out" in said[6]
    assert "off by a factor of 1.4 typically and 3.6 at worst over 22 published figures" in said[6]


def test_operations_are_in_what_serves_them() -> None:
    # $65 × 100 h = $6,500 a month: 350,000 / (40 × 200 − 6,500 − 1,321.92) = 1,965.4 months.
    # Seats pay within 36 months from (350,000 / 36 + 7,821.92) / 200 = 87.7 on: 88.
    hours = {"kind": "administration", "hours_per_month": 100, "rate_per_hour": 65}
    run = owned(operations={"currency": "USD", "items": [hours]})
    even = answer(K2, INT4, 40, SEAT, ASKED, run).even
    assert even.operations_per_month == Decimal(6500)
    assert f"{even.months:.1f}" == "1965.4"
    assert pays_from(K2, INT4, SEAT, ASKED, run) == 88
    said = assumed(ASKED, run)
    assert "Operations are as given, percentages being of the new price. Taxes and resale" in said


def test_a_larger_team_may_need_more_than_one_replica() -> None:
    found = answered(100_000)
    each = found.row.deployment.accelerators
    assert found.row.replicas > 1
    assert found.sentence.startswith(
        f"Kimi K2 for 100,000 developers takes {found.row.replicas} × {each} × B200 180 GB (up to "
    )
    assert found.row.price == found.row.nodes * Decimal(390_000)
