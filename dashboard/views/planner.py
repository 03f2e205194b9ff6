"""Planner: what hosting a model oneself would cost beside the seats, as one's own figures say."""

import streamlit as st
from pydantic import ValidationError

from dashboard import data, formats, ui
from dashboard.costs.plan import Plan
from dashboard.costs.scenario import Scenario, to_json
from dashboard.planner import bar, library, results, start, state
from dashboard.planner.compare import compare
from dashboard.planner.form import form, problem
from dashboard.planner.queue_part import queue_part


def complain(words: str) -> None:
    st.error(formats.escape(words), icon=":material/error:")


def scenario_of_form() -> Scenario | None:
    """What the form says; what is wrong with it is said above it."""
    above = st.container()
    now = state.opened()
    try:
        now.edited = form(now)
    except ValueError as error:
        with above:
            complain(problem(error) if isinstance(error, ValidationError) else str(error))
        return None
    return now.edited


def worked_out(scenario: Scenario) -> Plan | None:
    try:
        return results.worked_out(to_json(scenario))
    except ValidationError as error:
        complain(problem(error))
    except ValueError as error:
        complain(str(error))
    return None


ui.begin(
    "Planner",
    "Change any figure: what hosting the model yourself costs beside the seats follows at once.",
)
ledger, zone = data.chosen_ledger(), data.timezone()
own = ledger == "own"
found = library.all_scenarios(ledger, data.today(zone))
known = found.scenarios
for told in (state.arrive(known[state.NOW]), bar.file_problem()):
    if told:
        complain(told)
row = st.container(horizontal=True, vertical_alignment="bottom")
with row:
    bar.choose(known)
if found.unreadable:
    names = ", ".join(found.unreadable)
    st.caption(formats.escape(f"Saved by another version, which this one cannot read: {names}."))
if state.opened().which == state.NOW:
    st.caption(formats.escape(start.power_words(library.team(ledger))))
top = st.container()
scenario = scenario_of_form()
with row:  # what is saved and passed on is what the form says now, not before this change
    bar.actions(own=own)
if state.opened().which == state.NOW and not state.opened().edited.developers:
    top.info(
        "Nobody is on this ledger yet, so there are no seats to save. Set the number of developers "
        "below, or open the founding case.",
        icon=":material/group:",
    )
if scenario is not None:
    with top:
        plan = worked_out(scenario)
        if plan is not None:
            results.headline(plan)
    if plan is not None:
        results.draw_charts(plan)
        waiting = st.container()
        results.schedules(plan)
        results.assumptions(plan)
        compare(known, plan)
        with waiting:  # last, for a simulation takes seconds: all else stands meanwhile
            queue_part(scenario, ledger, zone)
