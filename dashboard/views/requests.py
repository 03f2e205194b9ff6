"""Requests: every row of the ledger, newest first, and one in detail."""

from typing import Any

import pandas as pd
import streamlit as st

from dashboard import data, formats, ui
from dashboard.costs.comparison import marginal_cost
from dashboard.sides import prices_of
from db.ids import id_to_text
from db.schema import STATUSES

PAGE_ROWS = 50
EVERYBODY = "Everybody"
ANY_STATUS = "Any status"
WORDS = {
    "ok": "answered",
    "running": "running",
    "cancelled": "cancelled",
    "error": "failed",
    "interrupted": "interrupted",
}
BASIS = {
    "measured": "measured",
    "estimated": "estimated",
    "partial": "partly known",
    "unknown": "unknown",
}

ui.begin("Requests", "Every request that reached the gateway. Prompts and answers are not stored.")
ledger = data.chosen_ledger()
zone = data.timezone()

people = {person.name: person.id for person in data.developers(ledger, archived=True)}
# A page is remembered by the request it starts before; a new filter begins again at the newest.
before: list[tuple[int, int]] = st.session_state.setdefault("requests-before", [])
with st.container(horizontal=True, vertical_alignment="bottom"):
    who = st.selectbox("Developer", [EVERYBODY, *people], on_change=before.clear, width=220)
    status = st.selectbox(
        "Status",
        [ANY_STATUS, *STATUSES],
        format_func=lambda name: str(WORDS.get(name, name)).capitalize(),
        on_change=before.clear,
        width=220,
    )
    st.button("Refresh", icon=":material/refresh:")

rows = data.requests_page(
    ledger,
    PAGE_ROWS + 1,
    before[-1] if before else None,
    people.get(who),
    None if status == ANY_STATUS else status,
)
has_older = len(rows) > PAGE_ROWS
rows = rows.head(PAGE_ROWS)


def table_of(frame: pd.DataFrame) -> pd.DataFrame:
    started = pd.to_datetime(frame["started_at"], unit="ms", utc=True).dt.tz_convert(zone)
    return pd.DataFrame(
        {
            "Started": started.dt.tz_localize(None),
            "Developer": frame["developer_name"],
            "Status": frame["status"].map(WORDS),
            "Engine": [_engine(name) for name in frame["engine"]],
            "Input": frame["input_tokens"],
            "Cached": frame["cached_input_tokens"],
            "Output": frame["output_tokens"],
            "Counts are": frame["counts_exact"].map({True: "exact", False: "≈ estimated"}),
            "Energy": frame["energy_j"],
            "Energy is": frame["energy_basis"].map(BASIS).fillna("unknown"),
            "First token": frame["ttft_ms"],
            "Duration": frame["duration_ms"].astype("Float64") / 1000,
            "Tool": frame["client"],
            "Model": frame["model"],
        }
    )


def detail(row: "pd.Series[Any]") -> None:
    """One request: how its time went, its tokens, its energy and what that cost."""
    with st.container(border=True):
        st.subheader(f"Request {id_to_text(int(row['id']))}", anchor=False)
        prices = data.current_prices(ledger)
        energy_j = None if pd.isna(row["energy_j"]) else float(row["energy_j"])
        cost = marginal_cost(energy_j, prices_of(prices))
        with st.grid(4):
            st.metric("Waited in the queue", formats.duration(_number(row["queue_ms"])))
            st.metric("First token after", formats.duration(_number(row["ttft_ms"])))
            st.metric("Whole answer after", formats.duration(_number(row["duration_ms"])))
            st.metric("Output speed", _speed(row))
            about = "" if row["counts_exact"] else "≈ "
            st.metric("Input tokens", about + formats.count(int(row["input_tokens"])))
            st.metric("Output tokens", about + formats.count(int(row["output_tokens"])))
            st.metric(
                "Energy", formats.joules(energy_j), help=str(row["energy_source"] or "No meter yet")
            )
            st.metric(
                "Electricity, marginal cost",
                formats.small_money(cost, prices.currency),
                help="Energy × PUE × today's electricity price. The hardware is not in it.",
            )
        facts = {
            "Developer": row["developer_name"],
            "Status": WORDS.get(str(row["status"]), row["status"]),
            "Ended because": row["finish_reason"] or row["error_type"] or "not told",
            "Model": f"{row['model']}, {_engine(row['engine'])}",
            "Tool": row["client"] or "not told",
            "Interface": f"{row['endpoint']}, {'streamed' if row['streamed'] else 'in one piece'}",
            "Input from cache": f"{int(row['cached_input_tokens']):,} tokens",
            "Token counts": "exact" if row["counts_exact"] else "estimated",
            "Energy": _energy(row),
            "Experts a token": _experts(row),
            "Started": formats.local_time(int(row["started_at"]), zone),
        }
        ui.fact_table(facts)


