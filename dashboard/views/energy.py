"""Energy: where the joules go, how sure that is, and what a token takes."""

import streamlit as st

from dashboard import data, drill, energy_charts, energy_words, formats, ui, uses_filter
from dashboard.energy import EnergyView
from dashboard.energy_meters import meters
from dashboard.energy_now import power_now
from dashboard.overview import View
from dashboard.periods import DAY_MS, MINUTE_MS, Period
from db.energy_queries import PARTS

SAME_BARS = (
    "Error bars are the meters' accuracy. It is the same for all bars of a chart, which move up "
    "and down together: how they compare is surer than each figure."
)


def nothing_yet() -> None:
    """What to do while no meter has told anything."""
    with st.container(border=True):
        st.subheader("No energy has been recorded yet", anchor=False)
        st.markdown(
            "Meters are read while the engine runs, and the first minute stands here once it is "
            "over. If this stays empty, see below which meters were found; then ask something on "
            "**Chat** to see what an answer takes."
        )
        if st.button("Chat now", type="primary", icon=":material/forum:"):
            st.switch_page("views/chat.py", query_params={})


def where_it_went(energy: EnergyView) -> None:
    """The range's energy in parts, and over time."""
    uses = energy.uses
    total = uses.total
    if total is None:
        st.info(
            f"No meter read anything {energy.period.words}, so the energy is unknown, not 0. "
            "Choose another range.",
            icon=":material/inbox:",
        )
        return
    with st.grid(5, min_column_width=140):
        for part in PARTS:
            joules = uses.parts[part]
            with st.container(border=True, height="stretch"):
                st.metric(
                    energy_words.PART_NAMES[part],
                    energy_words.amount(joules),
                    help=energy_words.PART_HELP[part],
                )
                st.caption(energy_words.part_note(joules, total))
    st.caption(formats.escape(energy_words.failed_note(uses)))
    for sentence in energy_words.coverage(uses):
        st.caption(f":material/warning: {formats.escape(sentence)}")
    bucket_ms = max(energy.period.bucket_ms, MINUTE_MS)
    chart = energy_charts.timeline(
        energy.timeline, uses, data.timezone(), _per(energy.period), bucket_ms
    )
    ui.show(chart, "energy-timeline", file_name="energy-over-time.csv")
    drill.button("The requests of this range", "requests", to_requests(energy), "to-all-requests")


def per_token(energy: EnergyView) -> None:
    """What a token takes, by model and by how many experts it went through."""
    st.subheader("Joules per token", anchor=False)
    models, experts = energy.models, energy.experts
    if models["told"].sum() == 0:
        st.caption(
            "No request of this range has its prompt's energy apart from its answer's, so joules "
            "per token are unknown. Requests that this version serves on a metered machine have it."
        )
        return
    with st.grid(2, min_column_width=440):
        ui.show(
            energy_charts.by_model(models, energy.uses.basis),
            "energy-models",
            file_name="energy-by-model.csv",
            about="Energy of the requests' own work, without idling, over the tokens that they "
            "read (without those from cache) or wrote.",
        )
        if experts["told"].sum():
            ui.show(energy_charts.by_experts(experts, energy.uses.basis), "energy-experts")
    others = int(models["others"].sum())
    told = f"Over {formats.count(int(models['told'].sum()))} requests. "
    if others:
        told += (
            f"{formats.count(others)} left out: of these the energy, or the prompt's part of it, "
            "is not or only partly known. "
        )
    st.caption(formats.escape(told) + SAME_BARS)


def by_whom_and_when(energy: EnergyView) -> None:
    with st.grid(2, min_column_width=440):
        developers = energy.developers[energy.developers["energy_j"].notna()]
        if not developers.empty:
            with st.container():
                ui.show(
                    energy_charts.by_developer(developers, energy.uses.basis),
                    "energy-developers",
                    file_name="energy-by-developer.csv",
                )
                drill.button("Their requests", "requests", to_requests(energy), "to-requests")
        if energy.hours["total_j"].notna().any():
            days = (energy.period.end_ms - energy.period.start_ms) / DAY_MS
            ui.show(
                energy_charts.by_hour(energy.hours, zone, days, energy.uses.basis),
                "energy-hours",
            )


def to_requests(energy: EnergyView) -> dict[str, str]:
    return drill.parameters(energy.view.ledger, energy.view.span, energy.view.uses)


def carbon(energy: EnergyView) -> None:
    st.subheader("Carbon", anchor=False)
    if energy.carbon is not None:
        st.markdown(formats.escape(energy_words.carbon_sentence(energy.carbon)))
    elif energy.view.ledger == "sample":
        st.caption(
            "Shown on your own ledger, once Settings → Energy says where the machine stands."
        )
    elif energy.grid is not None and energy.grid.g_per_kwh is not None:
        st.caption("No energy of this range falls into the time for which an intensity is set.")
    else:
        st.caption("Not shown. To turn it on, choose a country or a figure in Settings → Energy.")


def _per(period: Period) -> str:
    return "per minute" if period.bucket_ms < MINUTE_MS else period.bucket_words()


ui.begin("Energy", "Where the joules go, how sure that is, and what a token takes.")
ledger, zone = data.chosen_ledger(), data.timezone()
own = ledger == "own"
if own:
    power_now()
if not data.has_energy(ledger):
    nothing_yet()
span, uses = uses_filter.choose_view("today", ledger)
uses_filter.say(
    ledger,
    uses,
    "energy by developer, and joules per token, where a team is not told apart from the others. "
    "All else is what the meters read, which tell neither teams nor models apart.",
)
energy = data.energy(View(ledger, span, zone.key, uses=uses))
if data.has_energy(ledger):
    where_it_went(energy)
    per_token(energy)
    by_whom_and_when(energy)
meters(energy)
carbon(energy)
