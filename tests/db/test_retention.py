"""Old rows go and what they add up to stays."""

import json
import threading
from datetime import date

import pytest
from sqlalchemy import Engine, text

from db import energy_queries, energy_rollups, prices, queries, retention, usage_rebuild
from db.check import check
from db.connect import reading, writing
from db.errors import InvalidInput
from db.expiry import LARGEST_BATCH, Removed, expire
from db.ledger import Ledger
from db.retention import Horizons, Recorded, Retention
from db.spans import DAY_MS, HOUR_MS
from tests.db.energy_rows import minute, request, write
from tests.db.energy_rows import reading as meter_reading
from tests.db.team import NOON, WAIT_S, Team, outcome, row, rows, window

TEN_DAYS_LATER = NOON + 10 * DAY_MS + 59 * 60_000
OLD = NOON - DAY_MS


def asked(ledger: Ledger, team: Team, at: int, joules: float = 3.0) -> int:
    """A whole request that took so many joules in a minute of 1 J idle."""
    request_id = team.admit(ledger, at=at)
    ledger.record_energy(window({request_id: joules}, at=at)).result(WAIT_S)
    ledger.finish(outcome(request_id, at=at + 2_000)).result(WAIT_S)
    return request_id


def kept(engine: Engine) -> Horizons:
    with reading(engine) as connection:
        return retention.horizons(connection)


def broken(engine: Engine) -> list[str]:
    return [violation.rule for violation in check(engine).violations]


def test_everything_is_kept_where_nobody_has_said_otherwise(ledger: Ledger, team: Team) -> None:
    request_id = asked(ledger, team, OLD)
    assert expire(ledger.engine, at=TEN_DAYS_LATER + 10_000 * DAY_MS) == Removed(0, 0)
    assert row(ledger.engine, request_id)["status"] == "ok"
    assert kept(ledger.engine) == Horizons(None, None)


def test_requests_before_the_hour_go_and_those_in_it_stay(ledger: Ledger, team: Team) -> None:
    asked(ledger, team, NOON - 1)
    asked(ledger, team, OLD)
    stays = [asked(ledger, team, NOON), asked(ledger, team, NOON + 30 * 60_000)]
    retention.set_retention(ledger.engine, Retention(requests_days=10), actor="test")
    # Ten days before 12:59 is 12:59: only whole hours go, so the last one to go ends at 12:00.
    assert expire(ledger.engine, at=TEN_DAYS_LATER) == Removed(2, 0)
    assert [it["id"] for it in rows(ledger.engine, "requests")] == stays
    assert kept(ledger.engine) == Horizons(NOON, None)
    assert len(rows(ledger.engine, "energy_intervals")) == 4


def test_minutes_go_from_both_tables_and_requests_stay(ledger: Ledger, team: Team) -> None:
    request_id = asked(ledger, team, OLD)
    for at in (OLD, OLD + 60_000, NOON):
        write(ledger.engine, readings=[meter_reading("package-0", 4.0, at=at)])
    asked(ledger, team, NOON)
    retention.set_retention(ledger.engine, Retention(minutes_days=10), actor="test")
    assert expire(ledger.engine, at=TEN_DAYS_LATER) == Removed(0, 3)
    assert [it["minute_at"] for it in rows(ledger.engine, "energy_intervals")] == [NOON]
    assert [it["minute_at"] for it in rows(ledger.engine, "meter_readings")] == [NOON]
    assert row(ledger.engine, request_id)["energy_j"] == 3.0
    assert kept(ledger.engine) == Horizons(None, OLD + HOUR_MS)


@pytest.mark.parametrize(
    "setting", [Retention(10, None), Retention(None, 10), Retention(10, 10), Retention(1, 5)]
)
def test_the_ledger_breaks_no_rule_after_retention(
    ledger: Ledger, team: Team, setting: Retention
) -> None:
    for at in (OLD - 40 * DAY_MS, OLD, NOON, NOON + DAY_MS):
        asked(ledger, team, at, joules=0.1)
    retention.set_retention(ledger.engine, setting, actor="test")
    expire(ledger.engine, at=TEN_DAYS_LATER)
    assert broken(ledger.engine) == []


