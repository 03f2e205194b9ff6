"""The Energy page's charts say their finding and hold the figures and whiskers they were given."""

from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from dashboard import energy_charts
from dashboard.energy import Sure, Uses, per_token
from db.energy_queries import PARTS

KWH = 3_600_000.0
UTC = ZoneInfo("UTC")
HOUR = 3_600_000
MIDNIGHT = 1_767_225_600_000  # Thursday, 2026-01-01 00:00 UTC


def uses(total_j: float, attributed_j: float) -> Uses:
    parts: dict[str, float | None] = dict.fromkeys(PARTS, 0.0)
    parts |= {"attributed_j": attributed_j, "idle_j": total_j - attributed_j}
    total = Sure(total_j, 0.4 * total_j, 0.0)
    return Uses(total, parts, 0.0, {"estimated": total_j}, 0.0, 0.0)


def work(**changes: Any) -> dict[str, Any]:
    """A group of requests: 100 input tokens for 10 J, 20 output tokens for 40 J, ± 40%."""
    fields: dict[str, Any] = {
        "developer": "Ada",
        "model": "small",
        "engine": "breakeven",
        "experts": 4.0,
        "status": "ok",
        "requests": 3,
        "energy_unknown": 0,
        "energy_partial": 0,
        "energy_j": 50.0,
        "uncertainty_j": 20.0,
        "accuracy_unknown_j": 0.0,
        "told": 3,
        "told_uncached_input_tokens": 100,
        "told_output_tokens": 20,
        "told_energy_j": 50.0,
        "told_prefill_j": 10.0,
        "told_uncertainty_j": 20.0,
        "told_accuracy_unknown_j": 0.0,
    }
    return fields | changes


def frame(by: list[str], *groups: dict[str, Any]) -> pd.DataFrame:
    return per_token(pd.DataFrame(groups), by)


def test_the_timeline_stacks_the_parts_and_draws_how_sure_they_are() -> None:
    parts = {"attributed_j": [0.5 * KWH, np.nan], "idle_j": [0.5 * KWH, np.nan]}
    nothing = {name: [0.0, np.nan] for name in ("overhead_j", "loading_j", "other_j")}
    found = pd.DataFrame(
        {"bucket_ms": [MIDNIGHT, MIDNIGHT + HOUR], "total_j": [KWH, np.nan], **parts, **nothing}
    ).assign(uncertainty_j=[0.4 * KWH, np.nan])
    chart = energy_charts.timeline(found, uses(KWH, 0.5 * KWH), UTC, "per hour", 3_600_000)
    assert chart.title == "50% of 1.00 kWh ± 40% (estimated) served requests"
    bars = {trace.name: trace for trace in chart.figure.data}
    assert list(bars) == ["Served requests", "Idle", "± accuracy of the meters"]
    assert bars["Idle"].y[0] == 0.5
    assert np.isnan(bars["Idle"].y[1]), "unknown must not be drawn as 0"
    assert bars["± accuracy of the meters"].error_y.array[0] == pytest.approx(0.4)
    assert chart.figure.layout.yaxis.title.text == "kWh per hour"
    assert chart.table["± kWh"].iloc[0] == pytest.approx(0.4)


def test_without_a_kept_accuracy_no_whisker_is_drawn() -> None:
    found = pd.DataFrame({"bucket_ms": [MIDNIGHT], "total_j": [KWH], "attributed_j": [KWH]})
    for name in ("overhead_j", "idle_j", "loading_j", "other_j"):
        found[name] = 0.0
    found["uncertainty_j"] = np.nan
    chart = energy_charts.timeline(found, uses(KWH, KWH), UTC, "per hour", 3_600_000)
    assert all(trace.type == "bar" for trace in chart.figure.data)


def test_a_models_prompt_and_answer_stand_apart_with_their_whiskers() -> None:
    chart = energy_charts.by_model(frame(["model", "engine"], work()), "estimated")
    # 10 J / 100 tokens = 0.1 J; 40 J / 20 tokens = 2 J, which is 20 times as much.
    assert chart.title == (
        "small took 2 J ± 40% per output token, 20.0 times an input token (estimated)"
    )
    input_bar, input_end, output_bar, output_end = chart.figure.data
    assert (list(input_bar.x), list(output_bar.x)) == ([0.1], [2.0])
    assert input_end.error_x.array[0] == pytest.approx(0.04)
    assert output_end.error_x.array[0] == pytest.approx(0.8)


def test_a_model_that_two_engines_serve_has_two_bars() -> None:
    found = frame(["model", "engine"], work(), work(engine="upstream", told_energy_j=90.0))
    chart = energy_charts.by_model(found, "estimated")
    assert sorted(chart.figure.data[0].y) == ["small on breakeven", "small on upstream"]
    assert chart.title.startswith("Of 2 models small took least: 2 J")


