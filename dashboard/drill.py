"""The ways from a figure to the rows behind it: pages with their filter in the address."""

import streamlit as st

from dashboard import data, filter_names, filters, formats, kept, uses_filter
from dashboard.costs.models import DeveloperCost, TeamCost
from dashboard.labels import label_of
from dashboard.periods import own_days
from db.uses import EVERY_USE, Uses

Parameters = dict[str, str]
SCRIPTS = {
    "requests": "views/requests.py",
    "team": "views/team.py",
    "my_usage": "views/my_usage.py",
    "energy": "views/energy.py",
    "planner": "views/planner.py",
}


def parameters(
    ledger: str, span: str, uses: Uses = EVERY_USE, developer_id: int | None = None
) -> Parameters:
    """A page's filter: this range, use and developer."""
    found = {**filters.parameters(span), **uses_filter.parameters(ledger, uses)}
    if developer_id is not None:
        name = label_of(filter_names.developers(ledger), developer_id)
        if name is not None:
            found["developer"] = name
    return found


def of_figure(page: str, ledger: str, span: str, uses: Uses) -> Parameters:
    """The filter of the page behind one of the Overview's figures: that of its requests; costs and
    energy are of all."""
    return parameters(ledger, span, uses if page == "requests" else EVERY_USE)


def go(page: str, asked: Parameters) -> None:
    """Open a page with this filter, whatever was chosen before."""
    if page != "planner":
        kept.come_with(asked)
    st.switch_page(SCRIPTS[page], query_params={})  # those of controls may not be cleared else


def to_days(ledger: str, days: str, uses: Uses) -> None:
    """The requests of these days (`first/last`), which came from a browser."""
    if own_days(days) is not None:
        go("requests", parameters(ledger, days, uses))


def button(label: str, page: str, asked: Parameters, key: str) -> None:
    """The way there, below a figure or a table."""
    if st.button(formats.escape(label), key=key, type="tertiary", icon=":material/arrow_forward:"):
        go(page, asked)


def rows_of(ledger: str, span: str, row: DeveloperCost | TeamCost | None) -> None:
    """Below a table of costs, which are of all: the way to the chosen row's requests, or how to
    choose one."""
    if row is None:
        st.caption("Select a row to see its requests.")
        return
    if isinstance(row, TeamCost):
        if row.team_id is None:
            st.caption("Nobody's: no request stands behind this row.")
            return
        asked = parameters(ledger, span, Uses(team_id=row.team_id))
        button(f"Requests of {row.name}", "requests", asked, "to-team-requests")
        return
    if row.developer_id is None:
        st.caption("Nobody's: no request stands behind this row.")
        return
    developer(ledger, span, EVERY_USE, row.developer_id, row.name)


def developer(ledger: str, span: str, uses: Uses, developer_id: int, name: str) -> None:
    """The ways to one developer's requests and use."""
    asked = parameters(ledger, span, uses, developer_id)
    with st.container(horizontal=True):
        button(f"Requests of {name}", "requests", asked, "to-requests")
        if data.viewer().is_at_least("manager"):
            button(f"Usage of {name}", "my_usage", asked, "to-usage")