def test_damage_is_found_after_retention_as_before(ledger: Ledger, team: Team) -> None:
    asked(ledger, team, OLD - 40 * DAY_MS)
    asked(ledger, team, NOON)
    retention.set_retention(ledger.engine, Retention(10, 10), actor="test")
    expire(ledger.engine, at=TEN_DAYS_LATER)
    with writing(ledger.engine) as connection:
        connection.exec_driver_sql("UPDATE requests SET energy_j = energy_j + 1")
    assert "the requests' joules are those that the intervals attribute" in broken(ledger.engine)
    with writing(ledger.engine) as connection:
        connection.exec_driver_sql("UPDATE requests SET energy_j = energy_j - 1")
        connection.exec_driver_sql("UPDATE monthly_use SET requests = 0 WHERE month = '2026-01'")
    assert broken(ledger.engine) == ["a month's use is what its requests add up to"]


def test_a_months_use_stays_when_its_requests_go(ledger: Ledger, team: Team) -> None:
    asked(ledger, team, OLD)
    before = rows(ledger.engine, "monthly_use")
    retention.set_retention(ledger.engine, Retention(1, 1), actor="test")
    expire(ledger.engine, at=TEN_DAYS_LATER)
    assert rows(ledger.engine, "requests") == []
    assert rows(ledger.engine, "monthly_use") == before != []


def test_a_request_that_still_runs_is_never_deleted(ledger: Ledger, team: Team) -> None:
    running = team.admit(ledger, at=OLD)
    retention.set_retention(ledger.engine, Retention(requests_days=1), actor="test")
    assert expire(ledger.engine, at=TEN_DAYS_LATER) == Removed(0, 0)
    ledger.finish(outcome(running, at=NOON)).result(WAIT_S)
    assert expire(ledger.engine, at=TEN_DAYS_LATER) == Removed(1, 0)


def test_many_rows_go_in_batches_and_a_stop_ends_it_between_two(ledger: Ledger, team: Team) -> None:
    written = [request(team.ada, at=OLD + number) for number in range(1_700)]
    write(ledger.engine, requests=written)
    retention.set_retention(ledger.engine, Retention(requests_days=1), actor="test")
    stop = threading.Event()
    stop.set()
    assert expire(ledger.engine, stop=stop, at=TEN_DAYS_LATER) == Removed(0, 0)
    assert expire(ledger.engine, at=TEN_DAYS_LATER) == Removed(1_700, 0)
    (horizon,) = rows(ledger.engine, "horizons")
    assert (horizon["kept_from"], horizon["removed"]) == (OLD + HOUR_MS, 1_700)


def test_two_processes_may_delete_at_once(ledger: Ledger, team: Team) -> None:
    joules = [{"energy_j": 0.5, "energy_source": "rapl"}] * 3_000
    written = [request(team.ada, at=OLD + n, **more) for n, more in enumerate(joules)]
    write(ledger.engine, requests=written, minutes=[minute(OLD, attributed_j=1_500.0)])
    retention.set_retention(ledger.engine, Retention(requests_days=1), actor="test")
    removed: list[Removed] = []
    threads = [
        threading.Thread(
            target=lambda: removed.append(expire(ledger.engine, at=TEN_DAYS_LATER))
        )
        for _ in range(2)
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each.requests for each in removed) == 3_000
    (horizon,) = rows(ledger.engine, "horizons")
    assert (horizon["removed"], horizon["removed_j"]) == (3_000, 1_500.0)


def test_the_gateways_writes_go_on_while_rows_are_deleted(ledger: Ledger, team: Team) -> None:
    """Admissions come in between the batches, on a disk that syncs slowly too."""
    write(ledger.engine, requests=[request(team.ada, at=OLD + n) for n in range(10_000)])
    retention.set_retention(ledger.engine, Retention(requests_days=1), actor="test")
    done: list[Removed] = []
    deleting = threading.Thread(
        target=lambda: done.append(expire(ledger.engine, at=TEN_DAYS_LATER))
    )
    admitted = 0
    deleting.start()
    while deleting.is_alive():
        team.admit(ledger, at=TEN_DAYS_LATER)
        admitted += 1
    assert done == [Removed(10_000, 0)]
    assert admitted > 10_000 // LARGEST_BATCH


def test_the_hardwares_first_day_outlives_the_first_request(ledger: Ledger, team: Team) -> None:
    asked(ledger, team, OLD - 3 * DAY_MS)
    asked(ledger, team, NOON + 5 * DAY_MS)
    first_day = date(2025, 12, 28)
    assert prices.current_prices(ledger.engine).in_service_date == first_day
    retention.set_retention(ledger.engine, Retention(requests_days=5), actor="test")
    assert expire(ledger.engine, at=TEN_DAYS_LATER) == Removed(1, 0)
    assert prices.current_prices(ledger.engine).in_service_date == first_day


