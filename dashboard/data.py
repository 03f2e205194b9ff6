"""Reads for the pages. Each is cached for moments only, so that ten open pages ask once.

A page looks at the team's own ledger, or at the sample team's, which is another database. What is
cached is told apart by the database's address.
"""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
import streamlit as st

from dashboard import energy as energy_figures
from dashboard import my_usage as own_figures
from dashboard import team as team_figures
from dashboard.alternatives.choices import Choices, baselines
from dashboard.alternatives.offers import Offer, Ranged, ranged
from dashboard.alternatives.offers import offers as priced_offers
from dashboard.energy import EnergyView
from dashboard.ledgers import engine_of, make_sample
from dashboard.my_usage import MyUsage
from dashboard.overview import Overview, View, compute, first_moment
from dashboard.periods import Period, period
from dashboard.reports.month import contents, months
from dashboard.reports.month.models import MonthReport
from dashboard.reports.routes import MADE_BY
from dashboard.team import TeamUse
from db import energy_queries, grid, keys, limits, people, prices, queries, request_pages
from db.ids import now_ms
from db.months import month_after, month_of
from db.request_pages import Named, Served, Which
from db.teams import list_teams


@dataclass(frozen=True, slots=True)
class MonthUse:
    """What a developer or a key used in this month (UTC), as budgets count it.

    `energy_j` None: requests were made, but of none is the energy known. `renews`: `YYYY-MM`.
    """

    tokens: int
    energy_j: float | None
    renews: str


def chosen_ledger() -> str:
    """Which ledger this reader looks at."""
    return str(st.session_state.get("ledger", "own"))


def open_sample() -> None:
    """Look at the sample team from now on."""
    make_sample()
    st.session_state["ledger"] = "sample"


def close_sample() -> None:
    st.session_state["ledger"] = "own"


def timezone() -> ZoneInfo:
    """The reader's time zone, as their browser tells it."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def overview(view: View) -> Overview:
    return _overview(str(engine_of(view.ledger).url), view)


@st.cache_data(ttl=2, max_entries=64, show_spinner=False)
def _overview(url: str, view: View) -> Overview:
    return compute(engine_of(view.ledger), view, now_ms())


def alternatives(view: View) -> Ranged:
    return _alternatives(str(engine_of(view.ledger).url), view)


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _alternatives(url: str, view: View) -> Ranged:
    return ranged(engine_of(view.ledger), view, now_ms())


def offers(view: View, choices: Choices, today: date) -> list[Offer]:
    return _offers(str(engine_of(view.ledger).url), view, choices, today)


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _offers(url: str, view: View, choices: Choices, today: date) -> list[Offer]:
    """Of a large team and a long range it takes half a second."""
    return priced_offers(_alternatives(url, view), baselines(choices, today))


def energy(ledger: str, span: str, zone: ZoneInfo) -> EnergyView:
    return _energy(str(engine_of(ledger).url), View(ledger, span, zone.key))


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _energy(url: str, view: View) -> EnergyView:
    return energy_figures.compute(engine_of(view.ledger), view, now_ms())


def team(view: View, team_id: int | None) -> TeamUse:
    return _team(str(engine_of(view.ledger).url), view, team_id)


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _team(url: str, view: View, team_id: int | None) -> TeamUse:
    return team_figures.compute(engine_of(view.ledger), view, team_id, now_ms())


def my_usage(view: View, developer_id: int) -> MyUsage:
    return _my_usage(str(engine_of(view.ledger).url), view, developer_id)


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _my_usage(url: str, view: View, developer_id: int) -> MyUsage:
    return own_figures.compute(engine_of(view.ledger), view, developer_id, now_ms())


def months_with_data(ledger: str, zone: ZoneInfo) -> list[str]:
    """Months (`YYYY-MM`) of which there is something to report, newest first."""
    return months.months_with_data(engine_of(ledger), zone, now_ms())


def month_report(ledger: str, month: str, zone: ZoneInfo) -> MonthReport:
    return _month_report(str(engine_of(ledger).url), ledger, month, zone.key)


@st.cache_data(ttl=10, max_entries=16, show_spinner=False)
def _month_report(url: str, ledger: str, month: str, zone: str) -> MonthReport:
    return contents.month_report(engine_of(ledger), month, ZoneInfo(zone), now_ms(), MADE_BY)


def has_energy(ledger: str) -> bool:
    """Whether any meter has told anything on this ledger."""
    return energy_queries.has_energy(engine_of(ledger))


def grid_history() -> list[grid.Grid]:
    """The carbon intensities in force at some time on the own ledger, oldest first."""
    return grid.grid_history(engine_of("own"))


def requests_page(
    ledger: str,
    limit: int,
    before: tuple[int, int] | None,
    after: tuple[int, int] | None,
    which: Which,
) -> pd.DataFrame:
    """One page of requests, newest first: those before or after this (started_at, id)."""
    return request_pages.recent_requests(engine_of(ledger), limit, before, after=after, which=which)


def request_with_id(ledger: str, request_id: int) -> pd.DataFrame:
    """One row, or none."""
    return request_pages.request_with_id(engine_of(ledger), request_id)


def served(ledger: str) -> Served:
    return request_pages.served(engine_of(ledger))


def keys_named(ledger: str, text: str, most: int) -> list[Named]:
    return request_pages.keys_named(engine_of(ledger), text, most)


def key_of(ledger: str, developer_id: int, key_id: int) -> keys.Key | None:
    """A developer's key, revoked or not."""
    theirs = keys.list_keys(engine_of(ledger), developer_id=developer_id, revoked=True)
    return next((key for key in theirs if key.id == key_id), None)


