"""Team: who uses what is hosted here, what that costs beside their seats, and who does not."""

from dataclasses import replace
from decimal import Decimal

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import (
    adoption_charts,
    cost_tables,
    data,
    drill,
    filter_names,
    filters,
    formats,
    ui,
    uses_filter,
)
from dashboard.idle_rules import rule_sentence
from dashboard.labels import EVERY_TEAM
from dashboard.overview import View
from dashboard.team import Member, TeamUse, heaviest
from db.errors import InvalidInput


def chosen_team(ledger: str, below: DeltaGenerator) -> int | None:
    """The team's id (0: those in none); None: all of them. The address carries its name. A lead
    has their own team alone."""
    ids: dict[str, int | None] = {**filter_names.teams(ledger)}
    if data.viewer().is_at_least("manager"):
        ids = {EVERY_TEAM: None, **ids}
    elif not data.teams(ledger):
        st.info("You lead no team now; an admin can put you into one.", icon=":material/groups:")
        st.stop()
    name = filters.choose_one(
        "Team", list(ids), key="team", below=below, width=uses_filter.WIDTH, stays=True
    )
    return ids[name]


def figures(use: TeamUse) -> None:
    seated, idle, heavy = use.seated, use.idle, heaviest(use)
    working = use.by_day[use.by_day["active"] > 0]["active"]
    with st.grid(4, min_column_width=200):
        st.metric(
            "Seats used",
            f"{len(seated) - len(idle):,} of {len(seated):,}",
            help="Developers who held a seat at some time in the range, and asked something in it.",
        )
        st.metric(
            "Idle seats would have cost",
            formats.money(_seats(idle), use.comparison.currency),
            help="The seats, at the commercial price, of those who asked nothing "
            f"{use.period.words}.",
        )
        st.metric(
            "Active on a day",
            f"{working.mean():,.1f}" if len(working) else "0",
            help="Developers who asked something, on average over the days on which anybody did.",
        )
        if heavy is None:
            st.metric("Heaviest users' tokens", "none", help="Nobody used a token in the range.")
        else:
            people, part = heavy
            st.metric(
                f"Tokens of the heaviest {people:,}",
                formats.share(part),
                help="The part of all input and output tokens that the heaviest tenth of the "
                "active developers used, at least one.",
            )


def adoption(use: TeamUse) -> None:
    seats, zone = len(use.seated), use.days.zone.key
    if not use.active:
        of = uses_filter.of(use.view.ledger, use.view.uses)
        st.info(
            formats.escape(f"Nobody asked anything{of} {use.period.words}."),
            icon=":material/inbox:",
        )
        return
    with st.grid(2, min_column_width=440):
        ui.show(
            adoption_charts.active_by_day(use.by_day, seats, zone),
            "active-by-day",
            file_name="active-by-day.csv",
        )
        ui.show(
            adoption_charts.active_by_week(use.by_week, seats, zone),
            "active-by-week",
            file_name="active-by-week.csv",
        )
    st.caption(
        f"{formats.escape(use.days.words)} Weeks begin on Monday; the first and the last may be "
        "only partly in the range."
    )


def costs_and_tokens(use: TeamUse) -> None:
    currency, told = use.comparison.currency, [m for m in use.members if m.seat is not None]
    whose = "all" if use.team_id is None else "the team's"
    apart = any(row.developer_id is None for row in use.comparison.developers)
    costs = pd.DataFrame(
        {
            "developer": [member.name for member in told],
            "fully_loaded": [cost_tables.number(member.fully_loaded) for member in told],
            "marginal": [cost_tables.number(member.marginal) for member in told],
            "seat": [cost_tables.number(member.seat) for member in told],
        }
    )
    usage = pd.DataFrame(
        {
            "developer": [member.name for member in use.active],
            "requests": [member.requests for member in use.active],
            "input_tokens": [member.input_tokens for member in use.active],
            "cached_input_tokens": [member.cached_input_tokens for member in use.active],
            "output_tokens": [member.output_tokens for member in use.active],
        }
    )
    with st.grid(2, min_column_width=440):
        if costs["fully_loaded"].any():
            ui.show(
                adoption_charts.costs_beside_seats(costs, currency, idle_apart=apart),
                "team-costs",
                file_name="team-costs.csv",
                about=cost_tables.FULLY_LOADED,
            )
        if not usage.empty:
            ui.show(
                adoption_charts.token_shares(usage, whose, use.period.words),
                "team-tokens",
                file_name="team-tokens.csv",
            )


