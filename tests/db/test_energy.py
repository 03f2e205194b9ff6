import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db import people
from db.errors import InvalidInput
from db.ledger import Ledger
from db.records import DeviceEnergy, EnergyBooked, EnergyRecord
from tests.db.team import NOON, WAIT_S, Fresh, Team, outcome, row, rows, window


def test_a_meter_whose_name_is_part_of_anothers_is_named_too(ledger: Ledger, team: Team) -> None:
    request_id = team.admit(ledger)
    for source in ("rapl-psys", "rapl", "nvml+rapl"):
        ledger.record_energy(window({request_id: 1.0}, source=source)).result(WAIT_S)
    assert row(ledger.engine, request_id)["energy_source"] == "rapl-psys, rapl, nvml+rapl"


USES = ("attributed", "idle", "overhead", "loading", "other")


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
        ([("partial", 2.0)], 2.0, "partial"),
        ([("measured", 2.0), ("partial", 1.0), ("estimated", 1.0)], 4.0, "partial"),
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


def test_the_prompts_part_and_the_interval_are_added_up_too(ledger: Ledger, team: Team) -> None:
    request_id = team.admit(ledger)
    for _ in range(2):
        record = full(request_id)
        ledger.record_energy(record).result(WAIT_S)
    stored = row(ledger.engine, request_id)
    assert (stored["energy_j"], stored["prefill_energy_j"]) == (12.0, 5.0)
    # 6 of the window's 16 J are the request's, so 6/16 of its 1.6 J of uncertainty.
    assert stored["energy_uncertainty_j"] == pytest.approx(2 * 1.6 * 6 / 16)
    (minute,) = rows(ledger.engine, "energy_intervals")
    parts = ("attributed_j", "idle_j", "overhead_j", "loading_j", "other_j", "uncertainty_j")
    assert [minute[part] for part in parts] == pytest.approx([12, 8, 2, 4, 6, 3.2])


def full(request_id: int, at: int = NOON) -> EnergyRecord:
    """6 J for a request, 4 J of idling, and a joule or more of everything else: 16 J."""
    return EnergyRecord(
        at, at + 1_000, 1.0, 16.0, 4.0, {request_id: 6.0}, "measured", "rapl+plug",
        overhead_j=1.0, loading_j=2.0, other_j=3.0, prefill={request_id: 2.5}, uncertainty_j=1.6,
        devices=(
            DeviceEnergy("rapl", "package-0", "processor", "measured", 0.1, 14.0),
            DeviceEnergy("plug", "desk", "machine", "measured", 0.01, None),
        ),
    )  # fmt: skip


def test_every_meter_is_kept_by_minute_also_when_it_was_silent(ledger: Ledger, team: Team) -> None:
    request_id = team.admit(ledger)
    for second in (0, 1, 61):
        ledger.record_energy(full(request_id, NOON + second * 1_000)).result(WAIT_S)
    told = {
        (it["minute_at"], it["meter"]): (it["energy_j"], it["known_ms"], it["unknown_ms"])
        for it in rows(ledger.engine, "meter_readings")
    }
    assert told == {
        (NOON, "rapl"): (28.0, 2_000, 0),
        (NOON, "plug"): (0.0, 0, 2_000),
        (NOON + 60_000, "rapl"): (14.0, 1_000, 0),
        (NOON + 60_000, "plug"): (0.0, 0, 1_000),
    }


def test_machines_are_kept_apart(ledger: Ledger) -> None:
    for machine in ("here", "gpu-1", "gpu-1"):
        record = replace(window({}, idle_j=5.0), machine=machine)
        ledger.record_energy(record).result(WAIT_S)
    totals = {it["machine"]: it["total_j"] for it in rows(ledger.engine, "energy_intervals")}
    assert totals == {"here": 5.0, "gpu-1": 10.0}


@pytest.mark.parametrize(
    "changes",
    [
        {"overhead_j": 1.1},
        {"total_j": 16.001},
        {"prefill": {1: 6.5}},
        {"uncertainty_j": float("nan")},
        {"other_j": -1.0, "idle_j": 8.0},
        {"basis": "unknown"},
    ],
)
def test_a_window_that_does_not_add_up_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        replace(full(1), **changes)


joules = st.floats(0, 1e6, allow_nan=False)
one_window = st.tuples(
    st.dictionaries(st.integers(0, 5), st.one_of(joules, st.none())),
    st.one_of(joules, st.none()),
    st.tuples(joules, joules, joules),
    st.integers(0, 200),
)


@settings(max_examples=15, deadline=None)
@given(windows=st.lists(one_window, max_size=12))
def test_joules_are_conserved_whatever_the_windows(
    fresh: Fresh,
    windows: list[tuple[dict[int, float | None], float | None, tuple[float, float, float], int]],
) -> None:
    """Requests 0 to 3 exist, 4 and 5 do not; some windows and some shares are unknown."""
    with fresh() as url:
        ledger = Ledger(url)
        ledger.open()
        team = Team(people.add_developer(ledger.engine, "Ada", actor="test").id, 1)
        for request_id in range(4):
            team.admit(ledger, id=request_id, api_key_id=None)
        read = 0.0
        for shares, idle_j, unserved, second in windows:
            known = shares if idle_j is not None else dict.fromkeys(shares)
            record = window(known, idle_j, NOON + second * 1_000)
            if record.total_j is not None:
                record.overhead_j, record.loading_j, record.other_j = unserved
                record.total_j += math.fsum(unserved)
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
            parts = math.fsum(it[f"{use}_j"] for use in USES)
            assert parts == pytest.approx(it["total_j"], rel=1e-9, abs=1e-9)
