"""What minutes add up to, against sums over the minutes in plain Python."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd
import pytest
from alembic import command
from alembic.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, insert, text

import db.migrations
from db import energy_queries, months, queries
from db.check import check
from db.connect import connect, writing
from db.energy_rollups import differences
from db.energy_writes import book_energy
from db.ledger import Ledger
from db.migrate import migrate
from db.records import DeviceEnergy, EnergyRecord
from db.schema import EnergyInterval, MeterReading
from tests.db import energy_oracle as oracle
from tests.db.energy_rows import minute, reading, unknown_minute, write
from tests.db.team import NOON, WAIT_S, rows

MINUTE = 60_000
QUARTER, HOUR, DAY = 15 * MINUTE, 60 * MINUTE, 24 * 60 * MINUTE
MIDNIGHT = NOON - 12 * HOUR
INDIA = MIDNIGHT - 11 * HOUR // 2  # midnight there, 5 h 30 min ahead
TABLES = ("energy_times", "energy_bases", "energy_sources", "meter_times", "machine_times")

Basis = Literal["measured", "estimated", "partial", "unknown"]
BASES: tuple[Basis, ...] = get_args(Basis)
METERS: tuple[tuple[str, Literal["processor", "accelerator", "machine"]], ...] = (
    ("rapl", "processor"),
    ("nvml", "accelerator"),
    ("wall", "machine"),
    ("bmc", "machine"),
)

# Close together, so that windows meet in a minute, and around where spans begin.
minutes = st.builds(
    lambda near, off: near + off * MINUTE,
    st.sampled_from((INDIA, MIDNIGHT, NOON, MIDNIGHT + DAY, MIDNIGHT + 9 * DAY)),
    st.integers(-20, 20),
)
joules = st.floats(0, 1e6) | st.just(0.0)


@st.composite
def windows(draw: st.DrawFn) -> EnergyRecord:
    at = draw(minutes) + draw(st.integers(0, 59)) * 1_000
    basis = draw(st.sampled_from(BASES))
    known = basis != "unknown"
    parts: dict[str, Any] = {
        f"{name}_j": draw(joules) if known else 0.0 for name in ("overhead", "loading", "other")
    }
    idle_j = draw(joules) if known else None
    devices = [
        DeviceEnergy(
            meter, "0", kind, draw(st.sampled_from(("measured", "estimated"))),
            draw(st.sampled_from((0.05, 0.4))), draw(joules | st.none()),
        )
        for meter, kind in draw(st.lists(st.sampled_from(METERS), unique=True))
    ]  # fmt: skip
    return EnergyRecord(
        at, at + 1_000, draw(st.sampled_from((0.0, 1.0, 0.25))),
        None if idle_j is None else idle_j + sum(parts.values()), idle_j, {},
        basis, draw(st.sampled_from(("rapl", "nvml+rapl"))),
        machine=draw(st.sampled_from(("here", "gpu-1", "gpu-2"))),
        uncertainty_j=draw(joules | st.none()) if known else None, devices=devices, **parts,
    )  # fmt: skip


moments = st.builds(lambda at, off: at + off, minutes, st.sampled_from((0, 0, 1, 30_000)))
sizes = st.sampled_from(
    (MINUTE, 10 * MINUTE, QUARTER, 17 * MINUTE, HOUR, 97 * MINUTE, 3 * HOUR, DAY, 7 * DAY)
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A ledger that every example clears."""
    engine = connect(f"sqlite:///{tmp_path_factory.mktemp('energy') / 'ledger.db'}")
    migrate(engine)
    yield engine
    engine.dispose()


def book(engine: Engine, batches: list[list[EnergyRecord]]) -> None:
    """These windows alone, a transaction a batch."""
    clear(engine, "energy_intervals", "meter_readings", *TABLES)
    for batch in batches:
        with writing(engine) as connection:
            book_energy(connection, batch, months.tally())


def clear(engine: Engine, *tables: str) -> None:
    with writing(engine) as connection:
        for table in tables:
            connection.execute(text(f"DELETE FROM {table}"))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(windows(), min_size=1, max_size=8), max_size=8), st.data())
def test_every_query_tells_what_the_minutes_add_up_to(
    engine: Engine, batches: list[list[EnergyRecord]], data: st.DataObject
) -> None:
    book(engine, batches)
    with engine.connect() as connection:
        assert differences(connection) == []
    for _ in range(3):
        start, end = sorted((data.draw(moments), data.draw(moments)))
        compare(engine, start, end, data.draw(sizes))
    compare(engine, 0, 2**42, DAY * 30)