def everybody(use: TeamUse) -> None:
    """Who did what, most tokens first; a row leads to its requests."""
    if not use.active:
        return
    with st.container(border=True):
        st.markdown(f"**Who asked, {formats.escape(use.period.words)}**")
        chosen = st.dataframe(
            pd.DataFrame(
                {
                    "Developer": [member.name for member in use.active],
                    "Requests": [member.requests for member in use.active],
                    "Input tokens": [member.input_tokens for member in use.active],
                    "Output tokens": [member.output_tokens for member in use.active],
                }
            ),
            hide_index=True,
            key="team-members",
            on_select="rerun",
            selection_mode="single-row",
            alt="Who asked, and how much.",
            column_config={
                name: st.column_config.NumberColumn(format="localized")
                for name in ("Requests", "Input tokens", "Output tokens")
            },
        ).selection.rows
        if not chosen or chosen[0] >= len(use.active):
            st.caption("Select a row to see its requests.")
            return
        member, asked = use.active[chosen[0]], replace(use.view.uses, team_id=use.team_id)
        drill.developer(use.view.ledger, use.view.span, asked, member.developer_id, member.name)


def idle_seats(use: TeamUse) -> None:
    """Those who held a seat and asked nothing, and when they last did."""
    st.subheader("Idle seats", anchor=False)
    idle, zone = use.idle, data.timezone()
    if not idle:
        st.markdown(f"Everybody who held a seat asked something {use.period.words}.")
        return
    amount = formats.money(_seats(idle), use.comparison.currency)
    st.markdown(
        formats.escape(
            f"{len(idle):,} of {len(use.seated):,} seats were not used {use.period.words}. At the "
            f"commercial price they would have cost {amount}."
        )
    )
    ui.table(_idle_table(idle, use, zone.key), "idle-seats-csv", "idle-seats.csv")


def _idle_table(idle: list[Member], use: TeamUse, zone: str) -> pd.DataFrame:
    """Those who never asked anything first, then those who last did longest ago."""
    ordered = sorted(idle, key=lambda member: (member.last_ms or 0, member.name.lower()))
    return pd.DataFrame(
        {
            "Developer": [member.name for member in ordered],
            "Seat since": [
                None if member.seat_from is None else member.seat_from.date() for member in ordered
            ],
            f"Last request kept ({zone})": [
                formats.local_time(member.last_ms, data.timezone()) for member in ordered
            ],
            f"Seat {use.period.words}, {use.comparison.currency}": [
                member.seat for member in ordered
            ],
        }
    )


def _seats(members: list[Member]) -> Decimal:
    return sum((member.seat for member in members if member.seat is not None), Decimal(0))


def nothing(ledger: str) -> None:
    """What to do where there is nobody, or nobody in this team."""
    if data.developers(ledger, archived=True):
        of = formats.escape(uses_filter.of(ledger, uses))
        st.info(
            "Nobody held a seat in this team in the range, and nobody in it asked anything"
            f"{of}. Choose another team, or another range.",
            icon=":material/inbox:",
        )
        return
    st.info(
        "There is no developer yet. Add them in **Settings**, or make a key on **Connect**: that "
        "adds its owner.",
        icon=":material/inbox:",
    )
    with st.container(horizontal=True):
        if st.button("Settings", icon=":material/tune:"):
            st.switch_page("views/settings.py", query_params={})
        if st.button("Connect a tool", icon=":material/power:"):
            st.switch_page("views/connect.py", query_params={})


def show(use: TeamUse) -> None:
    figures(use)
    adoption(use)
    seats = len(use.seated)
    if seats:
        ui.show(
            adoption_charts.seats_used(
                use.seats_by_team, seats - len(use.idle), seats, use.period.words
            ),
            "seats-used",
            file_name="seats.csv",
        )
        if use.seats_by_team[["used", "idle"]].to_numpy().sum() > seats:
            st.caption("Who changed team in the range counts in each of their teams.")
    costs_and_tokens(use)
    everybody(use)
    if data.viewer().is_at_least("manager"):
        of_all = "" if use.team_id is None else "Of all teams together: "
        st.markdown(formats.escape(of_all + rule_sentence(use.comparison)))
    idle_seats(use)


ui.begin("Team", "Who uses what is hosted here, what that costs beside seats, and who does not.")
ledger = data.chosen_ledger()
controls, below = st.container(horizontal=True, vertical_alignment="bottom"), st.container()
with controls:
    span = filters.choose_range("month", below=below)
    team_id = chosen_team(ledger, below)
    uses = uses_filter.choose(ledger, below, with_team=False)
    rule = ui.choose_idle_rule()
uses_filter.say(
    ledger,
    uses,
    "who was active, and tokens. Costs, seats and which of them were used are of all models and "
    "engines.",
)
view = View(ledger, span, data.timezone().key, rule, uses)
try:
    use = data.team(view, team_id)
except InvalidInput as error:
    st.error(formats.escape(error.message), icon=":material/currency_exchange:")
    st.stop()
if use.members:
    show(use)
else:
    nothing(ledger)
