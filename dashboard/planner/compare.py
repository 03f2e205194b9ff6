"""Up to four scenarios side by side."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st
from pydantic import ValidationError

from dashboard import charts_planner, formats, ui
from dashboard.costs.plan import Plan
from dashboard.costs.scenario import Scenario, to_json
from dashboard.planner import state
from dashboard.planner.bar import name_of
from dashboard.planner.results import worked_out
from dashboard.planner.words import key_figures

MOST = 4
SHOWN = "shown"
SHOWN_NAME = "Shown above"


def compare(known: Mapping[str, Scenario], shown: Plan) -> None:
    st.subheader("Compare", anchor=False)
    which = [SHOWN, *known]
    chosen = st.multiselect(
        f"Scenarios, up to {MOST}",
        which,
        default=[SHOWN, state.NOW, state.FOUNDING],
        format_func=lambda one: SHOWN_NAME if one == SHOWN else name_of(one),
        max_selections=MOST,
        key="planner-compare",
    )
    if not chosen:
        st.caption("Choose some to see them side by side.")
        return
    if any(_same(known[one], shown.scenario) for one in chosen if one != SHOWN):
        chosen = [one for one in chosen if one != SHOWN]  # it would stand there twice
    plans = _plans(chosen, known, shown)
    ui.table(side_by_side(plans), "planner-compare-csv", "comparison.csv")
    if len({plan.scenario.currency for plan in plans.values()}) > 1:
        st.caption("The chart needs one currency: these scenarios have several.")
    elif plans:
        ui.show(
            charts_planner.compared(plans), "planner-compared", file_name="comparison-months.csv"
        )


def _same(one: Scenario, other: Scenario) -> bool:
    """But for what they are called."""
    return one.model_copy(update={"name": other.name, "note": other.note}) == other


def side_by_side(plans: Mapping[str, Plan]) -> pd.DataFrame:
    """A row for each key figure, a column for each scenario."""
    columns = {name: key_figures(plan) for name, plan in plans.items()}
    figures = list(next(iter(columns.values()), {}))
    return pd.DataFrame(
        {"Figure": figures}
        | {name: [values[figure] for figure in figures] for name, values in columns.items()}
    )


def _plans(chosen: list[str], known: Mapping[str, Scenario], shown: Plan) -> dict[str, Plan]:
    plans: dict[str, Plan] = {}
    for one in chosen:
        name = SHOWN_NAME if one == SHOWN else name_of(one)
        try:
            plans[name] = shown if one == SHOWN else worked_out(to_json(known[one]))
        except (ValueError, ValidationError) as error:
            st.warning(
                formats.escape(f"{name} cannot be worked out: {error}"), icon=":material/warning:"
            )
    return plans
