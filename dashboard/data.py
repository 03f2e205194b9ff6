"""Reads for the pages. Each is cached for moments only, so that ten open pages ask once.

A page looks at the team's own ledger, or at the sample team's, which is another database. What is
cached is told apart by the database's address.
"""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
import streamlit as st

from dashboard.ledgers import engine_of, make_sample
from dashboard.overview import Overview, View, compute
from db import keys, people, prices, queries
from db.ids import now_ms


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


def overview(ledger: str, span: str, zone: ZoneInfo) -> Overview:
    return _overview(str(engine_of(ledger).url), View(ledger, span, zone.key))


@st.cache_data(ttl=2, max_entries=64, show_spinner=False)
def _overview(url: str, view: View) -> Overview:
    return compute(engine_of(view.ledger), view, now_ms())


def requests_page(
    ledger: str, limit: int, before_id: int | None, developer_id: int | None, status: str | None
) -> pd.DataFrame:
    """One page of requests, newest first."""
    return queries.recent_requests(
        engine_of(ledger), limit, before_id, developer_id=developer_id, status=status
    )


def developers(ledger: str, *, archived: bool = False) -> list[people.Person]:
    return people.list_developers(engine_of(ledger), archived=archived)


def keys_of(developer_id: int | None = None, *, revoked: bool = False) -> list[keys.Key]:
    return keys.list_keys(engine_of("own"), developer_id=developer_id, revoked=revoked)


def current_prices(ledger: str) -> prices.CostSettings:
    return prices.current_prices(engine_of(ledger))


def is_empty(ledger: str) -> bool:
    return queries.first_activity(engine_of(ledger)) is None
