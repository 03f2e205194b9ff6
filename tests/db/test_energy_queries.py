"""Where the joules went, read back: against rows small enough to add up by hand."""

from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine

from db.energy_queries import (
    energy_by_quarter,
    energy_by_time,
    has_energy,
    meters,
    whole_and_parts,
    work_by_developer,
    work_by_model,
)
from db.ledger import Ledger
from tests.db.energy_rows import MINUTE, developer, minute, reading, request, unknown_minute, write
from tests.db.team import NOON

HOUR = 60 * MINUTE


@pytest.fixture
def engine(ledger: Ledger) -> Engine:
    return ledger.engine


def test_a_bucket_adds_up_its_minutes_and_their_uncertainties(engine: Engine) -> None:
    write(
        engine,
        minutes=[
            minute(NOON, attributed_j=30.0, idle_j=60.0, overhead_j=10.0, uncertainty_j=40.0),
            minute(NOON + MINUTE, idle_j=60.0, loading_j=20.0, other_j=20.0, uncertainty_j=40.0),
        ],
    )
    (row,) = energy_by_time(engine, NOON, NOON + HOUR, HOUR).to_dict("records")
    assert (row["bucket_ms"], row["total_j"]) == (NOON, 200.0)
    parts = ("attributed_j", "idle_j", "overhead_j", "loading_j", "other_j")
    assert [row[part] for part in parts] == [30.0, 120.0, 10.0, 20.0, 20.0]
    # One meter's error is the same in both minutes: 80 J, not √(40² + 40²) = 57 J.
    assert row["uncertainty_j"] == 80.0


def test_uncertainty_that_was_not_kept_is_not_none_at_all(engine: Engine) -> None:
    write(engine, minutes=[minute(NOON, idle_j=70.0), minute(NOON + HOUR, idle_j=50.0)])
    frame = energy_by_time(engine, NOON, NOON + 2 * HOUR, HOUR)
    assert frame["uncertainty_j"].isna().all()
    assert frame["accuracy_unknown_j"].tolist() == [70.0, 50.0]


def test_time_without_a_reading_is_told_and_its_energy_is_unknown(engine: Engine) -> None:
    write(
        engine,
        minutes=[
            unknown_minute(NOON),
            minute(NOON + MINUTE, idle_j=60.0, basis="partial", uncertainty_j=6.0),
        ],
    )
    partial, unknown = energy_by_time(engine, NOON, NOON + HOUR, HOUR).to_dict("records")
    assert (partial["basis"], partial["partial_ms"], partial["total_j"]) == (
        "partial",
        MINUTE,
        60.0,
    )
    assert (unknown["basis"], unknown["unknown_ms"]) == ("unknown", MINUTE)
    assert pd.isna(unknown["total_j"])


def test_a_begun_minute_counts_and_the_next_range_has_the_rest(engine: Engine) -> None:
    write(engine, minutes=[minute(NOON + n * MINUTE, idle_j=1.0) for n in range(-1, 3)])
    frame = energy_by_time(engine, NOON, NOON + 2 * MINUTE, MINUTE)
    assert frame["bucket_ms"].tolist() == [NOON, NOON + MINUTE]


