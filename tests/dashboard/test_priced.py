"""What a ledger's own requests would have cost elsewhere, calculated by hand."""

from collections.abc import Iterator
from datetime import UTC, date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from dashboard.costs.baselines import TYPICAL, Api, Hosted, Plan, Seats, lines_of
from dashboard.priced import imported_usage, metered_usage, would_have_cost
from db import people
from db.ledger import Ledger
from tests.db.importers.rows import import_files
from tests.db.team import NOON, WAIT_S, Team, outcome

HOUR = 3_600_000
JANUARY = (1_767_225_600_000, 1_769_904_000_000)
MARCH = (1_772_323_200_000, 1_775_001_600_000)
DAY = date(2026, 11, 20)
OPUS = Api(kind="api", name="Opus", valid_from=DAY, source="list prices", model="claude-opus-5")
BY_NAME = Api(kind="api", name="By name", valid_from=DAY, source="list prices")
OPENROUTER = Hosted(
    kind="hosted", name="OpenRouter", valid_from=DAY, source="list prices", provider="openrouter"
)
SEATS = Seats(
    kind="seats", name="Seats", valid_from=DAY, source="the vendor's page", currency="USD",
    plans=(Plan(name="Max", price_per_month=200, developers=2),),
)  # fmt: skip


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    ledger.open()
    yield ledger
    ledger.close()


@pytest.fixture
def used(ledger: Ledger) -> Ledger:
    """Ada: 2 million input tokens, of which 500,000 cached, and 300,000 output of gpt-oss-120b, in
    two requests. Grace: 1 million and 100,000 of a model that nobody hosts."""
    ada = people.add_developer(ledger.engine, "Ada", actor="test").id
    grace = people.add_developer(ledger.engine, "Grace", actor="test").id
    ask(ledger, ada, "Ada", "gpt-oss-120b", NOON, (1_200_000, 500_000, 200_000))
    ask(ledger, ada, "Ada", "gpt-oss-120b", NOON + 30 * HOUR, (800_000, 0, 100_000))
    ask(ledger, grace, "Grace", "SmolLM2-135M-Instruct", NOON + HOUR, (1_000_000, 0, 100_000))
    return ledger


def ask(
    ledger: Ledger, who: int, name: str, model: str, at: int, counts: tuple[int, int, int]
) -> None:
    request_id = Team(who, key=0).admit(
        ledger, at=at, api_key_id=None, developer_name=name, model=model, input_tokens=counts[0]
    )
    done = outcome(request_id, at=at + 9, cached_input_tokens=counts[1], output_tokens=counts[2])
    ledger.finish(done).result(WAIT_S)


def test_these_very_requests_at_a_vendors_api(used: Ledger) -> None:
    (opus,) = would_have_cost(used.engine, *JANUARY, [OPUS], UTC)
    # Claude Opus 5: $5 in, $0.50 cached, $25 out. Ada: 1.5 × 5 + 0.5 × 0.5 + 0.3 × 25 = $15.25;
    # Grace: 1 × 5 + 0.1 × 25 = $7.50.
    assert [(row.name, row.cost) for row in opus.metered.rows] == [
        ("Ada", Decimal("15.25")),
        ("Grace", Decimal("7.50")),
    ]
    assert opus.metered.cost == Decimal("22.75")
    assert (opus.metered.origin, opus.imported) == ("ledger", None)


def test_these_very_requests_at_a_host_of_the_same_model(used: Ledger) -> None:
    (hosted,) = would_have_cost(used.engine, *JANUARY, [OPENROUTER], UTC)
    # OpenRouter in November 2026: $0.10 in (no price for cached ones), $0.50 out: 0.20 + 0.15.
    ada, grace = hosted.metered.rows
    assert (ada.cost, ada.requests, ada.input_tokens) == (Decimal("0.35"), 2, 2_000_000)
    assert grace.known == 0
    assert grace.cost is None
    assert "no price of openrouter for SmolLM2-135M-Instruct" in grace.reasons[0]
    assert hosted.metered.known == Decimal("0.35")
    assert hosted.metered.cost is None


def test_the_same_time_in_seats_and_on_rented_gpus(used: Ledger) -> None:
    (rent,) = [each for each in TYPICAL if "Community" in each.source]
    seats, rented = would_have_cost(used.engine, *JANUARY, [SEATS, rent.rented(1)], UTC)
    assert seats.metered.cost == 400
    # 744 h × $2.69 = $2,001.36, by 2.3 to 1.1 million tokens: × 23/34 = 1,353.861… and 647.498….
    assert rented.metered.cost == Decimal("2001.36")
    assert [row.cost for row in rented.metered.rows] == [Decimal("1353.86"), Decimal("647.50")]


def test_what_ranges_cost_adds_up_wherever_they_are_cut(used: Ledger) -> None:
    def cost(start: int, end: int) -> Fraction:
        lines = lines_of(metered_usage(used.engine, start, end), OPUS).lines
        return sum((line.amount for line in lines if line.amount is not None), Fraction(0))

    cuts = [JANUARY[0], NOON, NOON + 1, NOON + HOUR, NOON + 31 * HOUR, JANUARY[1]]
    assert sum(cost(start, end) for start, end in pairwise(cuts)) == cost(*JANUARY) == 22.75
    assert cost(NOON + 1, NOON + HOUR) == 0


def test_imported_use_is_priced_apart_and_says_so(used: Ledger) -> None:
    import_files(used.engine, "claude_code.jsonl")
    by_name, seats = would_have_cost(used.engine, *MARCH, [BY_NAME, SEATS], UTC)
    assert not by_name.metered.rows
    assert by_name.metered.cost == 0
    assert seats.imported is None
    assert by_name.imported is not None
    assert by_name.imported.origin == "imported"
    # Claude Opus 4.6, in millionths: 3 × 5 + 22,137 × 0.5 + 2,285 × 6.25 + 159 × 25 = 29,339.75;
    # Haiku 4.5: 1,000 × 1 + 50 × 5 = 1,250.
    lines = lines_of(imported_usage(used.engine, *MARCH), BY_NAME).lines
    assert {line.item: line.amount for line in lines} == {
        "claude-opus-4-6": Fraction("0.02933975"),
        "claude-haiku-4-5-20251001": Fraction("0.00125"),
    }
    assert by_name.imported.cost == Decimal("0.03")
    assert any("cached tokens are not told" in note for note in by_name.imported.notes)


def test_an_empty_range_costs_nothing_by_the_token(used: Ledger) -> None:
    (opus,) = would_have_cost(used.engine, 0, 1, [OPUS], UTC)
    assert not opus.metered.rows
    assert opus.metered.cost == 0
