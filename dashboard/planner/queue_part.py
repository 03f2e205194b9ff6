"""The simulated queue: how large the team may grow before its first tokens come too late."""

import time
from contextlib import closing
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import charts_planner, formats, ui
from dashboard.arrivals import pattern
from dashboard.costs.plan import Progress, QueuePlan
from dashboard.costs.scenario import Scenario, to_json
from dashboard.ledgers import engine_of
from dashboard.periods import DAY_MS
from dashboard.planner.simulation import SimulationError, simulate
from db import queries

STATED, LEDGER = "As stated above", "As this ledger's last four weeks"
WEEKS = 4
_RESULT = "planner-queue"
_BEGUN = "planner-queue-begun"  # there while one runs, and after one that was stopped


def queue_part(scenario: Scenario, ledger: str, zone: ZoneInfo) -> None:
    need = scenario.capacity
    if need is None:
        return
    st.subheader("Waiting time", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        source = st.selectbox(
            "Requests arrive",
            [STATED, LEDGER],
            width=280,
            key="planner-arrivals",
            help="At random at the stated rate of the busiest hour, or by hour of the week and "
            "with the tokens that the ledger has.",
        )
        pressed = st.button("Simulate the queue", icon=":material/play_arrow:")
    asked = (to_json(scenario), source, ledger)
    if pressed:
        _run(scenario, source, ledger, zone, asked)
    elif st.session_state.pop(_BEGUN, False):
        st.caption(
            ":material/stop_circle: The simulation was stopped before its end: by its button, or "
            "by a change on this page."
        )
    kept = st.session_state.get(_RESULT)
    if kept is None:
        st.caption(
            "A simulation of some seconds tells from which team size on 5 of 100 requests wait "
            f"longer than {need.first_token_limit_s:g} s for their first token."
        )
    elif kept[0] != asked:
        st.caption("The scenario has changed since it was simulated: simulate it again.")
    else:
        _show(kept[1], need.first_token_limit_s)


def _run(
    scenario: Scenario, source: str, ledger: str, zone: ZoneInfo, asked: tuple[str, str, str]
) -> None:
    st.session_state[_BEGUN] = True
    place = st.empty()
    try:
        with place.container():
            found = _watched(_with_arrivals(scenario, source, ledger, zone))
    except (ValueError, SimulationError) as error:
        place.error(formats.escape(str(error)), icon=":material/error:")
    else:
        place.empty()
        st.session_state[_RESULT] = (asked, found)
    del st.session_state[_BEGUN]


def _watched(scenario: Scenario) -> QueuePlan:
    """How far it is, until it is done. A press of the button, as every other change, has Streamlit
    leave this script at the bar's next stir, and that ends the simulation."""
    began, said = time.monotonic(), "Starting"
    share = 0.0
    bar = st.progress(share, text=said)
    st.button("Stop", icon=":material/stop:", key="planner-queue-stop")
    with closing(simulate(scenario)) as course:
        for told in course:
            if isinstance(told, QueuePlan):
                return told
            if told is not None:
                share, said = told.done / told.of, _words(told)
            bar.progress(share, text=f"{said} · {time.monotonic() - began:.0f} s")
    raise SimulationError("The simulation ended without a result.")


def _words(told: Progress) -> str:
    people = "1 developer" if told.developers == 1 else f"{told.developers:,} developers"
    return f"{told.phase}: now {people} · run {told.done + 1:,} of at most {told.of:,}"


def _with_arrivals(scenario: Scenario, source: str, ledger: str, zone: ZoneInfo) -> Scenario:
    """ValueError: the ledger does not tell enough."""
    if source == STATED or scenario.capacity is None:
        return scenario
    engine = engine_of(ledger)
    activity = queries.first_activity(engine)
    if activity is None:
        raise ValueError("Nothing was asked on this ledger yet, so it has no pattern.")
    end_ms = activity.last_ms + 1
    work = pattern(engine, zone, end_ms - WEEKS * 7 * DAY_MS, end_ms).workload()
    need = scenario.capacity.model_copy(update={"workload": work})
    return scenario.model_copy(update={"capacity": need})


def _show(found: QueuePlan, limit_s: float) -> None:
    st.markdown(formats.escape(found.sentence))
    if any(point.p95_ttft_s for point in found.curve):
        chart = charts_planner.queue_curve(found, limit_s)
        ui.show(chart, "planner-queue-curve", file_name="queue.csv")
    for one in found.assumptions:
        source = f" Source: {one.source}" if one.source else ""
        st.caption(formats.escape(f"{one.text}{source}"))
