"""A year of an organisation: as many requests as one likes, to measure with what years of use do
to a ledger."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.random import Generator
from sqlalchemy import Connection, Engine, Table, insert

from db import energy_rollups, months
from db.connect import writing
from db.errors import InvalidInput
from db.ids import now_ms
from db.prices import FOUNDING
from db.sample.metered import (
    MACHINES,
    energy_columns,
    interval_columns,
    meter,
    minutes_of,
    reading_columns,
)
from db.sample.organisation import TOOLS, Organisation, organise, share_out
from db.sample.rows import drop_indexes, insert_columns
from db.sample.target import Sample, empty, sample_database
from db.sample.workday import request_columns, work_done, workday
from db.schema import (
    ApiKey,
    CostSetting,
    Developer,
    EnergyInterval,
    GridIntensity,
    Limit,
    Membership,
    MeterReading,
    Request,
    Team,
)
from db.spans import HOUR_MS
from db.usage_rebuild import rebuild

DEVELOPERS, YEAR_DAYS = 500, 365
TRANSACTION_ROWS = 300_000

_requests: Table = Request.__table__  # type: ignore[assignment]
_intervals: Table = EnergyInterval.__table__  # type: ignore[assignment]
_readings: Table = MeterReading.__table__  # type: ignore[assignment]


def write_large_sample(
    url: str,
    requests: int,
    *,
    developers: int = DEVELOPERS,
    days: int = YEAR_DAYS,
    seed: int = 7,
    until_ms: int | None = None,
    progress: Callable[[int], None] = lambda _written: None,
) -> Sample:
    """Fill the sample database with the requests of `days` days that end now.

    `progress` is told of every day's requests once they are written. Memory stays that of a few
    days. One that is stopped halfway leaves a sample with fewer days.
    Raises InvalidInput where the database exists and is not marked as a sample.
    """
    for name, value in (("requests", requests), ("developers", developers), ("days", days)):
        if value < 1:
            raise InvalidInput(name, f"A sample has at least one of {name}, not {value}.")
    until = now_ms() if until_ms is None else until_ms
    rng = np.random.default_rng(seed)
    last_day = datetime.fromtimestamp(until / 1000).date()
    dates = [last_day - timedelta(days=back) for back in range(days - 1, -1, -1)]
    people = organise(rng, developers, dates)
    with sample_database(url) as engine:
        with writing(engine) as connection:
            empty(connection)
            _write_people(connection, people)
            _write_settings(connection, people)
            indexes = drop_indexes(connection, _requests, _intervals, _readings)
        _write_days(engine, rng, people, requests, until, progress)
        with writing(engine) as connection:
            for index in indexes:
                index.create(connection)
        with writing(engine) as connection:
            months.add(connection, months.recount(connection))
            rebuild(connection)
            energy_rollups.rebuild(connection)
    return Sample(developers, requests, days)


def _write_days(
    engine: Engine,
    rng: Generator,
    people: Organisation,
    requests: int,
    until: int,
    progress: Callable[[int], None],
) -> None:
    over = float(work_done((until - people.day_ms(len(people.days) - 1)) / HOUR_MS))
    shares = share_out(rng, people, requests, over)
    number = 0
    while number < len(people.days):
        written = 0
        with writing(engine) as connection:
            while number < len(people.days) and written < TRANSACTION_ROWS:
                _write_day(connection, rng, people, number, shares[number], until)
                written += int(shares[number].sum())
                number += 1
        progress(written)


def _write_day(
    connection: Connection,
    rng: Generator,
    people: Organisation,
    number: int,
    counts: Any,
    until: int,
) -> None:
    start, end = people.day_ms(number), min(people.day_ms(number + 1), until)
    year = people.day_ms(0), until
    minutes = [minutes_of(machine, start, end, year) for machine in MACHINES]
    day = workday(rng, people, number, counts, until)
    metered = meter(day, minutes)
    insert_columns(
        connection, _requests, request_columns(day, people) | energy_columns(day, metered)
    )
    monday = people.days[number].weekday() == 0
    for machine, its, used in zip(MACHINES, minutes, metered.used, strict=True):
        intervals = interval_columns(machine, its, used, monday)
        insert_columns(connection, _intervals, intervals)
        for readings in reading_columns(machine, its, intervals):
            insert_columns(connection, _readings, readings)


def _write_people(connection: Connection, people: Organisation) -> None:
    began, days = people.day_ms(0), len(people.days)
    teams = [
        {"id": number, "name": name, "created_at": began}
        for number, name in enumerate(people.teams, 1)
    ]
    connection.execute(insert(Team), teams)
    joined = [people.day_ms(day) for day in people.joined]
    left = [people.day_ms(day) if day < days else None for day in people.left]
    connection.execute(
        insert(Developer),
        [
            {"id": number, "name": name, "created_at": joined[number - 1],
             "archived_at": left[number - 1]}
            for number, name in enumerate(people.names, 1)
        ],
    )  # fmt: skip
    memberships = [
        {"developer_id": number, "team_id": int(team) + 1, "valid_from": 0,
         "role": "lead" if number <= len(people.teams) else "developer",
         "recorded_at": joined[number - 1]}
        for number, team in enumerate(people.team, 1)
    ]  # fmt: skip
    memberships += [
        {"developer_id": number, "team_id": int(people.next_team[number - 1]) + 1,
         "valid_from": people.day_ms(day), "role": "developer", "recorded_at": people.day_ms(day)}
        for number, day in enumerate(people.moved, 1) if day < days
    ]  # fmt: skip
    connection.execute(insert(Membership), memberships)
    owner = np.repeat(np.arange(len(people.names)), people.keys)
    keys = [
        {
            "id": number,
            "developer_id": int(developer) + 1,
            "name": TOOLS[people.key_tools[number - 1]],
            "prefix": "bk-sample",
            "hash": f"sample {number}",  # no text has this hash: a sample's key opens nothing
            "created_at": joined[developer],
            "revoked_at": left[developer],
        }
        for number, developer in enumerate(owner, 1)
    ]
    connection.execute(insert(ApiKey), keys)


def _write_settings(connection: Connection, people: Organisation) -> None:
    """Prices of which two change within the year, budgets of every tenth, and the grid's carbon."""
    days = len(people.days)
    seats = FOUNDING | {"hardware_name": "Two H100 GPUs", "power_kw": Decimal("1.4"),
                        "hardware_price": Decimal(62_000)}  # fmt: skip
    dearer = seats | {"seat_price_per_month": Decimal(180), "note": "New contract for the seats"}
    tariff = dearer | {"electricity_price_per_kwh": Decimal("0.23"), "electricity_basis": "metered",
                       "note": "New tariff of electricity, and the meter counts"}  # fmt: skip
    for day, values in ((None, seats), (days // 2, dearer), (days * 3 // 5, tariff)):
        at = 0 if day is None else people.day_ms(day)
        connection.execute(insert(CostSetting).values(recorded_at=at, valid_from=at, **values))
    budgets = [
        {"developer_id": number, "tokens_per_month": 200_000_000, "changed_at": people.day_ms(0)}
        for number in range(10, len(people.names) + 1, 10)
    ]
    if budgets:
        connection.execute(insert(Limit), budgets)
    connection.execute(
        insert(GridIntensity).values(
            recorded_at=0, valid_from=0, g_per_kwh=350.0, source="Made up for the sample"
        )
    )
