"""Team: who uses what is hosted here, what that costs beside their seats, and who does not."""

from decimal import Decimal

import pandas as pd
import streamlit as st

from dashboard import adoption_charts, cost_tables, data, filters, formats, ui
from dashboard.idle_rules import rule_sentence
from dashboard.overview import View
from dashboard.team import Member, TeamUse, heaviest
from db.errors import InvalidInput

ALL_TEAMS = "All teams"
NO_TEAM = "No team"


def chosen_team(ledger: str) -> int | None:
    """The team's id (0: those in none); None: all of them. The address carries its name. A lead
    has their own team alone."""
    ids: dict[str, int | None] = {**data.teams(ledger)}
    if data.viewer().is_at_least("manager"):
        ids = {ALL_TEAMS: None, **ids, NO_TEAM: 0}
    if not ids:
        st.info("You lead no team now; an admin can put you into one.", icon=":material/groups:")
        st.stop()
    asked = st.query_params.get("team")
    name = st.selectbox("Team", list(ids), key="team", bind="query-params", width=260)
    if asked and asked not in ids:
        st.warning(
            formats.escape(f"There is no team named “{asked}” here. Shown instead: {name}."),
            icon=":material/warning:",
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
            st.metric("Heaviest users' tokens", "none")
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
        st.info(f"Nobody asked anything {use.period.words}.", icon=":material/inbox:")
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
            )
        if not usage.empty:
            ui.show(
                adoption_charts.token_shares(usage, whose, use.period.words),
                "team-tokens",
                file_name="team-tokens.csv",
            )


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
        st.info(
            "Nobody held a seat in this team in the range, and nobody in it asked anything. "
            "Choose another team, or another range.",
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
            st.switch_page("views/settings.py")
        if st.button("Connect a tool", icon=":material/power:"):
            st.switch_page("views/connect.py")


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
    if data.viewer().is_at_least("manager"):
        of_all = "" if use.team_id is None else "Of all teams together: "
        st.markdown(formats.escape(of_all + rule_sentence(use.comparison)))
    idle_seats(use)


ui.begin("Team", "Who uses what is hosted here, what that costs beside seats, and who does not.")
ledger = data.chosen_ledger()
span = filters.choose_range("month")
with st.container(horizontal=True, vertical_alignment="bottom"):
    team_id = chosen_team(ledger)
    rule = ui.choose_idle_rule()
view = View(ledger, span, data.timezone().key, rule)
try:
    use = data.team(view, team_id)
except InvalidInput as error:
    st.error(formats.escape(error.message), icon=":material/currency_exchange:")
    st.stop()
if use.members:
    show(use)
else:
    nothing(ledger)