def compare(engine: Engine, start: int, end: int, size: int) -> None:
    intervals, readings = rows(engine, "energy_intervals"), rows(engine, "meter_readings")
    assert asdict(queries.energy_between(engine, start, end)) == near(
        oracle.between(intervals, start, end)
    )
    told = energy_queries
    for found, wanted in (
        (queries.energy_timeline(engine, start, end, size),
         oracle.timeline(intervals, start, end, size)),
        (told.energy_by_time(engine, start, end, size),
         oracle.by_time(intervals, start, end, size)),
        (told.energy_by_quarter(engine, start, end), oracle.by_quarter(intervals, start, end)),
        (told.meters(engine, start, end), oracle.meters(readings, start, end)),
        (told.whole_and_parts(engine, start, end), oracle.wholes(readings, start, end)),
    ):  # fmt: skip
        assert records(found) == [near(row) for row in wanted]


def records(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    return [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]


def near(row: Any) -> Any:
    """The same to 1e-9 of it."""
    if isinstance(row, dict):
        return {name: near(value) for name, value in row.items()}
    return pytest.approx(row, rel=1e-9, abs=1e-6) if isinstance(row, float) else row


def test_the_day_of_a_reader_in_india_has_its_half_hours(engine: Engine) -> None:
    clear(engine, "energy_intervals", "meter_readings")
    ats = (INDIA - MINUTE, INDIA, INDIA + DAY - MINUTE, INDIA + DAY)
    write(engine, minutes=[minute(at, idle_j=10.0**n) for n, at in enumerate(ats)])
    assert queries.energy_between(engine, INDIA, INDIA + DAY).total_j == 110.0
    line = queries.energy_timeline(engine, INDIA - DAY, INDIA + 2 * DAY, DAY)
    assert line["total_j"].tolist() == [1.0, 110.0, 1_000.0]


def test_machines_that_are_silent_together_are_silent_once(engine: Engine) -> None:
    clear(engine, "energy_intervals", "meter_readings")
    machines = ("here", "gpu-1", "gpu-2")
    write(
        engine,
        minutes=[
            unknown_minute(NOON + n * MINUTE, machine=name) for n in range(60) for name in machines
        ],
    )
    (row,) = energy_queries.energy_by_time(engine, NOON, NOON + HOUR, HOUR).to_dict("records")
    assert row["unknown_ms"] == HOUR
    assert queries.energy_between(engine, NOON, NOON + HOUR).unknown_s == 3_600


def test_minutes_of_an_estimate_are_compared_with_the_whole_apart(engine: Engine) -> None:
    clear(engine, "energy_intervals", "meter_readings")
    wall = {"meter": "wall", "kind": "machine"}
    found = [reading("plug", 300.0, NOON + n * MINUTE, **wall) for n in range(3)]
    found += [reading("package-0", 200.0, NOON + n * MINUTE) for n in range(2)]
    found += [reading("package-0", 90.0, NOON + 2 * MINUTE, basis="estimated")]
    write(engine, readings=found)
    told = energy_queries.whole_and_parts(engine, NOON, NOON + HOUR).to_dict("records")
    assert [(row["estimated"], row["minutes"], row["parts_j"]) for row in told] == [
        (0, 2, 400.0),
        (1, 1, 90.0),
    ]


def test_whole_hours_are_told_but_where_something_changes_within_one(engine: Engine) -> None:
    clear(engine, "energy_intervals", "meter_readings")
    write(engine, minutes=[minute(NOON + n * MINUTE, idle_j=1.0) for n in range(180)])
    change = NOON + HOUR + 20 * MINUTE
    found = energy_queries.energy_by_quarter(
        engine, NOON, NOON + 3 * HOUR, whole_hours=True, changes=[change, NOON + 2 * HOUR]
    )
    starts = ((found["bucket_ms"] - NOON) // MINUTE).tolist()
    assert starts == [0, 60, 75, 90, 105, 120]
    assert found["total_j"].tolist() == [60.0, 15.0, 15.0, 15.0, 15.0, 60.0]


def test_hours_may_begin_at_a_quarter_of_utcs(engine: Engine) -> None:
    clear(engine, "energy_intervals", "meter_readings")
    write(engine, minutes=[minute(NOON + n * MINUTE, idle_j=1.0) for n in range(180)])
    found = energy_queries.energy_by_hour(engine, NOON, NOON + 3 * HOUR, 45 * MINUTE)
    starts = ((found["bucket_ms"] - NOON) // MINUTE).tolist()
    assert starts == [-15, 45, 105, 165]
    assert found["total_j"].tolist() == [45.0, 60.0, 60.0, 15.0]


def test_where_minutes_are_gone_ranges_are_of_what_they_added_up_to(engine: Engine) -> None:
    clear(engine, "energy_intervals", "meter_readings")
    ats = [NOON + n * MINUTE for n in range(240)]
    write(
        engine,
        minutes=[minute(at, idle_j=1.0) for at in ats],
        readings=[reading("package-0", 1.0, at) for at in ats],
    )
    horizon = NOON + 2 * HOUR
    with writing(engine) as connection:
        for table in ("energy_intervals", "meter_readings"):
            connection.execute(text(f"DELETE FROM {table} WHERE minute_at < {horizon}"))
    with engine.connect() as connection:
        assert differences(connection, since_ms=horizon) == []
        assert {each.span for each in differences(connection)} == {"quarter", "hour"}
    assert queries.energy_between(engine, NOON, NOON + 4 * HOUR).total_j == 240.0
    assert energy_queries.meters(engine, NOON, NOON + 4 * HOUR)["known_ms"].item() == 4 * HOUR
    # Quarters are as fine as it gets there: of two ranges that meet within one, the second has it.
    odd = NOON + 20 * MINUTE
    before, after = (
        queries.energy_between(engine, *ends).total_j
        for ends in ((NOON, odd), (odd, NOON + 4 * HOUR))
    )
    assert (before, after) == (15.0, 225.0)
    # Late joules are added to what is left of their hour.
    late = EnergyRecord(NOON, NOON + 1_000, 1.0, 5.0, 5.0, {}, "measured", "rapl")
    with writing(engine) as connection:
        book_energy(connection, [late], months.tally())
    assert queries.energy_between(engine, NOON, NOON + HOUR).total_j == 65.0


def test_a_ledger_from_before_gets_them_from_its_minutes(another_url: Callable[[], str]) -> None:
    engine = connect(another_url())
    with writing(engine) as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(db.migrations.__path__[0])))
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        for table, found in (
            (EnergyInterval, [minute(NOON + n * MINUTE, idle_j=2.0) for n in range(90)]),
            (MeterReading, [reading("package-0", 2.0, NOON + n * MINUTE) for n in range(90)]),
        ):
            connection.execute(insert(table), found)
    migrate(engine)
    assert queries.energy_between(engine, NOON, NOON + DAY).total_j == 180.0
    compare(engine, NOON, NOON + DAY, HOUR)
    spans = {(row["span"], row["total_j"]) for row in rows(engine, "energy_bases")}
    assert spans == {("quarter", 30.0), ("hour", 120.0), ("hour", 60.0), ("day", 180.0)}


DAMAGE = (
    "UPDATE energy_bases SET total_j = total_j * (1 + 1e-6) WHERE span = 'quarter'",
    "UPDATE energy_bases SET other_j = NULL WHERE span = 'day'",
    "UPDATE energy_times SET covered_ms = covered_ms + 1 WHERE span = 'hour'",
    "DELETE FROM energy_sources WHERE span = 'hour'",
    "UPDATE meter_times SET kind = 'machine' WHERE span = 'day'",
    "UPDATE meter_times SET read_at = 0 WHERE span = 'hour'",
    "INSERT INTO machine_times VALUES ('day', 0, 'here', 0, 1, 2.0, 1.0)",
    "DELETE FROM energy_intervals",
)


@pytest.mark.parametrize("damage", DAMAGE)
def test_the_check_finds_what_does_not_add_up_and_names_its_row(
    ledger: Ledger, damage: str
) -> None:
    device = DeviceEnergy("rapl", "package-0", "processor", "measured", 0.1, 9.0)
    record = EnergyRecord(
        NOON, NOON + 1_000, 1.0, 9.0, 9.0, {}, "measured", "rapl", devices=(device,)
    )
    ledger.record_energy(record).result(WAIT_S)
    assert check(ledger.engine).violations == []
    with writing(ledger.engine) as connection:
        connection.execute(text(damage))
    named = [
        row
        for violation in check(ledger.engine).violations
        if violation.rule == "an hour's energy is what its minutes add up to"
        for row in violation.rows
    ]
    words = [word.strip("'(,") for word in damage.split()]
    table = next((word for word in words if word in TABLES), "energy_times")
    assert any(row.startswith(f"{table} ") for row in named), named
