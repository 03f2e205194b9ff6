"""Reports: a month for a cost review, as a PDF and as a spreadsheet."""

import streamlit as st

from dashboard import data, formats, ui
from dashboard.reports.month.files import KINDS, Kind, MonthFile
from dashboard.reports.month.models import SIZES, MonthReport
from dashboard.reports.month.months import name_of
from dashboard.reports.routes import month_address
from db.errors import InvalidInput

BUTTONS: dict[Kind, tuple[str, str]] = {
    "pdf": ("PDF", ":material/picture_as_pdf:"),
    "xlsx": ("Spreadsheet", ":material/table_view:"),
}


def nothing_yet() -> None:
    """What to do while there is no month to report on."""
    with st.container(border=True):
        st.subheader("There is no month to report on yet", anchor=False)
        st.markdown(
            "A month has something to tell once a request was made in it, or the hardware was in "
            "service. Ask the model something on **Chat**, or set the hardware's first day in "
            "**Settings → Prices**."
        )
        if st.button("Chat now", type="primary", icon=":material/forum:"):
            st.switch_page("views/chat.py", query_params={})


def downloads(month: str) -> None:
    """The two files."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        size = st.segmented_control("Paper", SIZES, default=SIZES[0], required=True)
        for kind in KINDS:
            name, icon = BUTTONS[kind]
            file = MonthFile(month, kind, zone, size)
            st.link_button(name, month_address(ledger, file), type="primary", icon=icon)
    st.caption(
        "Summary, charts, teams and developers, energy, assumptions with their dates and sources, "
        f"what is measured and what is estimated. Days and months of {zone.key}. On a server: "
        f"`python -m dashboard.reports month {month} --pdf FILE --xlsx FILE`."
    )


def summary(report: MonthReport) -> None:
    """What will stand on the report's first page."""
    with st.container(border=True):
        st.subheader(formats.escape(report.sentence), anchor=False)
        st.markdown(formats.escape(report.verdict))
    with st.grid(3, min_column_width=240):
        for figure in report.figures:
            with st.container(border=True, height="stretch"):
                st.metric(figure.label, figure.value)
                st.caption(formats.escape(figure.note))
    for gap in report.gaps:
        st.caption(f":material/warning: {formats.escape(gap)}")


def evidence(report: MonthReport) -> None:
    with st.expander("What is measured and what is estimated", icon=":material/rule:"):
        st.dataframe(
            {
                "Figure": [one.figure for one in report.evidence],
                "Basis": [one.basis for one in report.evidence],
                "How it was obtained": [one.how for one in report.evidence],
            },
            hide_index=True,
            height="content",
        )
    with st.expander("Assumptions, with their dates and sources", icon=":material/event_note:"):
        st.dataframe(
            {
                "What": [one.what for one in report.assumptions],
                "Value": [one.value for one in report.assumptions],
                "From": [
                    f"{one.valid_from:%Y-%m-%d}" if one.valid_from else "the beginning"
                    for one in report.assumptions
                ],
                "Source": [one.source for one in report.assumptions],
            },
            hide_index=True,
            height="content",
        )


ui.begin("Reports", "A month for a cost review, as it stands in the report.")
ledger, zone = data.chosen_ledger(), data.timezone()
months = data.months_with_data(ledger, zone)
if not months:
    nothing_yet()
    st.stop()
month = st.selectbox("Month", months, format_func=name_of, width=240)
downloads(month)
try:
    with st.spinner(f"Adding up {name_of(month)}…"):
        report = data.month_report(ledger, month, zone)
except InvalidInput as error:
    st.error(formats.escape(error.message), icon=":material/error:")
    st.stop()
summary(report)
evidence(report)
