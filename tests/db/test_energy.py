import math
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db import people
from db.ledger import Ledger
from db.records import EnergyBooked, EnergyRecord
from tests.db.team import NOON, WAIT_S, Team, outcome, row, rows, window


def test_a_windows_shares_are_added_to_its_requests(ledger: Ledger, team: Team) -> None:
    one, other = team.admit(ledger), team.admit(ledger)
    ledger.record_energy(window({one: 3.0, other: 4.0})).result(WAIT_S)
    ledger.record_energy(window({one: 0.5})).result(WAIT_S)
    assert row(ledger.engine, one)["energy_j"] == 3.5
    assert row(ledger.engine, other)["energy_j"] == 4.0
    stored = row(ledger.engine, one)
    assert (stored["energy_basis"], stored["energy_source"]) == ("measured", "rapl:package-0")


def test_energy_that_arrives_after_the_end_is_still_the_requests(
    ledger: Ledger, team: Team
) -> None:
    request_id = team.admit(ledger)
    ledger.finish(outcome(request_id)).result(WAIT_S)
    ledger.record_energy(window({request_id: 2.0})).result(WAIT_S)
    stored = row(ledger.engine, request_id)
    assert (stored["status"], stored["energy_j"]) == ("ok", 2.0)


def test_energy_of_a_request_that_the_ledger_does_not_hold_is_booked_idle_and_told(
    ledger: Ledger, team: Team
) -> None:
    known = team.admit(ledger)
    booked = ledger.record_energy(window({known: 3.0, 999: 5.0}, idle_j=1.0)).result(WAIT_S)
    assert booked == EnergyBooked(3.0, 6.0, unclaimed_j=5.0, unclaimed=[999])
    stored = rows(ledger.engine, "energy_intervals")[0]
    assert (stored["total_j"], stored["idle_j"], stored["unclaimed_j"]) == (9.0, 6.0, 5.0)


def test_the_windows_of_a_minute_add_up_in_one_row(ledger: Ledger) -> None:
    for second in (0, 1, 2, 59, 60):
        ledger.record_energy(window({}, idle_j=70.0, at=NOON + second * 1_000)).result(WAIT_S)
    first, second_row = rows(ledger.engine, "energy_intervals")
    assert (first["minute_at"], first["started_at"]) == (NOON, NOON)
    assert (first["ended_at"], first["duration_ms"]) == (NOON + 60_000, 4_000)
    assert (first["total_j"], second_row["total_j"]) == (280.0, 70.0)


def test_meters_and_bases_are_kept_apart(ledger: Ledger) -> None:
    ledger.record_energy(window({}, source="rapl:package-0")).result(WAIT_S)
    ledger.record_energy(window({}, source="cpu", basis="estimated")).result(WAIT_S)
    kept = {(it["source"], it["basis"]) for it in rows(ledger.engine, "energy_intervals")}
    assert kept == {("rapl:package-0", "measured"), ("cpu", "estimated")}


@pytest.mark.parametrize(
    ("windows", "energy_j", "basis"),
    [
        ([("measured", 2.0)], 2.0, "measured"),
        ([("estimated", 2.0), ("estimated", 1.0)], 3.0, "estimated"),
        ([("measured", 2.0), ("estimated", 1.0)], 3.0, "estimated"),
        ([("unknown", None)], None, "unknown"),
        ([("measured", 2.0), ("unknown", None)], 2.0, "partial"),
        ([("unknown", None), ("estimated", 2.0)], 2.0, "partial"),
        ([("measured", 2.0), ("unknown", None), ("measured", 1.0)], 3.0, "partial"),
    ],
)
def test_what_is_not_known_is_never_nought(
    ledger: Ledger,
    team: Team,
    windows: list[tuple[str, float | None]],
    energy_j: float | None,
    basis: str,
) -> None:
    request_id = team.admit(ledger)
    for kind, share in windows:
        idle_j = None if share is None else 1.0
        record = EnergyRecord(
            NOON, NOON + 1_000, 1.0, None if share is None else share + 1.0, idle_j,
            {request_id: share}, kind, "meter",  # type: ignore[arg-type]
        )  # fmt: skip
        ledger.record_energy(record).result(WAIT_S)
    stored = row(ledger.engine, request_id)
    assert (stored["energy_j"], stored["energy_basis"]) == (energy_j, basis)


def test_a_request_measured_by_two_meters_names_both_once(ledger: Ledger, team: Team) -> None:
    request_id = team.admit(ledger)
    for source in ("rapl:package-0", "nvml:gpu0", "rapl:package-0"):
        ledger.record_energy(window({request_id: 1.0}, source=source)).result(WAIT_S)
    assert row(ledger.engine, request_id)["energy_source"] == "rapl:package-0, nvml:gpu0"


joules = st.floats(0, 1e6, allow_nan=False)
one_window = st.tuples(
    st.dictionaries(st.integers(0, 5), st.one_of(joules, st.none())),
    st.one_of(joules, st.none()),
    st.integers(0, 200),
)


@settings(max_examples=15, deadline=None)
@given(st.lists(one_window, max_size=12))
def test_joules_are_conserved_whatever_the_windows(
    windows: list[tuple[dict[int, float | None], float | None, int]],
) -> None:
    """Requests 0 to 3 exist, 4 and 5 do not; some windows and some shares are unknown."""
    with TemporaryDirectory() as folder:
        ledger = Ledger(f"sqlite:///{Path(folder) / 'ledger.db'}")
        ledger.open()
        team = Team(people.add_developer(ledger.engine, "Ada", actor="test").id, 1)
        for request_id in range(4):
            team.admit(ledger, id=request_id, api_key_id=None)
        read = 0.0
        for shares, idle_j, second in windows:
            known = shares if idle_j is not None else dict.fromkeys(shares)
            record = window(known, idle_j, NOON + second * 1_000)
            read += record.total_j or 0.0
            ledger.record_energy(record).result(WAIT_S)
        requests, intervals = (
            rows(ledger.engine, "requests"),
            rows(ledger.engine, "energy_intervals"),
        )
        ledger.close()
    of_requests = math.fsum(it["energy_j"] or 0.0 for it in requests)
    attributed = math.fsum(it["attributed_j"] or 0.0 for it in intervals)
    total = math.fsum(it["total_j"] or 0.0 for it in intervals)
    assert of_requests == pytest.approx(attributed, rel=1e-9, abs=1e-9)
    assert total == pytest.approx(read, rel=1e-9, abs=1e-9)
    for it in intervals:
        if it["total_j"] is None:
            assert it["idle_j"] is it["attributed_j"] is None
        else:
            parts = it["idle_j"] + it["attributed_j"]
            assert parts == pytest.approx(it["total_j"], rel=1e-9, abs=1e-9)
