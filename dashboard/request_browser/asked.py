"""What a reader looks for among the requests. All of it stands in the page's address."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar
from zoneinfo import ZoneInfo

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import data, filter_names, filters, formats, uses_filter
from dashboard.labels import EVERYBODY
from dashboard.periods import RANGES
from dashboard.request_browser import pager
from dashboard.request_browser.words import STATUSES
from db.ids import id_from_text
from db.request_pages import Named, Which

ANY_STATUS = "Any status"
USUAL = {"developer": EVERYBODY, "status": ANY_STATUS}
MOST_KEYS = 20
Value = TypeVar("Value")
_ID = re.compile(r"(?:[a-z]+[-_])?([0-7][0-9a-f]{15})")  # as answers have it, `chatcmpl-…` too


@dataclass(frozen=True, slots=True)
class Asked:
    """`request_id`: one request, whatever else is asked; else `which`, in the range that `words`
    name."""

    which: Which
    words: str
    request_id: int | None = None


def choose(ledger: str, zone: ZoneInfo) -> Asked:
    """The controls, and what they come to."""
    with st.container(horizontal=True):
        span = filters.choose_range("all", on_change=pager.to_newest)
        text = st.text_input(
            "Request id or key name",
            key="find",
            bind="query-params",
            placeholder="an id, or a part of a key's name",
            type="search",
            on_change=pager.to_newest,
            width=300,
        ).strip()
    statuses = {words.capitalize(): name for name, words in STATUSES.items()}
    controls, below = st.container(horizontal=True), st.container()
    with controls:
        developer = _choose_one("Developer", filter_names.developers(ledger), below)
        uses = uses_filter.choose(ledger, below, pager.to_newest)
        status = _choose_one("Status", statuses, below)
    request_id = id_of(text)
    keys = None if request_id is not None or not text else _keys(ledger, text)
    period = data.period_of(ledger, span, zone)
    which = Which(
        start_ms=None if span == "all" else period.start_ms,
        end_ms=period.end_ms if period.ended else None,
        developer_id=developer,
        team_id=uses.team_id,
        model=uses.model,
        engine=uses.engine,
        status=status,
        api_key_ids=keys,
    )
    return Asked(which, period.words, request_id)


def id_of(text: str) -> int | None:
    """The id of a request, where the text is one."""
    found = _ID.fullmatch(text.lower())
    return id_from_text(found[1]) if found else None


def clear() -> None:
    """Look for everything again."""
    pager.to_newest()
    st.session_state.update({**USUAL, **uses_filter.USUAL, "range": RANGES["all"], "find": ""})


def _choose_one(label: str, names: Mapping[str, Value], below: DeltaGenerator) -> Value | None:
    key = label.lower()
    chosen = filters.choose_one(
        label,
        [USUAL[key], *names],
        key=key,
        on_change=pager.to_newest,
        below=below,
        width=uses_filter.WIDTH,
    )
    return names.get(chosen)


def _keys(ledger: str, text: str) -> tuple[int, ...]:
    """The keys with this in their name. Which they are is said."""
    found = data.keys_named(ledger, text, MOST_KEYS + 1)
    if not found:
        said = (
            f"No key has “{text}” in its name, and it is no request's id. An id has 16 "
            "hexadecimal digits, and stands in each answer."
        )
    elif len(found) > MOST_KEYS:
        found = found[:MOST_KEYS]
        said = (
            f"More than {MOST_KEYS} keys have “{text}” in their name. These are requests of the "
            f"{MOST_KEYS} that were last used: write more of the name."
        )
    else:
        said = f"Requests with {_named(found)}."
    st.caption(formats.escape(said))
    return tuple(key.id for key in found)


def _named(found: list[Named]) -> str:
    names = list(dict.fromkeys(key.name for key in found))
    number = "the key" if len(found) == 1 else f"{len(found)} keys:"
    return f"{number} {', '.join(names)}"
