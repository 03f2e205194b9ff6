"""What a range would have cost elsewhere: to the cent in every row, in words and in the file."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.alternatives.chart import cost_bars
from dashboard.alternatives.choices import Choices, baselines, default_choices
from dashboard.alternatives.offers import Offer, Ranged, offers
from dashboard.alternatives.own_prices import OwnOffer, from_text, to_text
from dashboard.alternatives.tables import offer_table, offers_csv, row_table
from dashboard.alternatives.words import cautions, cost_words, finding
from dashboard.costs.baselines import ModelUsage, UsageRange
from dashboard.costs.comparison import compare
from dashboard.costs.models import Developer, Energy, Prices, Segment, Usage
from dashboard.overview import View
from dashboard.periods import Period
from db.errors import InvalidInput
from db.prices import CostSettings

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 11, tzinfo=UTC)
TODAY = date(2026, 11, 11)
OSS, SMALL = "gpt-oss-120b", "SmolLM2-135M-Instruct"
COSTS: dict[str, Any] = {
    "currency": "USD", "hardware_name": "A GPU", "hardware_price": Decimal(1_096),
    "hardware_life_months": 36, "residual_value": Decimal(0), "in_service_date": date(2026, 1, 1),
    "power_kw": Decimal(1), "pue": Decimal(1), "electricity_price_per_kwh": Decimal("0.36"),
    "electricity_basis": "nameplate", "operations_per_month": Decimal(0),
    "seat_price_per_month": Decimal(30),
}  # fmt: skip


def use(who: int, model: str, tokens: int, output: int = 0) -> ModelUsage:
    name = ("Ada", "Grace", "Zoe")[who - 1]
    return ModelUsage(
        developer_id=who, name=name, model=model, requests=1, input_tokens=tokens,
        cached_input_tokens=0, output_tokens=output,
    )  # fmt: skip


def ranged(*used: ModelUsage, imported: tuple[ModelUsage, ...] = (), **costs: Any) -> Ranged:
    """Ten days of November. A day costs $1 of depreciation (1,096 days make the 36 months) and 24 ×
    $0.36 = $8.64 of electricity; a seat of $30 costs $1. A million joules serve a million tokens,
    at $0.10: 10⁶ J ÷ 3.6 × 10⁶ × $0.36."""
    figures = COSTS | costs
    usage = tuple(
        Usage(
            developer_id=row.developer_id or 0, name=row.name, requests=1,
            input_tokens=row.input_tokens or 0, output_tokens=row.output_tokens or 0,
            energy_j=float(row.tokens),
        )
        for row in used
    )  # fmt: skip
    segment = Segment(
        start=START,
        end=END,
        prices=Prices(valid_from=START, **figures),
        energy=Energy(total_j=5e6, attributed_j=1e6, covered_s=864_000),
        usage=usage,
    )
    ada = Developer(id=1, name="Ada", seat_from=START)
    span = (round(START.timestamp() * 1000), round(END.timestamp() * 1000))
    return Ranged(
        view=View("own", "month", "UTC"),
        period=Period(*span, 3_600_000, "in November"),
        today=TODAY,
        comparison=compare([segment], [ada], UTC),
        metered=UsageRange(start=START, end=END, rows=used),
        imported=UsageRange(start=START, end=END, origin="imported", rows=imported),
        prices=CostSettings(valid_from=0, in_service_is_set=True, note=None, **figures),
    )


def named(found: Ranged, choices: Choices) -> dict[str, Offer]:
    return {offer.name: offer for offer in offers(found, baselines(choices, TODAY))}


CHOICES = Choices(
    apis=["claude-opus-5-5"],
    hosts=["Same models at groq"],
    gpus=["H100 SXM 80 GB, Lambda"],
    own=[OwnOffer("Ours", Decimal(3), None, Decimal(15))],
)


def test_each_way_costs_what_it_does_by_hand() -> None:
    found = named(ranged(use(1, OSS, 1_000_000)), CHOICES)
    assert {name: offer.cost for name, offer in found.items()} == {
        "Self-hosted, fully loaded": Decimal("96.40"),  # 10 × (1 + 8.64)
        "Self-hosted, marginal": Decimal("0.1"),
        "Seats, as in Settings": Decimal("10.00"),
        "claude-opus-5-5 (Anthropic)": Decimal("4.00"),
        "The same models at groq": Decimal("0.15"),  # $0.15 a million input tokens
        "1 × H100 SXM 80 GB, Lambda": Decimal("957.60"),  # 240 hours × $3.99
        "Ours": Decimal("3.00"),
    }


def test_the_finding_counts_only_what_is_known_in_full() -> None:
    found = list(named(ranged(use(1, OSS, 1_000_000), use(2, SMALL, 1_000)), CHOICES).values())
    assert finding(found, "USD") == (
        "Self-hosting cost $96.40, fully loaded; 3 of 4 alternatives would have cost less. Ours "
        "would have cost least: $3.00"
    )
    groq = next(offer for offer in found if offer.kind == "hosted")
    assert cost_words(groq) == "at least $0.15"
    assert offer_table(found)["Beside self-hosted"][found.index(groq)] == ""


def test_where_nothing_costs_less_it_says_so() -> None:
    cheap = ranged(use(1, OSS, 1_000_000), hardware_price=0, electricity_price_per_kwh=Decimal(0))
    rent = Choices(apis=[], hosts=[], gpus=CHOICES.gpus)
    found = [o for o in offers(cheap, baselines(rent, TODAY)) if o.kind != "seats"]
    assert finding(found, "USD") == (
        "Self-hosting cost $0.00, fully loaded; the one alternative would not have cost less. 1 × "
        "H100 SXM 80 GB, Lambda would have cost least: $957.60"
    )
    assert finding(found[:2], "USD").endswith("; nothing else could be priced in full")


def test_other_currencies_stand_apart() -> None:
    found = list(named(ranged(use(1, OSS, 1_000_000), currency="EUR"), CHOICES).values())
    assert finding(found, "EUR") == (
        "Self-hosting cost €96.40, fully loaded; the one alternative would have cost less. Seats, "
        "as in Settings would have cost least: €10.00"
    )
    assert finding(found, "USD") == "The same models at groq would have cost least: $0.15"
    assert {bar.name: len(bar.x) for bar in cost_bars(found, "EUR").figure.data} == {
        "Here": 2,
        "Elsewhere": 1,
    }


def test_imported_use_is_in_no_other_figure() -> None:
    used = use(1, OSS, 1_000_000)
    found = named(ranged(used, imported=(use(2, OSS, 2_000_000),)), CHOICES)
    opus = found["claude-opus-5-5 (Anthropic)"]
    assert opus.cost == 4
    assert opus.imported is not None
    assert opus.imported.cost == 8
    assert found["1 × H100 SXM 80 GB, Lambda"].imported is None
    cells = list(csv.DictReader(io.StringIO(offers_csv([opus], 0).decode())))
    assert [(row["origin"], row["developer"], row["cost"]) for row in cells] == [
        ("ledger", "Ada", "4"),
        ("imported", "Grace", "8"),
    ]


def test_what_is_unknown_is_an_empty_cell_in_the_file_with_its_reason() -> None:
    groq = named(ranged(use(1, SMALL, 1_000)), CHOICES)["The same models at groq"]
    assert cost_words(groq) == "unknown"
    (row,) = csv.DictReader(io.StringIO(offers_csv([groq], 0).decode()))
    assert (row["cost"], row["known_cost"]) == ("", "0")
    assert "no price of groq" in row["unknown"]
    assert row_table(groq.rows)["Cost"].isna().all()


def test_a_late_first_day_is_told() -> None:
    late = ranged(use(1, OSS, 1_000), in_service_date=date(2026, 11, 6))
    told = cautions(late, offers(late, []))
    assert any("from the hardware's first day, 6 November 2026; all else" in each for each in told)


def test_the_usual_choices_are_there_to_choose() -> None:
    usual = default_choices([OSS], TODAY)
    assert len(baselines(usual, TODAY)) == len(usual.apis) + len(usual.hosts) + len(usual.gpus)
    assert usual.apis
    assert usual.hosts
    assert default_choices([SMALL], TODAY).hosts == []


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.builds(
            use,
            st.integers(1, 3),
            st.sampled_from([OSS, SMALL]),
            st.integers(0, 10**9),
            st.integers(0, 10**8),
        ),
        max_size=5,
    )
)
def test_every_alternatives_rows_add_up_to_it(used: list[ModelUsage]) -> None:
    for offer in named(ranged(*used), CHOICES).values():
        digits = 8 if offer.kind == "marginal" else 2
        assert round(sum(row.known for row in offer.rows), digits) == round(offer.known, digits)
        assert offer.cost in (None, offer.known)


_PRICES = st.decimals(0, 10**6, places=4)


@given(st.from_regex(r"[^~]{1,60}", fullmatch=True), _PRICES, st.none() | _PRICES, _PRICES)
def test_a_stated_price_survives_the_address(
    name: str, input_price: Decimal, cached: Decimal | None, output: Decimal
) -> None:
    offer = OwnOffer(name.strip() or "Ours", input_price, cached, output)
    assert from_text(to_text(offer)) == offer


@pytest.mark.parametrize("text", ["Ours", "Ours~1~2", "Ours~-1~~2", "Ours~nan~~2", "Ours~1~~", ""])
def test_what_states_no_price_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        from_text(text)