def test_the_trade_of_sparse_activation_is_told_from_both_ends() -> None:
    found = frame(
        ["model", "experts"],
        work(experts=8.0, told_energy_j=90.0),  # 80 J over 20 tokens
        work(experts=2.0, told_energy_j=50.0),  # 40 J over 20 tokens
    )
    chart = energy_charts.by_experts(found, "measured")
    assert chart.title == (
        "With 2 experts a token instead of 8, an output token took 50% less energy:"
        " 2 J against 4 J (measured)"
    )
    decode = chart.figure.data[1]
    assert (list(decode.x), list(decode.y)) == ([2.0, 8.0], [2.0, 4.0])
    assert decode.error_y.array[0] == pytest.approx(0.8)


def test_developers_are_in_order_of_what_they_took_and_their_names_are_no_markup() -> None:
    found = frame(["developer"], work(), work(developer="<b>Grace</b>", energy_j=150.0))
    chart = energy_charts.by_developer(found, "measured")
    assert chart.title == "<b>Grace</b> took most: 75% of 200 J (measured)"
    bars, ends = chart.figure.data
    assert bars.y[0] == "&lt;b&gt;Grace&lt;/b&gt;"
    assert list(bars.x) == [150.0, 50.0]
    assert list(ends.error_x.array) == [20.0, 20.0]


def test_the_rest_of_a_large_team_has_no_whisker_if_one_of_them_has_none() -> None:
    groups = [work(developer=f"dev {n:02}", energy_j=40.0 - n) for n in range(20)]
    groups[19] |= {"accuracy_unknown_j": 21.0, "uncertainty_j": np.nan}
    chart = energy_charts.by_developer(frame(["developer"], *groups), "measured")
    ends = chart.figure.data[1]
    assert ends.y[-1] == "6 others"
    assert np.isnan(ends.error_x.array[-1])
    assert ends.error_x.array[0] == 20.0


def quarters(*spans: tuple[int, float]) -> pd.DataFrame:
    """What the meters read in some quarters of an hour, each ± 5%."""
    frame = pd.DataFrame(spans, columns=["bucket_ms", "total_j"])
    return frame.assign(uncertainty_j=0.05 * frame["total_j"], accuracy_unknown_j=0.0)


def test_hours_are_those_of_the_readers_clock_also_half_an_hour_beside_utc() -> None:
    # 06:45 UTC is 12:15 in Kolkata, 07:15 UTC is 12:45 there: one hour of its clock.
    spans = quarters((MIDNIGHT + 27 * HOUR // 4, KWH), (MIDNIGHT + 29 * HOUR // 4, KWH))
    chart = energy_charts.by_hour(spans, ZoneInfo("Asia/Kolkata"), 1, "measured")
    assert (
        chart.title == "Most energy was used Thu 1 Jan 12:00 to 13:00: 2.00 kWh ± 5.0% (measured)"
    )
    (cells,) = chart.figure.data
    assert cells.z[0][12] == 2.0
    assert np.isnan(cells.z[0][13]), "an hour without a reading is empty, not 0"


def test_long_ranges_are_shown_by_the_mean_day_of_each_name() -> None:
    week = 7 * 24 * HOUR
    thursdays = ((MIDNIGHT, KWH), (MIDNIGHT + week, 3 * KWH))
    spans = quarters(*thursdays, (MIDNIGHT + 24 * HOUR, KWH))
    chart = energy_charts.by_hour(spans, UTC, 30, "measured")
    (cells,) = chart.figure.data
    assert list(cells.y) == ["Thu", "Fri"]
    assert [row[0] for row in cells.z] == [2.0, 1.0]  # (1 + 3) / 2, and 1
    assert (
        chart.title
        == "Most energy was used Thu 0:00 to 1:00: 2.00 kWh on average ± 5.0% (measured)"
    )


def test_a_long_timeline_has_few_whiskers_and_all_of_them_in_its_table() -> None:
    found = pd.DataFrame({"bucket_ms": MIDNIGHT + HOUR * np.arange(400)}).assign(total_j=KWH)
    for name in ("attributed_j", "overhead_j", "loading_j", "other_j"):
        found[name] = 0.0
    found = found.assign(idle_j=KWH, uncertainty_j=0.1 * KWH)
    chart = energy_charts.timeline(found, uses(400 * KWH, 0.0), UTC, "per hour", 3_600_000)
    drawn = ~np.isnan(chart.figure.data[-1].error_y.array)
    assert drawn.sum() == 40
    assert chart.table["± kWh"].notna().all()


def test_the_hour_that_autumn_has_twice_is_no_busier_for_it() -> None:
    # On 2026-10-25 clocks in Berlin go back at 01:00 UTC: 00:00 and 01:00 UTC are both 2:00 there.
    change = 1_792_886_400_000
    week = 7 * 24 * HOUR
    spans = quarters((change, KWH), (change + HOUR, KWH), (change + week + HOUR, KWH))
    (cells,) = energy_charts.by_hour(spans, ZoneInfo("Europe/Berlin"), 30, "measured").figure.data
    assert list(cells.y) == ["Sun"]
    assert cells.z[0][2] == 1.0
