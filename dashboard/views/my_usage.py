"""My usage: what one developer asked, what it cost, and what is left of this month's budget."""

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import (
    adoption_charts,
    data,
    drill,
    filters,
    formats,
    limits_view,
    ui,
    uses_filter,
)
from dashboard.labels import EVERYBODY, labels
from dashboard.my_usage import MyUsage
from dashboard.overview import View
from db.errors import InvalidInput
from db.limits import NO_LIMITS
from db.people import Person
from db.request_pages import Which

LAST_REQUESTS = 10
OWN_CHAT = "Chat, without a key"
STATUS = {
    "ok": "answered",
    "running": "running",
    "cancelled": "cancelled",
    "error": "failed",
    "interrupted": "interrupted",
}


def chosen_developer(ledger: str, below: DeltaGenerator) -> Person | None:
    """Whose usage is shown; None: there is nobody yet. The address carries the name."""
    owners = data.usage_owners(ledger)
    if not owners:
        return None
    ids = labels([(person.name, person.id) for person in owners], [EVERYBODY])
    name = filters.choose_one("Developer", list(ids), key="developer", below=below, width=260)
    return next(person for person in owners if person.id == ids[name])


def figures(usage: MyUsage) -> None:
    totals, cost, currency = usage.totals, usage.cost, usage.comparison.currency
    uncached = totals.input_tokens - totals.cached_input_tokens
    with st.grid(3, min_column_width=180):
        st.metric("Requests", formats.count(totals.requests), help=_outcomes(usage))
        st.metric(
            "Tokens",
            formats.count(totals.input_tokens + totals.output_tokens),
            help=f"{totals.estimated_counts:,} requests' counts are estimates."
            if totals.estimated_counts
            else "Counted exactly.",
        )
        st.metric(
            f"Energy, {usage.energy_basis}" if totals.requests else "Energy",
            formats.energy(totals.energy_j),
            help=_energy_help(usage),
        )
        st.metric("Input tokens", formats.count(uncached), help="Without those read from cache.")
        st.metric(
            "Input from cache",
            formats.count(totals.cached_input_tokens),
            help="Input that an engine's cache already had, so that it was not computed again.",
        )
        st.metric(
            "Output tokens", formats.count(totals.output_tokens), help="What the answers wrote."
        )
        st.metric(
            "Cost, fully loaded",
            formats.money(None if cost is None else cost.fully_loaded, currency),
            help="A part of all that the hardware cost, used or not. Idle time is shared by the "
            "rule above.",
        )
        st.metric(
            "Cost, marginal",
            formats.small_money(None if cost is None else cost.marginal, currency),
            help="The electricity of these requests alone, PUE included.",
        )
        st.metric(
            "Seat would have cost",
            formats.money(None if cost is None else cost.seat, currency),
            help="A commercial seat in the same time, pro rata from the first day here and the "
            "hardware's.",
        )
    if cost is None:
        st.caption(
            f"There are no costs to tell {usage.period.words}: no hardware was in service while "
            "this developer was here."
        )


def _outcomes(usage: MyUsage) -> str:
    totals = usage.totals
    return (
        f"{totals.ok:,} answered, {totals.errors:,} failed, {totals.cancelled:,} cancelled, "
        f"{totals.interrupted:,} interrupted, {totals.running:,} running."
    )


def _energy_help(usage: MyUsage) -> str:
    """How it was obtained, and of how many requests it is not known."""
    totals = usage.totals
    words = [f"What the meters read {usage.period.words} is {usage.energy_basis}."]
    if totals.energy_unknown:
        words.append(f"Of {totals.energy_unknown:,} requests the energy is unknown.")
    if totals.energy_partial:
        words.append(f"Of {totals.energy_partial:,} it is a lower bound.")
    return " ".join(words)


def over_time(usage: MyUsage, name: str) -> None:
    currency = usage.comparison.currency
    ui.show(
        adoption_charts.tokens_by_day(usage.by_day, name, currency),
        "my-days",
        file_name="my-usage-by-day.csv",
    )
    st.caption(formats.escape(usage.days.words))


def divided(usage: MyUsage) -> None:
    """By model in the range, and by key in its months."""
    with st.grid(2, min_column_width=440):
        if not usage.by_model.empty:
            by_model = usage.by_model
            tokens = by_model["input_tokens"] + by_model["output_tokens"]
            part = formats.share(float(tokens.iloc[0] / tokens.sum())) if tokens.sum() else "0%"
            title = f"{part} of the tokens {usage.period.words} were of {by_model['model'].iloc[0]}"
            ui.show(
                adoption_charts.tokens_by("model", by_model, title),
                "my-models",
                file_name="my-usage-by-model.csv",
            )
        if usage.by_key:
            by_key = _keys(usage)
            title = f"Most tokens {_months(usage)} went through {by_key['key'].iloc[0]}"
            ui.show(
                adoption_charts.tokens_by("key", by_key, title),
                "my-keys",
                file_name="my-usage-by-key.csv",
            )
    if usage.by_key:
        st.caption("By key, only whole months (UTC) are kept, so these may be more than the range.")


