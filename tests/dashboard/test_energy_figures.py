"""The Energy page's figures and sentences, from rows small enough to compute by hand."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dashboard import energy_words
from dashboard.carbon.emissions import Emissions
from dashboard.energy import EnergyView, Sure, compute
from dashboard.energy_meters import meter_table, state
from dashboard.energy_now import note, watts
from dashboard.overview import View
from db.grid import Grid
from db.ledger import Ledger
from engine.api.power import DevicePower
from tests.db.energy_rows import MINUTE, developer, minute, reading, request, unknown_minute, write
from tests.db.team import NOON

KWH = 3_600_000.0


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    ledger.open()
    yield ledger
    ledger.close()


def figures(ledger: Ledger) -> EnergyView:
    """Of 2026-01-01, as seen from an hour after noon in UTC."""
    return compute(ledger.engine, View("own", "today", "UTC"), NOON + 60 * MINUTE)


def test_the_finding_is_a_sentence_with_its_uncertainty_and_basis(
    ledger: Ledger,
) -> None:
    parts: dict[str, Any] = {
        "attributed_j": 0.62 * KWH,
        "idle_j": 0.28 * KWH,
        "overhead_j": 0.1 * KWH,
    }
    write(ledger.engine, minutes=[minute(uncertainty_j=0.4 * KWH, basis="estimated", **parts)])
    uses = figures(ledger).uses
    sentence = "62% of 1.00 kWh ± 40% (estimated) served requests"
    assert energy_words.uses_sentence(uses) == sentence
    assert uses.total is not None
    assert energy_words.part_note(uses.parts["idle_j"], uses.total) == "28%; ± 0.11 kWh"


def test_what_failed_requests_took_is_told_apart(ledger: Ledger) -> None:
    ada = developer(ledger.engine, "Ada")
    write(
        ledger.engine,
        minutes=[minute(attributed_j=4_000.0)],
        requests=[
            request(ada, energy_j=3_000.0),
            request(ada, energy_j=600.0, status="error"),
            request(ada, energy_j=400.0, status="cancelled"),
        ],
    )
    uses = figures(ledger).uses
    assert uses.failed_j == 1_000.0
    assert "0.278 Wh (25%) went into requests that failed" in energy_words.failed_note(uses)


def test_a_lower_bound_and_unknown_time_are_said(ledger: Ledger) -> None:
    write(
        ledger.engine,
        minutes=[
            minute(NOON, idle_j=7_200.0, basis="partial", uncertainty_j=720.0),
            unknown_minute(NOON + MINUTE),
        ],
    )
    uses = figures(ledger).uses
    assert energy_words.uses_sentence(uses).startswith("0% of at least 2 Wh ± 10% (partly known)")
    first, second = energy_words.coverage(uses)
    assert "1 min the meters gave nothing: that energy is unknown, not 0" in first
    assert "lower bound" in second


def test_rows_from_before_accuracy_was_kept_say_so(ledger: Ledger) -> None:
    write(ledger.engine, minutes=[minute(idle_j=3_600.0)])
    view = figures(ledger)
    assert "1 Wh (measured, accuracy not kept)" in energy_words.uses_sentence(view.uses)
    assert view.timeline["uncertainty_j"].isna().all()


def test_where_only_a_part_has_its_accuracy_it_is_told_of_that_part() -> None:
    half = Sure(joules=2 * KWH, uncertainty_j=0.1 * KWH, accuracy_unknown_j=KWH)
    words = energy_words.with_uncertainty(half, "measured")
    assert words == "2.00 kWh ± 10% (measured, accuracy not kept for 1.00 kWh of it)"


def test_a_part_that_was_not_kept_apart_is_unknown_not_0(ledger: Ledger) -> None:
    write(ledger.engine, minutes=[minute(idle_j=3_600.0) | {"overhead_j": None}])
    uses = figures(ledger).uses
    assert uses.total is not None
    assert uses.parts["overhead_j"] is None
    assert uses.parts["loading_j"] == 0.0
    assert energy_words.part_note(None, uses.total) == "not kept apart"


def test_joules_per_token_keep_prompt_and_answer_apart(ledger: Ledger) -> None:
    ada = developer(ledger.engine, "Ada")
    write(
        ledger.engine,
        requests=[
            request(
                ada,
                input_tokens=100,
                cached_input_tokens=20,
                output_tokens=10,
                energy_j=24.0,
                prefill_energy_j=4.0,
                energy_uncertainty_j=6.0,
            ),
            request(ada, input_tokens=1_000, output_tokens=10, energy_j=9.0),
        ],
    )
    (row,) = figures(ledger).models.to_dict("records")
    assert row["input_j"] == pytest.approx(0.05)  # 4 J over 100 − 20 tokens
    assert row["output_j"] == pytest.approx(2.0)  # 20 J over 10 tokens
    assert row["input_pm_j"] == pytest.approx(0.0125)  # 6 of 24 J are 25%
    assert row["output_pm_j"] == pytest.approx(0.5)
    assert row["token_j"] == pytest.approx(24 / 90)
    assert (row["told"], row["others"], row["energy_j"]) == (1, 1, 33.0)
    assert math.isnan(row["uncertainty_j"]), "of 9 J no accuracy was kept"


def test_a_prompt_all_from_the_cache_has_no_joules_per_token(
    ledger: Ledger,
) -> None:
    cached: dict[str, Any] = {"input_tokens": 20, "cached_input_tokens": 20, "output_tokens": 5}
    joules: dict[str, Any] = {"energy_j": 5.0, "prefill_energy_j": 0.0}
    ada = developer(ledger.engine, "Ada")
    write(ledger.engine, requests=[request(ada, **cached, **joules)])
    (row,) = figures(ledger).models.to_dict("records")
    assert math.isnan(row["input_j"])
    assert row["output_j"] == 1.0


def test_fewer_experts_stand_beside_more(ledger: Ledger) -> None:
    ada = developer(ledger.engine, "Ada")
    one: dict[str, Any] = {"input_tokens": 10, "output_tokens": 10, "prefill_energy_j": 1.0}
    write(
        ledger.engine,
        requests=[
            request(ada, experts_active_mean=2.0, energy_j=6.0, **one),
            request(ada, experts_active_mean=7.9, energy_j=11.0, **one),
            request(ada, energy_j=50.0, **one),
        ],
    )
    experts = figures(ledger).experts.set_index("experts")
    assert experts["output_j"].to_dict() == {2.0: 0.5, 8.0: 1.0}


def test_a_range_without_anything_has_figures_of_nothing(ledger: Ledger) -> None:
    view = figures(ledger)
    assert view.uses.total is None
    assert view.uses.basis == "unknown"
    assert view.models.empty
    assert view.carbon is None


def test_carbon_is_told_as_an_estimate_with_interval_source_and_year() -> None:
    found = Emissions(
        grams=680.0,
        uncertainty_g=272.0,
        energy_j=1.84 * KWH,
        accuracy_unknown_j=0.0,
        uncounted_j=0.0,
        grids=(Grid(0, "USA", 369.473, None, "mean of United States in 2023: Ember"),),
    )
    words = energy_words.carbon_sentence(found)
    assert words.startswith("About 680 g CO₂e (408 g to 952 g), estimated: 1.84 kWh × 369 g/kWh")
    assert "United States in 2023: Ember" in words


def test_the_gap_between_the_whole_and_its_parts_is_overhead() -> None:
    words = energy_words.gap_sentence("gpu-box", 2 * KWH, 1.5 * KWH, 90, estimated=False)
    assert "On gpu-box the meter of the whole read 2.00 kWh in the 90 minutes" in words
    assert "The gap of 0.50 kWh (25% of the whole)" in words
    assert "One of the meters is off" in energy_words.gap_sentence(
        "here", 1.0, 2.0, 1, estimated=False
    )
    assert "took the estimate's place" in energy_words.gap_sentence(
        "here", 2.0, 1.0, 1, estimated=True
    )


@pytest.mark.parametrize(
    ("joules", "words"),
    [(None, "unknown"), (0.0, "0 Wh"), (12.5, "12.5 J"), (720.0, "0.2 Wh"), (KWH, "1.00 kWh")],
)
def test_small_amounts_are_joules_and_watt_hours(joules: float | None, words: str) -> None:
    assert energy_words.amount(joules) == words


def test_a_span_of_time_in_words() -> None:
    spans = [energy_words.lasting(seconds) for seconds in (45, 3_000, 3_600, 12_000)]
    assert spans == ["45 s", "50 min", "1 h", "3 h 20 min"]


@pytest.mark.parametrize(
    ("part", "words"), [(None, "accuracy not kept"), (0.4, "± 40%"), (0.025, "± 2.5%")]
)
def test_an_accuracy_in_words(part: float | None, words: str) -> None:
    assert energy_words.relative(part) == words


def device(**changes: object) -> DevicePower:
    fields: dict[str, object] = {
        "machine": "here",
        "meter": "rapl",
        "device": "package-0",
        "kind": "processor",
        "basis": "measured",
        "accuracy": 0.1,
        "watts": 84.3,
        "idle_w": 35.0,
        "silent_s": None,
    }
    return DevicePower(**fields | changes)  # type: ignore[arg-type]


def test_power_says_how_it_was_obtained() -> None:
    assert note(device()) == "measured, ± 10%; 35.0 W of it doing nothing"
    assert note(device(watts=None, silent_s=95.0)) == "measured; silent for 2 min"
    assert "has not read anything yet" in note(device(watts=None))
    assert [watts(value) for value in (7.43, 412.4, 1240.0)] == ["7.4 W", "412 W", "1.24 kW"]


@pytest.mark.parametrize(
    ("last_minutes_ago", "unknown_ms", "words"),
    [
        (1, 0, "reading"),
        (1, 5 * MINUTE, "reading; silent for 5 min of the range"),
        (30, 0, "silent now for 30 min"),
        (None, MINUTE, "silent for 1 min of the range"),
    ],
)
def test_a_meters_state_in_words(last_minutes_ago: int | None, unknown_ms: int, words: str) -> None:
    last = pd.NA if last_minutes_ago is None else NOON - last_minutes_ago * MINUTE
    assert state({"last_ms": last, "unknown_ms": unknown_ms}, NOON, live=True) == words


def test_a_meters_line_names_whose_accuracy_it_is(ledger: Ledger) -> None:
    write(ledger.engine, readings=[reading("package-0", 7_200.0)])
    told = [{"name": "rapl", "state": "used", "accuracy_source": "Intel's manual"}]
    (row,) = meter_table(figures(ledger).meters, told, NOON, live=False).to_dict("records")
    assert row["Accuracy"] == "± 10%: Intel's manual"
    assert row["Kind"] == "processor (a part)"
    assert (row["Read"], row["State"]) == ("2 Wh", "read all the time")