def period_of(ledger: str, span: str, zone: ZoneInfo) -> Period:
    """A range as it is now."""
    now = now_ms()
    return period(span, zone, now, first_moment(engine_of(ledger), zone, now))


def developers(ledger: str, *, archived: bool = False) -> list[people.Person]:
    return people.list_developers(engine_of(ledger), archived=archived)


def teams(ledger: str) -> dict[str, int]:
    """Every team's id by its name."""
    return {team.name: team.id for team in list_teams(engine_of(ledger), archived=True)}


def today(zone: ZoneInfo) -> date:
    """The reader's own day."""
    return datetime.fromtimestamp(now_ms() / 1000, zone).date()


def keys_of(developer_id: int | None = None, *, revoked: bool = False) -> list[keys.Key]:
    return keys.list_keys(engine_of("own"), developer_id=developer_id, revoked=revoked)


def limits_of_developer(person: people.Person) -> limits.Holder:
    theirs = limits.get_limits(engine_of("own"), developer_id=person.id)
    return limits.Holder(person.id, person.name, None, None, theirs)


def limits_of_key(key: keys.Key) -> limits.Holder:
    its = limits.get_limits(engine_of("own"), api_key_id=key.id)
    return limits.Holder(key.developer_id, key.developer_name, key.id, key.name, its)


def limited() -> list[limits.Holder]:
    """Every developer and key that has limits."""
    return limits.list_limits(engine_of("own"))


def month_use(holder: limits.Holder) -> MonthUse:
    month = month_of(now_ms())
    use = queries.month_use(engine_of("own"), month)
    if holder.api_key_id is None:
        use = use[use["developer_id"] == holder.developer_id]
    else:
        use = use[use["api_key_id"] == holder.api_key_id]
    tokens = int(use["input_tokens"].sum() + use["output_tokens"].sum())
    energy_j = float(use["energy_j"].sum())
    known = energy_j > 0 or not use["requests"].sum()
    return MonthUse(tokens, energy_j if known else None, month_after(month))


def prices_at(ledger: str, at_ms: int) -> prices.CostSettings:
    return prices.current_prices(engine_of(ledger), at_ms)


def current_prices(ledger: str) -> prices.CostSettings:
    return prices.current_prices(engine_of(ledger))


def is_empty(ledger: str) -> bool:
    return queries.first_activity(engine_of(ledger)) is None
