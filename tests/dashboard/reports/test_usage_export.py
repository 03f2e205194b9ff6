"""Daily usage: by hand, and the same sums as the pages'."""

from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from db import queries
from db.export_queries import Whose
from tests.dashboard.reports.books import (
    BERLIN,
    OCTOBER,
    UTC_ZONE,
    add,
    at,
    exported,
    parquet_of,
    person,
    request,
    rows_of,
)


@pytest.fixture
def used(ledger: Engine) -> Engine:
    ada, platform = person(ledger, "Ada", "Platform")
    ken, _ = person(ledger, "Ken")
    unknown = {"energy_j": None, "energy_basis": "unknown", "energy_uncertainty_j": None}
    add(
        ledger,
        [
            request(ada, at(5, 1), team_id=platform),
            request(ada, at(5, 23, 30), team_id=platform, energy_j=1_800.0, status="error"),
            request(ada, at(5, 2), team_id=platform, model="large-moe"),
            request(ken, at(5, 3), **unknown, counts_exact=False),
            request(ken, at(6), status="running", energy_basis=None, energy_j=None),
        ],
    )
    return ledger


def test_a_row_is_a_day_of_a_developer_a_team_and_a_model(used: Engine) -> None:
    rows = rows_of(exported(used, "usage"))
    assert [(row["day"], row["developer"], row["team"], row["model"]) for row in rows] == [
        ("2025-10-05", "Ada", "Platform", "large-moe"),
        ("2025-10-05", "Ada", "Platform", "small-moe"),
        ("2025-10-05", "Ken", "", "small-moe"),
        ("2025-10-06", "Ken", "", "small-moe"),
    ]
    assert rows[1] == {
        "day": "2025-10-05",
        "starts_at": "2025-10-05T00:00:00Z",
        "developer": "Ada",
        "team": "Platform",
        "model": "small-moe",
        "requests": "2",
        "running": "0",
        "ok": "1",
        "errors": "1",
        "cancelled": "0",
        "interrupted": "0",
        "input_tokens": "80",
        "cached_input_tokens": "20",
        "output_tokens": "50",
        "estimated_counts": "0",
        "energy_j": "5400.0",
        "energy_unknown": "0",
        "energy_partial": "0",
        "energy_uncertainty_j": "360.0",
    }
    assert (rows[2]["energy_j"], rows[2]["energy_unknown"], rows[2]["estimated_counts"]) == (
        "",
        "1",
        "1",
    )
    assert rows[2]["energy_uncertainty_j"] == ""
    assert (rows[3]["running"], rows[3]["energy_j"], rows[3]["energy_unknown"]) == ("1", "", "0")


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns"])
def test_days_are_the_readers_and_sum_to_the_pages_figures(used: Engine, zone: str) -> None:
    rows = rows_of(exported(used, "usage", zone=ZoneInfo(zone)))
    days = {row["day"] for row in rows if row["model"] == "small-moe" and row["errors"] == "1"}
    later = zone in ("Europe/Berlin", "Asia/Kolkata")  # 23:30 UTC is the 6th there
    assert days == {"2025-10-06" if later else "2025-10-05"}
    totals = queries.totals(used, at(1, 0) - 43_200_000, at(31, 23))
    for name in ("requests", "input_tokens", "output_tokens", "errors", "energy_unknown"):
        assert sum(int(row[name]) for row in rows) == getattr(totals, name), name
    assert sum(float(row["energy_j"] or 0) for row in rows) == totals.energy_j


def test_one_developers_or_one_teams_usage_can_be_had_alone(used: Engine) -> None:
    with used.connect() as connection:
        platform = connection.exec_driver_sql("SELECT id FROM teams").scalar()
        ken = connection.exec_driver_sql("SELECT id FROM developers WHERE name='Ken'").scalar()
    of_team = rows_of(exported(used, "usage", whose=Whose(team_id=platform)))
    assert {row["developer"] for row in of_team} == {"Ada"}
    of_ken = rows_of(exported(used, "usage", whose=Whose(developer_id=ken)))
    assert {row["developer"] for row in of_ken} == {"Ken"}


def test_without_use_there_is_a_header_alone(ledger: Engine) -> None:
    assert exported(ledger, "usage", days=OCTOBER, zone=BERLIN).decode().count("\r\n") == 1
    assert parquet_of(exported(ledger, "usage", "parquet", zone=UTC_ZONE)).num_rows == 0
