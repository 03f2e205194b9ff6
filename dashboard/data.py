"""Reads for the pages. Each is cached for moments only, so that ten open pages ask once.

A page looks at the team's own ledger, or at the sample team's, which is another database. What is
cached is told apart by the database's address.

Each read is within what the page's reader may see (`dashboard.viewer`): one of everybody's figures
is for managers, NotAllowed else; one of requests, people and keys gives those in their scope.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
import streamlit as st

from dashboard import access, kept
from dashboard import changes as cost_changes
from dashboard import energy as energy_figures
from dashboard import my_usage as own_figures
from dashboard import team as team_figures
from dashboard.alerts.words import Names, names_in
from dashboard.alternatives.choices import Choices, baselines
from dashboard.alternatives.offers import Offer, Ranged, ranged
from dashboard.alternatives.offers import offers as priced_offers
from dashboard.changes import Since
from dashboard.energy import EnergyView
from dashboard.ledgers import engine_of, make_sample
from dashboard.my_usage import MyUsage
from dashboard.overview import Overview, View, compute, first_moment
from dashboard.periods import Period, period
from dashboard.reports.month import contents, months
from dashboard.reports.month.models import MonthReport
from dashboard.reports.routes import MADE_BY
from dashboard.team import TeamUse
from dashboard.viewer import NotAllowed, Viewer
from db import energy_queries, grid, keys, limits, people, prices, queries, request_pages
from db.alert_history import Firing, firing_now
from db.export_queries import EVERYBODY, Whose
from db.ids import now_ms
from db.months import month_after, month_of
from db.request_pages import Named, Served, Which
from db.teams import list_teams, members_of
from db.uses import EVERY_USE


@dataclass(frozen=True, slots=True)
class MonthUse:
    """What a developer or a key used in this month (UTC), as budgets count it.

    `energy_j` None: requests were made, but of none is the energy known. `renews`: `YYYY-MM`.
    """

    tokens: int
    energy_j: float | None
    renews: str


def viewer() -> Viewer:
    """Who reads the page, at this moment."""
    found = access.page_viewer()
    if found is None:
        raise NotAllowed("You are signed out.")
    return found


def chosen_ledger() -> str:
    """Which ledger this reader looks at. The sample is shown to managers."""
    if not viewer().is_at_least("manager"):
        return "own"
    return str(st.session_state.get("ledger", "own"))


def open_sample() -> None:
    """Look at the sample team from now on. It has none of the own teams and models."""
    make_sample()
    st.session_state["ledger"] = "sample"
    kept.forget("team", "model", "engine")


def close_sample() -> None:
    """Back to the own ledger, which has none of the sample's teams and models."""
    st.session_state["ledger"] = "own"
    kept.forget("team", "model", "engine")


def timezone() -> ZoneInfo:
    """The reader's time zone, as their browser tells it."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def overview(view: View) -> Overview:
    viewer().require("manager")
    return _overview(str(engine_of(view.ledger).url), view)


@st.cache_data(ttl=2, max_entries=64, show_spinner=False)
def _overview(url: str, view: View) -> Overview:
    return compute(engine_of(view.ledger), view, now_ms())


def changes(view: View) -> Since:
    viewer().require("manager")
    return _changes(str(engine_of(view.ledger).url), replace(view, idle="by_use", uses=EVERY_USE))


@st.cache_data(ttl=60, max_entries=64, show_spinner=False)
def _changes(url: str, view: View) -> Since:
    """It moves with the minute, and asks twice as much of the ledger as the Overview."""
    return cost_changes.compute(engine_of(view.ledger), view, now_ms())


def alternatives(view: View) -> Ranged:
    viewer().require("manager")
    return _alternatives(str(engine_of(view.ledger).url), view)


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _alternatives(url: str, view: View) -> Ranged:
    return ranged(engine_of(view.ledger), view, now_ms())


def offers(view: View, choices: Choices, today: date) -> list[Offer]:
    viewer().require("manager")
    return _offers(str(engine_of(view.ledger).url), view, choices, today)


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _offers(url: str, view: View, choices: Choices, today: date) -> list[Offer]:
    """Of a large team and a long range it takes half a second."""
    return priced_offers(_alternatives(url, view), baselines(choices, today))


def energy(view: View) -> EnergyView:
    viewer().require("manager")
    return _energy(str(engine_of(view.ledger).url), view)


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _energy(url: str, view: View) -> EnergyView:
    return energy_figures.compute(engine_of(view.ledger), view, now_ms())


def team(view: View, team_id: int | None) -> TeamUse:
    viewer().require_team(team_id)
    return _team(str(engine_of(view.ledger).url), view, team_id)


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _team(url: str, view: View, team_id: int | None) -> TeamUse:
    return team_figures.compute(engine_of(view.ledger), view, team_id, now_ms())


def my_usage(view: View, developer_id: int) -> MyUsage:
    viewer().require_own(developer_id)
    return _my_usage(str(engine_of(view.ledger).url), view, developer_id)


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _my_usage(url: str, view: View, developer_id: int) -> MyUsage:
    return own_figures.compute(engine_of(view.ledger), view, developer_id, now_ms())


def months_with_data(ledger: str, zone: ZoneInfo) -> list[str]:
    """Months (`YYYY-MM`) of which there is something to report, newest first."""
    return months.months_with_data(engine_of(ledger), zone, now_ms())


def month_report(ledger: str, month: str, zone: ZoneInfo) -> MonthReport:
    viewer().require("manager")
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
    whose = viewer().narrowed(Whose(which.developer_id, which.team_id))
    which = replace(which, developer_id=whose.developer_id, team_id=whose.team_id)
    return request_pages.recent_requests(engine_of(ledger), limit, before, after=after, which=which)


def request_with_id(ledger: str, request_id: int) -> pd.DataFrame:
    """One row; none where there is no such request, or the reader may not see it."""
    reader, found = viewer(), request_pages.request_with_id(engine_of(ledger), request_id)
    scope, own = reader.scope, reader.developer_id
    if own is not None and found["developer_id"].eq(own).fillna(value=False).all():
        return found
    if scope.developer_id is not None:
        found = found[found["developer_id"] == scope.developer_id]
    if scope.team_id is not None:
        found = found[found["team_id"].eq(scope.team_id).fillna(value=False)]
    return found


def served(ledger: str) -> Served:
    return request_pages.served(engine_of(ledger))


def keys_named(ledger: str, text: str, most: int) -> list[Named]:
    """Keys of those whose requests the reader may see."""
    owners = None
    if viewer().scope != EVERYBODY:
        owners = [person.id for person in developers(ledger, archived=True)]
    return request_pages.keys_named(engine_of(ledger), text, most, developer_ids=owners)


def key_of(ledger: str, developer_id: int, key_id: int) -> keys.Key | None:
    """A developer's key, revoked or not."""
    viewer().narrowed(Whose(developer_id))
    theirs = keys.list_keys(engine_of(ledger), developer_id=developer_id, revoked=True)
    return next((key for key in theirs if key.id == key_id), None)


