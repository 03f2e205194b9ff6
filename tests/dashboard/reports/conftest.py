"""A ledger of one's own: empty, or used for a month."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db import prices
from db.connect import connect
from db.migrate import migrate
from tests.dashboard.reports.books import add, at, person, request


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{tmp_path / 'ledger.db'}")
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def used(ledger: Engine) -> Engine:
    """Hardware for $36,000 over 36 months from 1 October 2025; two teams and one person in none.

    Platform used 3/4 of the energy and Data 1/4.
    """
    prices.set_prices(
        ledger,
        actor="test",
        hardware_price=36_000,
        hardware_life_months=36,
        in_service_date="2025-10-01",
        power_kw="0.5",
        pue="1.2",
        electricity_price_per_kwh="0.20",
        operations_per_month=310,
    )
    ada, platform = person(ledger, "Ada", "Platform")
    ken, data = person(ledger, "Ken", "Data")
    add(
        ledger,
        [
            request(ada, at(5), team_id=platform, energy_j=6_000.0),
            request(ada, at(6), team_id=platform, energy_j=3_000.0),
            request(ken, at(6, 15), team_id=data, energy_j=3_000.0),
        ],
    )
    return ledger
