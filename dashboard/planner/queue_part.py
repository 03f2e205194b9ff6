"""The simulated queue: how large the team may grow before its first tokens come too late."""

from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import charts_planner, formats, ui
from dashboard.arrivals import pattern
from dashboard.costs.plan import QueuePlan
from dashboard.costs.scenario import Scenario, to_json
from dashboard.ledgers import engine_of
from dashboard.periods import DAY_MS
from dashboard.planner.simulation import SimulationError, simulate
from db import queries

STATED, LEDGER = "As stated above", "As this ledger's last four weeks"
WEEKS = 4
_RESULT = "planner-queue"


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
    try:
        with st.spinner("Simulating three busy hours for each team size…", show_time=True):
            found = simulate(_with_arrivals(scenario, source, ledger, zone))
    except (ValueError, SimulationError) as error:
        st.error(formats.escape(str(error)), icon=":material/error:")
        return
    st.session_state[_RESULT] = (asked, found)


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