def period_of(ledger: str, span: str, zone: ZoneInfo) -> Period:
    """A range as it is now."""
    now = now_ms()
    return period(span, zone, now, first_moment(engine_of(ledger), zone, now))


def ranges_with_requests(ledger: str, zone: ZoneInfo) -> list[str]:
    """Of the ranges that begin before today those that hold the last request."""
    activity = queries.first_activity(engine_of(ledger))
    found = []
    for name in ("last_month", "thirty", "year", "all"):
        chosen = period_of(ledger, name, zone)
        if activity and chosen.start_ms <= activity.last_ms < chosen.end_ms:
            found.append(name)
    return found


def developers(ledger: str, *, archived: bool = False) -> list[people.Person]:
    """By name: everybody, who is in the reader's team now, or the reader alone."""
    scope = viewer().scope
    everybody = people.list_developers(engine_of(ledger), archived=archived)
    if scope.team_id is not None:
        team = {member.developer_id for member in members_of(engine_of(ledger), scope.team_id)}
        return [person for person in everybody if person.id in team]
    return [person for person in everybody if scope.developer_id in (None, person.id)]


def own_developer() -> people.Person | None:
    """The developer whom the reader's account belongs to; None: it belongs to none."""
    developer_id = viewer().developer_id
    return None if developer_id is None else people.get_developer(engine_of("own"), developer_id)


def key_owners() -> list[people.Person]:
    """For whom the reader may make keys: for themselves, and an admin for everybody."""
    if viewer().is_at_least("admin"):
        return developers("own")
    own = own_developer()
    return [] if own is None else [own]


def teams(ledger: str) -> dict[str, int]:
    """Every team's id by its name, as far as the reader may see its requests."""
    reader = viewer()
    every = list_teams(engine_of(ledger), archived=True)
    if reader.scope != EVERYBODY:
        every = [team for team in every if team.id == reader.team_id]
    return {team.name: team.id for team in every}


def today(zone: ZoneInfo) -> date:
    """The reader's own day."""
    return datetime.fromtimestamp(now_ms() / 1000, zone).date()


def usage_owners(ledger: str) -> list[people.Person]:
    """Whose usage as a whole the reader may see: their own, and a manager everybody's."""
    if viewer().is_at_least("manager"):
        return developers(ledger, archived=True)
    own = own_developer()
    return [] if own is None else [own]


def keys_of(developer_id: int) -> list[keys.Key]:
    """A developer's keys that work."""
    viewer().require_own(developer_id)
    return keys.list_keys(engine_of("own"), developer_id=developer_id)


def all_keys(*, revoked: bool = False) -> list[keys.Key]:
    viewer().require("manager")
    return keys.list_keys(engine_of("own"), revoked=revoked)


def changeable_keys() -> list[keys.Key]:
    """Those that work, of whom the reader may make keys for."""
    owners = {person.id for person in key_owners()}
    return [key for key in keys.list_keys(engine_of("own")) if key.developer_id in owners]


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


def firing_alerts() -> list[Firing]:
    """What fires on the own ledger, the latest first."""
    viewer().require("manager")
    return firing_now(engine_of("own"))


def alert_names() -> Names:
    viewer().require("manager")
    return names_in(engine_of("own"))
