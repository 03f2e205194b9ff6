"""What changed since the range before, as a sentence and a table whose causes add up."""

from decimal import Decimal

import pandas as pd
import streamlit as st

from dashboard import data, formats, ui
from dashboard.changes import Since
from dashboard.costs.changes import Cause, Changes
from dashboard.overview import View
from db.uses import EVERY_USE

ABOUT = (
    "Each cause is what the cost changes by as its factor goes from before to now, one after the "
    "other, so that they add up to the whole change. Who was active, how many tokens they used "
    "and how much was idle change the cost where electricity is metered; at rated power they do "
    "not, and only share it out otherwise. A month's price is spread over its days, so the same "
    "days of a longer month cost less."
)
UNITS = {
    "kWh": " kWh",
    "kWh per 1M tokens": " kWh per 1M tokens",
    "developers": " developers",
    "tokens per developer": " tokens each",
    "seat-months": " seat-months",
}


def show(view: View) -> None:
    since = data.changes(view)
    month = view.span in ("month", "last_month")
    title = "What changed since last month" if view.span == "month" else "What changed"
    st.subheader(title, anchor=False, help=ABOUT)
    if since.changes is None:
        st.caption(formats.escape(since.words))
        return
    of_all = "" if view.uses == EVERY_USE else "Of all teams, models and engines: "
    st.markdown(formats.escape(of_all + sentence(since, since.changes)))
    name = "what-changed" + ("-since-last-month" if month else "")
    with st.expander("Every cause", icon=":material/table:"):
        ui.table(table(since.changes), "what-changed-csv", f"{name}.csv")


def sentence(since: Since, found: Changes) -> str:
    """`Self-hosting cost $3.10 less in December than in the same days of November, most of it …`"""
    currency = found.currency
    own = _moved(found.self_hosted_change, currency, found.self_hosted)
    seats = _moved(found.seats_change, currency, found.seats)
    more = found.self_hosted_change - found.seats_change
    if more == 0:
        whole = "Beside the seats it stands as before."
    else:
        whole = (
            f"Beside the seats, self-hosting is {formats.money(abs(more), currency)} "
            f"{'dearer' if more > 0 else 'cheaper'} than it was."
        )
    return (
        f"Against {since.words}, self-hosting cost {own}; the seats would have cost {seats}. "
        f"{whole}"
    )


def _moved(change: Decimal, currency: str, causes: tuple[Cause, ...]) -> str:
    """`$3.10 less (most of it: hardware, −$3.00)`."""
    if change == 0:
        return "the same"
    words = f"{formats.money(abs(change), currency)} {'more' if change > 0 else 'less'}"
    # What pulled the other way is no cause of it.
    top = next((each for each in causes if each.change * change > 0), None)
    if top is None:
        return words
    return f"{words} (most by: {top.name.lower()}, {signed(top.change, currency)})"


def signed(change: Decimal, currency: str) -> str:
    return ("+" if change > 0 else "") + formats.money(change, currency)


def table(found: Changes) -> pd.DataFrame:
    """Both sides' causes and sums, and what is between the sums."""
    currency = found.currency
    rows = [
        *[_row("Self-hosted", cause, currency) for cause in found.self_hosted],
        _sum("Self-hosted", found.self_hosted_before, found.self_hosted_now, currency),
        *[_row("Seats", cause, currency) for cause in found.seats],
        _sum("Seats", found.seats_before, found.seats_now, currency),
        _sum(
            "Self-hosted less seats",
            found.self_hosted_before - found.seats_before,
            found.self_hosted_now - found.seats_now,
            currency,
        ),
    ]
    change = f"Change in cost, {currency}"
    found_rows = pd.DataFrame(rows, columns=["Side", "Cause", "Before", "Now", change])
    return found_rows[["Side", "Cause", change, "Before", "Now"]]


def _row(side: str, cause: Cause, currency: str) -> tuple[str, str, str, str, float]:
    before, now = (_amount(each, cause.unit, currency) for each in (cause.before, cause.now))
    return side, cause.name, before, now, float(cause.change)


def _sum(
    side: str, before: Decimal, now: Decimal, currency: str
) -> tuple[str, str, str, str, float]:
    money = [formats.money(each, currency) for each in (before, now)]
    return side, "Total", money[0], money[1], float(now - before)


def _amount(amount: Decimal, unit: str, currency: str) -> str:
    if unit == "money":
        return formats.money(amount, currency)
    if unit == "money per kWh":
        return f"{formats.SYMBOLS.get(currency, f'{currency} ')}{amount:,.4f} per kWh"
    if unit == "money per seat-month":
        return f"{formats.money(amount, currency)} a month"
    if unit == "kWh per 1M tokens":
        amount *= 10**6
    digits = 0 if unit in ("developers", "tokens per developer") else 3
    return f"{amount:,.{digits}f}{UNITS[unit]}"