def test_quarters_begin_on_those_of_utc(engine: Engine) -> None:
    write(engine, minutes=[minute(NOON + n * MINUTE, idle_j=1.0) for n in (0, 14, 15, 59)])
    frame = energy_by_quarter(engine, NOON, NOON + HOUR)
    assert ((frame["bucket_ms"] - NOON) // MINUTE).tolist() == [0, 15, 45]
    assert frame["total_j"].tolist() == [2.0, 1.0, 1.0]


def test_work_is_told_by_who_what_and_how_many_experts(engine: Engine) -> None:
    ada, grace = developer(engine, "Ada"), developer(engine, "Grace")
    one: dict[str, Any] = {
        "input_tokens": 50,
        "cached_input_tokens": 40,
        "output_tokens": 5,
        "energy_j": 12.0,
        "prefill_energy_j": 2.0,
        "energy_uncertainty_j": 4.8,
    }
    write(
        engine,
        requests=[
            request(ada, experts_active_mean=3.96, **one),
            request(ada, experts_active_mean=4.02, **one),
            request(grace, experts_active_mean=8.0, **one),
            request(grace, experts_active_mean=8.0, status="cancelled", energy_j=7.0),
        ],
    )
    four, *eights = work_by_model(engine, NOON, NOON + HOUR).to_dict("records")
    adas, _ = work_by_developer(engine, NOON, NOON + HOUR).to_dict("records")
    assert (adas["developer"], adas["energy_j"], adas["told_prefill_j"]) == ("Ada", 24.0, 4.0)
    assert (four["experts"], four["requests"]) == (4.0, 2)
    assert (four["energy_j"], four["uncertainty_j"], four["told"]) == (24.0, 9.6, 2)
    assert (four["told_uncached_input_tokens"], four["told_output_tokens"]) == (20, 10)
    assert (four["told_energy_j"], four["told_prefill_j"]) == (24.0, 4.0)
    failed = next(row for row in eights if row["status"] == "cancelled")
    assert (failed["energy_j"], failed["accuracy_unknown_j"], failed["told"]) == (7.0, 7.0, 0)


@pytest.mark.parametrize(
    ("changes", "unknown", "partial"),
    [
        ({"energy_j": None, "energy_basis": "unknown"}, 1, 0),
        ({"energy_basis": "partial"}, 0, 1),
        ({"prefill_energy_j": None}, 0, 0),
        ({"status": "running"}, 0, 0),
    ],
)
def test_joules_per_token_are_told_of_whole_figures_alone(
    engine: Engine, changes: dict[str, Any], unknown: int, partial: int
) -> None:
    whole: dict[str, Any] = {"output_tokens": 10, "energy_j": 20.0, "prefill_energy_j": 5.0}
    write(engine, requests=[request(developer(engine, "Ada"), **whole | changes)])
    (row,) = work_by_model(engine, NOON, NOON + HOUR).to_dict("records")
    assert (row["requests"], row["told"], row["told_output_tokens"]) == (1, 0, 0)
    assert (row["energy_unknown"], row["energy_partial"]) == (unknown, partial)


def test_requests_without_a_number_of_experts_are_a_group_of_their_own(engine: Engine) -> None:
    ada = developer(engine, "Ada")
    write(engine, requests=[request(ada), request(ada, experts_active_mean=2.0)])
    experts = work_by_model(engine, NOON, NOON + HOUR)["experts"]
    assert experts.isna().sum() == 1
    assert len(experts) == 2


def test_a_meters_line_says_what_it_read_and_how_long_it_was_silent(engine: Engine) -> None:
    write(
        engine,
        readings=[
            reading("package-0", 100.0, NOON),
            reading("package-0", 50.0, NOON + MINUTE, known_ms=30_000, unknown_ms=30_000),
            reading("package-0", 0.0, NOON + 2 * MINUTE, known_ms=0, unknown_ms=MINUTE),
            reading("package-1", 0.0, NOON, known_ms=0, unknown_ms=MINUTE),
        ],
    )
    read, silent = meters(engine, NOON, NOON + HOUR).to_dict("records")
    assert (read["device"], read["energy_j"]) == ("package-0", 150.0)
    assert (read["known_ms"], read["unknown_ms"]) == (90_000, 90_000)
    assert read["last_ms"] == NOON + MINUTE
    assert pd.isna(silent["energy_j"]), "a meter that read nothing did not read 0"
    assert pd.isna(silent["last_ms"])


def test_a_meter_whose_accuracy_was_corrected_stays_one_line(engine: Engine) -> None:
    write(
        engine,
        readings=[
            reading("package-0", 10.0, NOON, accuracy=0.4),
            reading("package-0", 10.0, NOON + MINUTE, accuracy=0.1),
        ],
    )
    (row,) = meters(engine, NOON, NOON + HOUR).to_dict("records")
    assert (row["accuracy"], row["energy_j"]) == (0.1, 20.0)


def test_the_whole_is_compared_with_its_parts_where_all_of_them_read(engine: Engine) -> None:
    wall = {"meter": "wall", "kind": "machine"}
    write(
        engine,
        readings=[
            reading("package-0", 60.0, NOON),
            reading("gpu-0", 200.0, NOON, meter="nvml", kind="accelerator"),
            reading("plug", 300.0, NOON, **wall),
            # A part was silent for half of this minute: the gap would look larger than it is.
            reading("package-0", 30.0, NOON + MINUTE, known_ms=30_000, unknown_ms=30_000),
            reading("plug", 300.0, NOON + MINUTE, **wall),
            reading("package-0", 60.0, NOON + 2 * MINUTE, machine="other"),
        ],
    )
    (row,) = whole_and_parts(engine, NOON, NOON + HOUR).to_dict("records")
    assert (row["machine"], row["minutes"]) == ("here", 1)
    assert (row["whole_j"], row["parts_j"]) == (300.0, 260.0)


def test_two_meters_of_one_whole_are_not_added_up(engine: Engine) -> None:
    write(
        engine,
        readings=[
            reading("package-0", 60.0),
            reading("plug", 100.0, meter="wall", kind="machine"),
            reading("board", 95.0, meter="redfish", kind="machine"),
        ],
    )
    assert whole_and_parts(engine, NOON, NOON + HOUR).empty


def test_an_empty_ledger_gives_empty_frames(engine: Engine) -> None:
    assert not has_energy(engine)
    for read in (energy_by_quarter, work_by_model, work_by_developer, meters, whole_and_parts):
        assert read(engine, NOON, NOON + HOUR).empty
    assert energy_by_time(engine, NOON, NOON + HOUR, HOUR).empty


def test_half_an_expert_is_rounded_up_in_both_databases(engine: Engine) -> None:
    ada = developer(engine, "Ada")
    means = (16.5, 17.5, 17.4)
    write(engine, requests=[request(ada, experts_active_mean=mean) for mean in means])
    found = work_by_model(engine, NOON, NOON + HOUR).set_index("experts")["requests"]
    assert found.to_dict() == {17.0: 2, 18.0: 1}