def test_settings_are_dated_and_none_is_lost(ledger: Ledger) -> None:
    retention.set_retention(ledger.engine, Retention(400, 90), actor="ada")
    retention.set_retention(ledger.engine, Retention(), actor="grace")
    assert retention.current(ledger.engine) == Retention(None, None)
    found = retention.history(ledger.engine)
    assert [(it.actor, it.retention) for it in found] == [
        ("grace", Retention()),
        ("ada", Retention(400, 90)),
    ]
    assert isinstance(found[0], Recorded)
    assert json.loads(rows(ledger.engine, "audit")[-1]["detail"]) == {
        "was": {"requests_days": 400, "minutes_days": 90},
        "now": {"requests_days": None, "minutes_days": None},
    }


@pytest.mark.parametrize("days", [0, -1, 36_501])
def test_less_than_a_day_or_more_than_a_century_is_refused(ledger: Ledger, days: int) -> None:
    with pytest.raises(InvalidInput, match="1 to 36,500 days"):
        retention.set_retention(ledger.engine, Retention(minutes_days=days), actor="test")
    assert rows(ledger.engine, "retention_settings") == []


def test_what_would_go_is_told_beforehand(ledger: Ledger, team: Team) -> None:
    asked(ledger, team, OLD)
    asked(ledger, team, NOON)
    write(ledger.engine, readings=[meter_reading("package-0", 4.0, at=OLD)])
    told = retention.due(ledger.engine, Retention(10, 10), at=TEN_DAYS_LATER)
    assert (told.requests, told.minutes) == (1, 2)
    assert (told.requests_before, told.minutes_before) == (NOON, NOON)
    retention.set_retention(ledger.engine, Retention(10, 10), actor="test")
    assert expire(ledger.engine, at=TEN_DAYS_LATER) == Removed(told.requests, told.minutes)


def test_a_rebuild_mends_what_has_rows_and_keeps_what_is_left_of_deleted_ones(
    ledger: Ledger, team: Team
) -> None:
    asked(ledger, team, OLD)
    asked(ledger, team, NOON)
    ledger.close()
    retention.set_retention(ledger.engine, Retention(10, 10), actor="test")
    assert expire(ledger.engine, at=TEN_DAYS_LATER) == Removed(1, 1)
    tables = ("usage_hours", "usage_periods", "usage_models", "usage_times", "energy_sources")
    before = {table: rows(ledger.engine, table) for table in tables}
    with writing(ledger.engine) as connection:
        for table in tables:
            recent = f"start_at >= {NOON}" + (" OR span = 'day'" if "hours" not in table else "")
            connection.execute(text(f"DELETE FROM {table} WHERE {recent}"))
    assert broken(ledger.engine)
    with writing(ledger.engine) as connection:
        kept_from = retention.horizons(connection)
        usage_rebuild.rebuild(connection, kept_from.requests_from)
        energy_rollups.rebuild(connection, kept_from.minutes_from)
    assert broken(ledger.engine) == []
    for table in tables:
        assert sorted(map(str, rows(ledger.engine, table))) == sorted(map(str, before[table]))


@pytest.mark.parametrize("minutes", [0, 15, 30, 45])
def test_a_days_figures_stay_as_they_were_when_its_requests_are_deleted_in_every_zone(
    ledger: Ledger, team: Team, minutes: int
) -> None:
    """Local days of some zones begin on a half or a quarter of UTC's hours."""
    for number in range(60):
        asked(ledger, team, OLD + number * 7 * 60_000)
    ledger.close()
    start = OLD + HOUR_MS + minutes * 60_000
    end = start + 4 * HOUR_MS

    def told() -> list[object]:
        bucket = HOUR_MS if minutes == 0 else 15 * 60_000
        line = queries.timeline(ledger.engine, start, end, bucket)
        return [
            queries.totals(ledger.engine, start, end),
            queries.by_developer(ledger.engine, start, end).to_dict(),
            queries.by_team(ledger.engine, start, end).to_dict(),
            energy_queries.work_by_model(ledger.engine, start, end)["requests"].sum(),
            line.to_dict(),
        ]

    before = told()
    totals = queries.totals(ledger.engine, start, end)
    expected = sum(start <= it["started_at"] < end for it in rows(ledger.engine, "requests"))
    assert totals.requests == expected > 30
    retention.set_retention(ledger.engine, Retention(requests_days=10), actor="test")
    assert expire(ledger.engine, at=TEN_DAYS_LATER).requests == 60
    assert told() == before
    assert queries.timeline(ledger.engine, start + 1, end, 60_000)["requests"].sum() == expected
    assert broken(ledger.engine) == []
