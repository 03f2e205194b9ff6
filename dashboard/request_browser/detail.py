"""One request: how its time went, its tokens, its energy and what that cost, whose it was."""

from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from dashboard import data, formats, ui
from dashboard.costs.comparison import marginal_cost
from dashboard.request_browser.timeline import timeline
from dashboard.request_browser.words import BASIS, STATUSES, engine_words
from dashboard.sides import prices_of
from db.ids import id_to_text

Row: TypeAlias = "pd.Series[Any]"
OWN_CHAT = "none: the dashboard's own chat"
UPSTREAM_TIME = (
    "The upstream tells no queue of its own: what a request waited there is in the part before the "
    "first token."
)


def detail(ledger: str, row: Row, zone: ZoneInfo) -> None:
    name = id_to_text(int(row["id"]))
    with st.container(border=True):
        st.subheader(f"Request {name}", anchor=False)
        st.caption(f"[Link to this request](?find={name})")
        _figures(ledger, row)
        chart = timeline(row)
        if chart is None:
            st.caption("How long it took is not known.")
        else:
            ui.show(chart, f"request-time-{name}")
        if row["engine"] == "upstream":
            st.caption(UPSTREAM_TIME)
        ui.fact_table(facts(ledger, row, zone))


def _figures(ledger: str, row: Row) -> None:
    prices = data.prices_at(ledger, int(row["started_at"]))
    energy_j = _number(row["energy_j"])
    cost = marginal_cost(energy_j, prices_of(prices))
    about = "" if row["counts_exact"] else "≈ "
    fresh = int(row["input_tokens"]) - int(row["cached_input_tokens"])
    tiles = (
        ("Input, not cached", about + formats.count(fresh), None),
        ("Input, cached", about + formats.count(int(row["cached_input_tokens"])), None),
        ("Output tokens", about + formats.count(int(row["output_tokens"])), None),
        ("Output speed", _speed(row), "Tokens after the first one, over the time they took."),
        ("Whole answer after", formats.duration(_number(row["duration_ms"])), None),
        ("First token after", formats.duration(_number(row["ttft_ms"])), None),
        ("Energy", formats.joules(energy_j), _source(row)),
        (
            "Marginal cost",
            formats.small_money(cost, prices.currency),
            "Electricity: energy × PUE × the price then. The hardware is not in it.",
        ),
    )
    with st.grid(4, min_column_width=140):
        for label, value, about_it in tiles:
            st.metric(label, value, help=None if about_it is None else formats.escape(about_it))


def facts(ledger: str, row: Row, zone: ZoneInfo) -> dict[str, object]:
    """All else, by name. A team, a key and a developer are those of the request, also where the
    developer has moved since."""
    return {
        "Id": id_to_text(int(row["id"])),
        "Started": formats.local_time(int(row["started_at"]), zone),
        "Developer": row["developer_name"],
        "Team then": _team(ledger, row),
        "Key": _key(ledger, row),
        "Status": STATUSES.get(str(row["status"]), row["status"]),
        "Ended because": row["finish_reason"] or "not told",
        "Error": row["error_type"] or ("not told" if row["status"] == "error" else "none"),
        "Model": f"{row['model']}, {engine_words(str(row['engine']))}",
        "Tool": row["client"] or "not told",
        "Interface": f"{row['endpoint']}, {'streamed' if row['streamed'] else 'in one piece'}",
        "Token counts": "exact" if row["counts_exact"] else "estimated",
        "Energy is": _source(row),
        "Energy's accuracy": _accuracy(row),
        "Of it for the prompt": formats.joules(_number(row["prefill_energy_j"])),
        "Experts per token": _experts(row),
    }


def _team(ledger: str, row: Row) -> str:
    team_id = _number(row["team_id"])
    if team_id is None:
        return "none"
    names = {number: name for name, number in data.teams(ledger).items()}
    return names.get(int(team_id), formats.UNKNOWN)


def _key(ledger: str, row: Row) -> str:
    key_id = _number(row["api_key_id"])
    if key_id is None:
        return OWN_CHAT
    key = data.key_of(ledger, int(row["developer_id"]), int(key_id))
    if key is None:
        return formats.UNKNOWN
    return f"{key.name} ({key.prefix}…){', revoked' if key.revoked_at else ''}"


def _source(row: Row) -> str:
    """How the energy was obtained, and by which meters."""
    basis = BASIS.get(str(row["energy_basis"]), "unknown")
    return f"{basis}, {row['energy_source'] or 'no source'}"


def _accuracy(row: Row) -> str:
    energy_j, uncertainty_j = _number(row["energy_j"]), _number(row["energy_uncertainty_j"])
    if energy_j is None:
        return formats.UNKNOWN
    if uncertainty_j is None or energy_j <= 0:
        return "not kept"
    return formats.plus_minus(uncertainty_j / energy_j)


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _speed(row: Row) -> str:
    first, whole = _number(row["ttft_ms"]), _number(row["duration_ms"])
    tokens = int(row["output_tokens"])
    if first is None or whole is None or whole <= first or tokens < 2:
        return formats.UNKNOWN
    return f"{(tokens - 1) / (whole - first) * 1000:,.1f} tokens/s"


def _experts(row: Row) -> str:
    mean = _number(row["experts_active_mean"])
    return formats.UNKNOWN if mean is None else f"{mean:.1f} routed, on average"
