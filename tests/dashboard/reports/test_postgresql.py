"""A ledger on PostgreSQL gives the same files as one on SQLite."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from dashboard.reports.exports import What
from db import prices
from db.connect import connect
from db.migrate import migrate
from tests.dashboard.reports import books
from tests.dashboard.reports.books import BERLIN, at, exported, person, request
from tests.postgresql import Server


def filled(url: str) -> Engine:
    engine = connect(url)
    migrate(engine)
    prices.set_prices(engine, actor="test", in_service_date="2025-09-15", pue="1.25")
    ada, platform = person(engine, "Ada", "Platform")
    ken, _ = person(engine, "Ken")
    unknown = {"energy_j": None, "energy_basis": "unknown", "energy_uncertainty_j": None}
    books.add(
        engine,
        [
            request(ada, at(5), id=5, team_id=platform),
            request(ada, at(5), id=4, team_id=platform, model="large-moe", energy_j=0.1 + 0.2),
            request(ken, at(6, 23), id=6, status="error", **unknown),
        ],
    )
    books.meter(engine, at(5), 1_000.0, minutes=3)
    return engine


@pytest.mark.parametrize("what", ["requests", "usage", "focus"])
def test_both_databases_give_the_same_file(postgresql: Server, tmp_path: Path, what: What) -> None:
    url = postgresql.database()
    server, file = filled(url), filled(f"sqlite:///{tmp_path / 'ledger.db'}")
    try:
        one = exported(server, what, zone=BERLIN)
        other = exported(file, what, zone=BERLIN)
        assert one == other
        assert one.count(b"\r\n") > 3
    finally:
        server.dispose()
        file.dispose()
        postgresql.give_back(url)
