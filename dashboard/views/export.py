"""Export: requests, daily usage and FOCUS costs as files."""

from datetime import date, timedelta

import streamlit as st

from dashboard import data, filter_names, formats, ui
from dashboard.costs.months import add_months
from dashboard.labels import EVERY_TEAM, EVERYBODY, labels
from dashboard.reports.exports import COLUMNS, FORMATS, Export, What
from dashboard.reports.routes import address
from dashboard.reports.span import Span
from db.errors import InvalidInput
from db.export_queries import Whose

THIS_MONTH, LAST_MONTH, OWN_DATES = "Month to date", "Last month", "Own dates"
NAMES: dict[What, str] = {"requests": "Requests", "usage": "Usage by day", "focus": "FOCUS 1.2"}
ABOUT: dict[What, str] = {
    "requests": "A row for every request, with its tokens, joules and the electricity they cost. "
    "Prompts and answers are not stored, so they are not in it.",
    "usage": "A row for every day, developer, team and model: requests that have ended, tokens and "
    "joules.",
    "focus": "Costs by day and team in the FinOps Open Cost and Usage Specification, fully loaded: "
    "hardware, electricity and operations, idle time shared by use. For cost tools "
    "that read FOCUS.",
}
FORMAT_NAMES = {"csv": "CSV", "parquet": "Parquet"}

ui.begin("Export", "The ledger's figures as files, for spreadsheets and other tools.")
ledger = data.chosen_ledger()
zone = data.timezone()
today = data.today(zone)


def chosen_days() -> tuple[date, date] | None:
    """The first day and the last; None while only one is chosen."""
    this_month = today.replace(day=1)
    named = st.segmented_control(
        "Range", [THIS_MONTH, LAST_MONTH, OWN_DATES], default=THIS_MONTH, required=True
    )
    if named == THIS_MONTH:
        return this_month, today
    if named == LAST_MONTH:
        return add_months(this_month, -1), this_month - timedelta(days=1)
    days = st.date_input("First and last day", (this_month, today), format="YYYY-MM-DD", width=320)
    return (days[0], days[1]) if isinstance(days, tuple) and len(days) == 2 else None


def chosen_people(what: What) -> Whose:
    with st.container(horizontal=True):
        teams = labels(data.teams(ledger).items(), [EVERY_TEAM])
        team = st.selectbox("Team", [EVERY_TEAM, *teams], width=220)
        if what == "focus":
            return Whose(team_id=teams.get(team))
        people = filter_names.developers(ledger)
        who = st.selectbox("Developer", [EVERYBODY, *people], width=220)
        return Whose(people.get(who), teams.get(team))


with st.container(border=True):
    what: What = st.segmented_control(
        "What", list(NAMES), format_func=lambda key: NAMES[key], default="requests", required=True
    )
    st.caption(ABOUT[what])
    days = chosen_days()
    whose = chosen_people(what)
    kind = st.segmented_control(
        "Format", FORMATS, format_func=lambda key: FORMAT_NAMES[key], default="csv", required=True
    )
    if days is None:
        st.info("Choose the last day too.", icon=":material/date_range:")
    else:
        try:
            span = Span(days[0], days[1] + timedelta(days=1), zone)
        except InvalidInput as error:
            st.error(formats.escape(error.message), icon=":material/error:")
        else:
            export = Export(what, kind, span, whose)
            st.link_button(
                "Download",
                address(ledger, export),
                type="primary",
                icon=":material/download:",
            )
            st.caption(f"`{export.filename}`, days and months of {zone.key}, times in UTC.")

with st.expander("What is in it"):
    st.dataframe(
        {
            "Column": [column.name for column in COLUMNS[what]],
            "What it holds": [column.about for column in COLUMNS[what]],
        },
        hide_index=True,
        height="content",
    )
st.caption(
    "An empty cell is an unknown value, never 0. In CSV, an apostrophe stands before text that a "
    "spreadsheet would take for a formula. On a server: `python -m dashboard.reports --help`."
)
