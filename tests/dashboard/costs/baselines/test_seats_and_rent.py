"""Seats and rented GPUs: a vendor's own examples, and hand calculations."""

import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter, ValidationError

from dashboard.costs.baselines import (
    TYPICAL,
    Baseline,
    ModelUsage,
    RequestOverage,
    TokenOverage,
    priced,
)
from dashboard.costs.baselines.models import Rented
from tests.dashboard.costs.baselines.figures import JANUARY, costs, plan, seats, usage, used


def million(developer_id: int, tokens: int, requests: int = 0) -> ModelUsage:
    """So many million tokens, a quarter of them output."""
    quarter = tokens * 250_000
    return used(developer_id, tokens=(3 * quarter, 0, quarter), requests=requests)


def test_anthropics_example_of_a_teams_bill() -> None:
    # "How is my bill calculated?", support.anthropic.com/en/articles/9267289 (2025): Team at $30;
    # 10 members on 1 January: $300. Five more on the 15th with 16 days left: 30 × 5 × 16 ÷ 31 =
    # $77.42; and $450 on 1 February.
    assert priced(usage(), seats(plan("30", 10))).cost == 300
    rest = (datetime(2026, 1, 16, tzinfo=UTC), JANUARY[1])
    assert priced(usage(span=rest), seats(plan("30", 5))).cost == Decimal("77.42")
    february = (JANUARY[1], datetime(2026, 3, 1, tzinfo=UTC))
    assert priced(usage(span=february), seats(plan("30", 15))).cost == 450


def test_paid_by_the_year_a_seat_costs_less() -> None:
    # Claude Pro in 2026: $20 a month, or $17 a month billed annually: 15% off.
    yearly = seats(plan("20", 3, annual_discount_percent=15))
    assert priced(usage(), yearly).cost == 51
    year = (JANUARY[0], datetime(2027, 1, 1, tzinfo=UTC))
    assert priced(usage(span=year), yearly).cost == 612


def test_the_dearest_seats_go_to_those_who_used_most() -> None:
    rows = [million(1, 1), million(2, 9), million(3, 4)]
    found = priced(usage(*rows), seats(plan("20", 2), plan("100", 1), plan("5", 1)))
    assert costs(found.rows) == [
        ("Ada", "20.00"),
        ("Edsger", "20.00"),
        ("Grace", "100.00"),
        ("Seats that nobody used", "5.00"),
    ]
    assert costs(found.items) == [
        ("plan at 100", "100.00"),
        ("plan at 20", "40.00"),
        ("plan at 5", "5.00"),
    ]
    assert found.cost == 145


def test_tokens_beyond_what_a_seat_includes_cost_extra() -> None:
    # Ada used 12 million, of which 10 are included; Grace 4: 2 × $7 = $14 more.
    overage = TokenOverage(kind="tokens", included_per_month=10**7, price_per_million="7")
    found = priced(usage(million(1, 12), million(2, 4)), seats(plan("20", 2, overage=overage)))
    assert costs(found.rows) == [("Ada", "34.00"), ("Grace", "20.00")]


def test_tokens_that_nobody_told_may_be_beyond_what_a_seat_includes() -> None:
    overage = TokenOverage(kind="tokens", included_per_month=10**7, price_per_million="7")
    untold = used(1, tokens=(None, None, None), requests=900)
    found = priced(usage(untold), seats(plan("20", 1, overage=overage)))
    assert found.known == 20
    assert found.cost is None
    assert "how many tokens" in found.reasons[0]


def test_a_rent_is_not_shared_where_somebodys_tokens_are_not_known() -> None:
    untold = used(1, tokens=(None, None, None), requests=900)
    found = priced(usage(untold, million(2, 4)), TYPICAL[0].rented(1))
    assert costs(found.rows) == [("Everybody, not shared", str(found.cost))]
    assert "does not tell the tokens of Ada" in " ".join(found.notes)


def test_half_a_month_includes_half_of_what_a_month_does() -> None:
    # From 1 February to noon of the 15th are 14 of 28 days and a half: 29/56 of a month, and of
    # the 5.6 million tokens included 2.9 million. Ada used 4: 1.1 × $10 more.
    half = (JANUARY[1], datetime(2026, 2, 15, 12, tzinfo=UTC))
    overage = TokenOverage(kind="tokens", included_per_month=5_600_000, price_per_million="10")
    found = priced(usage(million(1, 4), span=half), seats(plan("56", 1, overage=overage)))
    assert found.cost == 29 + 11


def test_requests_beyond_what_a_seat_includes_cost_extra() -> None:
    # 300 requests are included; 425 are 125 beyond, at 4 cents $5.
    overage = RequestOverage(kind="requests", included_per_month=300, price_per_request="0.04")
    rows = [million(1, 1, requests=425), million(2, 1, requests=300)]
    found = priced(usage(*rows), seats(plan("19", 2, overage=overage)))
    assert costs(found.rows) == [("Ada", "24.00"), ("Grace", "19.00")]
    untold = used(2, tokens=(1, 0, 1), requests=None)
    found = priced(usage(rows[0], untold), seats(plan("19", 2, overage=overage)))
    assert found.known == 43
    assert found.cost is None
    assert "how many requests" in found.reasons[0]