def _keys(usage: MyUsage) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "key": [use.name or OWN_CHAT for use in usage.by_key],
            "begins_with": [use.prefix or "" for use in usage.by_key],
            "requests": [use.requests for use in usage.by_key],
            "input_tokens": [use.input_tokens for use in usage.by_key],
            "output_tokens": [use.output_tokens for use in usage.by_key],
            "energy_kWh": [use.energy_j / formats.JOULES_PER_KWH for use in usage.by_key],
        }
    )


def _months(usage: MyUsage) -> str:
    first, last = usage.months[0], usage.months[-1]
    return f"in {first} (UTC)" if first == last else f"from {first} to {last} (UTC)"


def budget(ledger: str, person: Person) -> None:
    """What is left of this month's; the sample team has no budgets."""
    if ledger != "own":
        return
    st.subheader("This month's budget", anchor=False)
    with st.container(border=True):
        limits_view.show_limits(data.limits_of_developer(person))
    for holder in map(data.limits_of_key, data.keys_of(person.id)):
        if holder.limits != NO_LIMITS:
            with st.container(border=True):
                st.markdown(f"**Key {formats.escape(str(holder.key_name))}**")
                limits_view.show_limits(holder)


def last_requests(ledger: str, person: Person) -> None:
    zone = data.timezone()
    st.subheader("Last requests", anchor=False)
    which = Which(
        developer_id=person.id, team_id=uses.team_id, model=uses.model, engine=uses.engine
    )
    rows = data.requests_page(ledger, LAST_REQUESTS, None, None, which)
    if rows.empty:
        of = formats.escape(uses_filter.of(ledger, uses))
        st.markdown(f"None{of} yet, or none that is still kept.")
        return
    started = pd.to_datetime(rows["started_at"], unit="ms", utc=True).dt.tz_convert(zone)
    table = pd.DataFrame(
        {
            f"Started ({zone.key})": started.dt.tz_localize(None).dt.floor("s"),
            "Status": rows["status"].map(STATUS),
            "Model": rows["model"],
            "Tool": rows["client"],
            "Input tokens": rows["input_tokens"],
            "Of it cached": rows["cached_input_tokens"],
            "Output tokens": rows["output_tokens"],
            "Energy, J": rows["energy_j"],
            "Energy is": rows["energy_basis"].fillna("unknown"),
        }
    )
    ui.table(table, "my-requests-csv", "my-last-requests.csv")
    with st.container(horizontal=True):
        asked = drill.parameters(ledger, span, uses, person.id)
        drill.button("Requests of this range", "requests", asked, "to-requests")
        everything = drill.parameters(ledger, "all", uses, person.id)
        drill.button("All requests", "requests", everything, "to-all-requests")


def nobody() -> None:
    st.info(
        "There is no developer yet. Ask something on **Chat**, or make a key on **Connect**.",
        icon=":material/inbox:",
    )
    with st.container(horizontal=True):
        if st.button("Chat now", type="primary", icon=":material/forum:"):
            st.switch_page("views/chat.py", query_params={})
        if st.button("Connect a tool", icon=":material/power:"):
            st.switch_page("views/connect.py", query_params={})


ui.begin("My usage", "What one developer asked, what that cost, and what is left this month.")
ledger = data.chosen_ledger()
chooser = st.container()
person = chosen_developer(ledger, chooser)
if person is None:
    nobody()
    st.stop()
span, uses = uses_filter.choose_view("month", ledger)
uses_filter.say(
    ledger,
    uses,
    "requests, tokens and energy. Costs, the seat, keys and the budget are of all.",
)
view = View(ledger, span, data.timezone().key, ui.choose_idle_rule(), uses)
try:
    usage = data.my_usage(view, person.id)
except InvalidInput as error:
    st.error(formats.escape(error.message), icon=":material/currency_exchange:")
    st.stop()
figures(usage)
if usage.totals.requests:
    over_time(usage, person.name)
else:
    of = uses_filter.of(ledger, uses)
    asked = f"No request{of}" if of else "Nothing was asked"
    st.info(
        formats.escape(f"{asked} {usage.period.words}. Choose another range."),
        icon=":material/inbox:",
    )
divided(usage)
budget(ledger, person)
last_requests(ledger, person)
