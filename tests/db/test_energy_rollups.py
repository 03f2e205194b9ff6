"""What minutes add up to, against sums over the minutes in plain Python."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from db import energy_queries, months, queries
from db.connect import connect, writing
from db.energy_rollups import differences
from db.energy_writes import book_energy
from db.migrate import migrate
from db.records import DeviceEnergy, EnergyRecord
from tests.db import energy_oracle as oracle
from tests.db.team import NOON, rows

MINUTE = 60_000
QUARTER, HOUR, DAY = 15 * MINUTE, 60 * MINUTE, 24 * 60 * MINUTE
MIDNIGHT = NOON - 12 * HOUR
INDIA = MIDNIGHT - 11 * HOUR // 2  # midnight there, 5 h 30 min ahead
TABLES = ("energy_times", "energy_sources", "meter_times", "machine_times")

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
    basis: Any = draw(st.sampled_from(("measured", "estimated", "partial", "unknown")))
    known = basis != "unknown"
    parts: dict[str, Any] = {
        f"{name}_j": draw(joules) if known else 0.0 for name in ("overhead", "loading", "other")
    }
    idle_j = draw(joules) if known else None
    devices = [
        DeviceEnergy(
            meter, "0", kind,  # type: ignore[arg-type]
            draw(st.sampled_from(("measured", "estimated"))),
            draw(st.sampled_from((0.05, 0.4))), draw(joules | st.none()),
        )
        for meter, kind in draw(
            st.lists(
                st.sampled_from(
                    (("rapl", "processor"), ("nvml", "accelerator"), ("wall", "machine"),
                     ("bmc", "machine"))
                ),
                unique=True,
            )
        )
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


@settings(max_examples=50, deadline=None, phases=[Phase.generate])
@given(st.lists(st.lists(windows(), min_size=1, max_size=8), max_size=8), st.data())
def test_every_query_tells_what_the_minutes_add_up_to(
    engine: Engine, batches: list[list[EnergyRecord]], data: st.DataObject
) -> None:
    book(engine, batches)
    with engine.connect() as connection:
        assert differences(connection) == []
    for _ in range(4):
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


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]


def near(row: Any) -> Any:
    """The same to 1e-9 of it."""
    if isinstance(row, dict):
        return {name: near(value) for name, value in row.items()}
    return pytest.approx(row, rel=1e-9, abs=1e-6) if isinstance(row, float) else row
