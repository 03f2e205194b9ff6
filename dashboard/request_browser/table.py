"""A page of requests as a table."""

from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from dashboard import formats
from dashboard.request_browser.words import BASIS, STATUSES, engine_words


def choose_row(rows: pd.DataFrame, zone: ZoneInfo, key: str) -> int | None:
    """Show the rows; the place of the one that the reader chose."""
    chosen = st.dataframe(
        table_of(rows, zone),
        key=key,
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
    return chosen.selection.rows[0] if chosen.selection.rows else None


def table_of(frame: pd.DataFrame, zone: ZoneInfo) -> pd.DataFrame:
    started = pd.to_datetime(frame["started_at"], unit="ms", utc=True).dt.tz_convert(zone)
    return pd.DataFrame(
        {
            "Started": started.dt.tz_localize(None),
            "Developer": frame["developer_name"],
            "Status": frame["status"].map(STATUSES),
            "Engine": [engine_words(name) for name in frame["engine"]],
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