def test_whoever_is_left_without_a_seat_has_no_cost_and_not_none() -> None:
    found = priced(usage(million(1, 5), million(2, 3)), seats(plan("20", 1)))
    assert costs(found.rows) == [("Ada", "20.00"), ("Grace", "unknown")]
    assert found.known == 20
    assert found.cost is None
    assert "fewer seats than developers" in found.reasons[0]


def test_one_developers_models_are_one_seat() -> None:
    rows = [used(1, "a", (5, 0, 5)), used(1, "b", (5, 0, 5)), used(None, "a", (5, 0, 5))]
    found = priced(usage(*rows), seats(plan("20", 2)))
    assert costs(found.rows) == [("Ada", "20.00"), ("build-bot", "20.00")]
    assert found.rows[0].input_tokens == 10


def test_months_are_those_of_the_readers_zone() -> None:
    # In Auckland February begins at 11:00 UTC of 31 January.
    zone = ZoneInfo("Pacific/Auckland")
    span = (datetime(2026, 2, 1, tzinfo=zone), datetime(2026, 3, 1, tzinfo=zone))
    assert priced(usage(span=span), seats(plan("200", 1)), zone).cost == 200
    assert priced(usage(span=span), seats(plan("200", 1))).cost != 200


def test_eight_h100_rented_for_all_of_january() -> None:
    # Lambda's list of 20 September 2026: $3.99 per H100 SXM and hour: 8 × 744 × 3.99 = $23,748.48.
    (price,) = [
        each for each in TYPICAL if each.gpu == "H100 SXM 80 GB" and "Lambda" in each.source
    ]
    found = priced(usage(*[million(number, number) for number in (1, 2, 3)]), price.rented(8))
    assert found.cost == Decimal("23748.48")
    # By tokens, 1 : 2 : 3.
    assert costs(found.rows) == [("Ada", "3958.08"), ("Edsger", "11874.24"), ("Grace", "7916.16")]
    assert (found.valid_from, found.source) == (price.valid_from, price.source)


def test_a_published_table_of_gpu_months_is_met() -> None:
    # github.com/datareceipts/data-receipts, 109-gpu-pricing (9 November 2026), a month of 730 h:
    # RunPod Community $1,964, RunPod Secure $2,913, AWS p5.48xlarge $5,022.
    for source, month in (("Community", 1964), ("Secure", 2913), ("AWS", 5022)):
        (price,) = [
            each for each in TYPICAL if each.gpu == "H100 SXM 80 GB" and source in each.source
        ]
        found = priced(usage(), price.rented(1, Decimal(730)))
        assert found.cost is not None
        assert round(found.cost) == month


def test_what_nobody_used_is_a_row_of_its_own() -> None:
    found = priced(usage(), TYPICAL[0].rented(1))
    assert [(row.name, row.developer_id) for row in found.rows] == [("Nobody's use", None)]
    assert found.rows[0].cost == found.cost


def test_baselines_load_from_toml() -> None:
    told = tomllib.loads("""
        [[baselines]]
        kind = "rented"
        name = "Two H200"
        valid_from = 2026-08-26
        source = "Hyperstack, gpu-pricing, read 26 August 2026"
        currency = "USD"
        gpu = "H200"
        count = 2
        price_per_gpu_hour = 3.99
        hours_per_month = 176

        [[baselines]]
        kind = "seats"
        name = "Team"
        valid_from = 2026-11-01
        source = "the vendor's pricing page, read 1 November 2026"
        currency = "EUR"
        plans = [{name = "Premium", price_per_month = 100, developers = 4}]

        [[baselines]]
        kind = "api"
        name = "Opus by the token"
        valid_from = 2026-11-01
        source = "list prices"
        provider = "anthropic"
        model = "claude-opus-5"
    """)
    baselines = TypeAdapter(list[Baseline]).validate_python(told["baselines"])
    found = [priced(usage(million(1, 4)), baseline) for baseline in baselines]
    # 2 × 176 × 3.99; 4 × 100; 3 M × $5 + 1 M × $25.
    assert [(str(one.cost), one.currency) for one in found] == [
        ("1404.48", "USD"),
        ("400.00", "EUR"),
        ("40.00", "USD"),
    ]


def test_a_baseline_without_a_source_or_a_date_is_refused() -> None:
    fields = TYPICAL[0].rented(1).model_dump()
    for missing in ("source", "valid_from"):
        with pytest.raises(ValidationError, match=missing):
            Rented(**{name: value for name, value in fields.items() if name != missing})


def test_every_rental_price_is_dated_and_says_where_it_is_from() -> None:
    assert len({(each.gpu, each.source) for each in TYPICAL}) == len(TYPICAL)
    assert all(each.source and each.valid_from.year == 2026 for each in TYPICAL)
