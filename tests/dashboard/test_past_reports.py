"""What is changed today does not change what was told of last quarter."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from dashboard.costs.comparison import compare
from dashboard.costs.models import Comparison
from dashboard.sides import developers_of, segments_of
from db import people, prices
from db.connect import reading
from db.ledger import Ledger
from db.schema import Team as TeamRow
from db.schema import UsagePeriod
from tests.db.team import NOON, WAIT_S, Team, outcome, window

UTC = ZoneInfo("UTC")
QUARTER = (1_767_225_600_000, 1_775_001_600_000)  # January to March 2026
CHANGES: dict[str, Any] = {
    "hardware_price": 99_000,
    "hardware_name": "Eight GPUs",
    "hardware_life_months": 12,
    "residual_value": 7,
    "power_kw": "5.5",
    "pue": "1.9",
    "electricity_price_per_kwh": "0.99",
    "electricity_basis": "metered",
    "operations_per_month": 1_234,
    "seat_price_per_month": "39.50",
}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Two developers of two teams who used it in January, with prices that somebody set."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    ledger.open()
    prices.set_prices(ledger.engine, actor="test", seat_price_per_month=60, pue="1.2")
    for number, name in enumerate(("Ada", "Grace")):
        person = people.add_developer(ledger.engine, name, f"Team of {name}", actor="test")
        user = Team(person.id, 0)
        asked = user.admit(ledger, at=NOON + number, api_key_id=None, developer_name=name)
        ledger.record_energy(window({asked: 5.0 + number})).result(WAIT_S)
        ledger.finish(outcome(asked)).result(WAIT_S)
    yield ledger
    ledger.close()


def report(ledger: Ledger) -> Comparison:
    segments = segments_of(ledger.engine, *QUARTER)
    return compare(segments, developers_of(ledger.engine, UTC), UTC)


def by_team(ledger: Ledger) -> dict[str, tuple[int, float]]:
    """Output tokens and joules of the quarter's months, by team."""
    u = UsagePeriod
    query = (
        select(TeamRow.name, func.sum(u.output_tokens), func.sum(u.energy_j))
        .join(TeamRow, TeamRow.id == u.team_id)
        .where(u.span == "month", u.start_at >= QUARTER[0], u.start_at < QUARTER[1])
        .group_by(TeamRow.name)
    )
    with reading(ledger.engine) as connection:
        return {name: (tokens, joules) for name, tokens, joules in connection.execute(query)}


@pytest.mark.parametrize("name", CHANGES)
def test_last_quarter_is_the_same_to_the_cent_after_a_price_changes_today(
    ledger: Ledger, name: str
) -> None:
    before = report(ledger)
    prices.set_prices(ledger.engine, actor="test", **{name: CHANGES[name]})
    assert report(ledger) == before


def test_it_is_another_one_where_the_change_is_dated_back(ledger: Ledger) -> None:
    before = report(ledger)
    prices.set_prices(ledger.engine, actor="test", valid_from=QUARTER[0], **CHANGES)
    assert report(ledger) != before


def test_last_quarters_costs_of_teams_are_the_same_after_somebody_moves_today(
    ledger: Ledger,
) -> None:
    before = report(ledger)
    assert [(row.name, row.requests) for row in before.teams] == [
        ("Team of Ada", 1),
        ("Team of Grace", 1),
    ]
    people.set_team(ledger.engine, 1, "Team of Grace", actor="test")
    assert report(ledger) == before
    people.set_team(ledger.engine, 1, "Team of Grace", actor="test", valid_from=QUARTER[0])
    moved = {row.name: row for row in report(ledger).teams}
    assert moved["Team of Grace"].requests == 2
    assert sum(row.fully_loaded for row in moved.values()) == before.self_hosted_total


def test_last_quarters_teams_are_the_same_after_somebody_moves_today(ledger: Ledger) -> None:
    before = {"Team of Ada": (25, 5.0), "Team of Grace": (25, 6.0)}
    assert by_team(ledger) == before
    people.set_team(ledger.engine, 1, "Team of Grace", actor="test")
    assert by_team(ledger) == before
    people.set_team(ledger.engine, 1, "Team of Grace", actor="test", valid_from=QUARTER[0])
    assert {name: of for name, of in by_team(ledger).items() if of[0]} == {
        "Team of Grace": (50, 11.0)
    }