def _energy(row: "pd.Series[Any]") -> str:
    """How it was obtained, by which meters, how sure it is, and what the prompt took of it."""
    basis = BASIS.get(str(row["energy_basis"]), "unknown")
    words = [f"{basis}, {row['energy_source'] or 'no source'}"]
    energy_j, uncertainty_j = _number(row["energy_j"]), _number(row["energy_uncertainty_j"])
    if energy_j and uncertainty_j is not None:
        words.append(formats.plus_minus(uncertainty_j / energy_j))
    if (prefill_j := _number(row["prefill_energy_j"])) is not None:
        words.append(f"{formats.joules(prefill_j)} of it for the prompt")
    return "; ".join(words)


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _speed(row: "pd.Series[Any]") -> str:
    first, whole = _number(row["ttft_ms"]), _number(row["duration_ms"])
    tokens = int(row["output_tokens"])
    if first is None or whole is None or whole <= first or tokens < 2:
        return formats.UNKNOWN
    return f"{(tokens - 1) / (whole - first) * 1000:,.1f} tokens/s"


def _engine(name: str) -> str:
    return "upstream" if name == "upstream" else "this machine"


def _experts(row: "pd.Series[Any]") -> str:
    mean = _number(row["experts_active_mean"])
    return formats.UNKNOWN if mean is None else f"{mean:.1f} routed, on average"


if rows.empty:
    st.info(
        "No request fits these filters."
        if (who, status) != (EVERYBODY, ANY_STATUS) or before
        else "No request yet. Ask something on **Chat**, or make a key on **Connect**.",
        icon=":material/inbox:",
    )
else:
    chosen = st.dataframe(
        table_of(rows),
        key=f"requests-{ledger}-{before[-1][1] if before else 'newest'}",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        height=min(460, 40 + 36 * len(rows)),
        placeholder=formats.UNKNOWN,
        alt="Requests, newest first",
        column_config={
            "Started": st.column_config.DatetimeColumn(
                f"Started ({zone.key})", format="YYYY-MM-DD HH:mm:ss"
            ),
            "Input": st.column_config.NumberColumn("Input tokens", format="localized"),
            "Cached": st.column_config.NumberColumn(
                "Of it cached", format="localized", help="Input read from an engine's cache."
            ),
            "Output": st.column_config.NumberColumn("Output tokens", format="localized"),
            "Energy": st.column_config.NumberColumn("Energy, J", format="%.2f"),
            "First token": st.column_config.NumberColumn("First token, ms", format="localized"),
            "Duration": st.column_config.NumberColumn("Duration, s", format="%.2f"),
        },
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Newer", icon=":material/chevron_left:", disabled=not before):
            before.pop()
            st.rerun()
        if st.button("Older", icon=":material/chevron_right:", disabled=not has_older):
            before.append((int(rows["started_at"].iloc[-1]), int(rows["id"].iloc[-1])))
            st.rerun()
        st.caption("Select a row to see its detail.")
    if chosen.selection.rows:
        detail(rows.iloc[chosen.selection.rows[0]])
