"""How the meters are doing: which read, which were silent, which are missing and how to get them.

What a meter read is on the ledger; why one reads nothing only the running engine knows.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import data, formats
from dashboard.energy import EnergyView
from dashboard.energy_words import KINDS, amount, gap_sentence, lasting, machine_name, relative
from engine.api import current
from engine.runtime.protocol import Ready

RECENT_MS = 3 * 60_000  # a minute's reading is written once the minute is over
CALIBRATE = "python -m engine calibrate"


def meters(energy: EnergyView) -> None:
    """The table, what is missing, and the whole against its parts. Of this server's own ledger the
    engine knows more."""
    live, wholes = energy.view.ledger == "own", energy.wholes
    model = current.get().model if live else None
    told = model.meters if model is not None else []
    st.subheader("Meters", anchor=False)
    if model is not None:
        st.markdown(formats.escape(model.energy_summary))
    table = meter_table(energy.meters, told, energy.at_ms, live=live)
    if table.empty:
        st.caption("No meter's own readings are kept for this range.")
    else:
        st.dataframe(table, hide_index=True, alt="Meters, what they read and how they are doing")
    for whole in wholes.to_dict("records"):
        sentence = gap_sentence(
            str(whole["machine"]),
            whole["whole_j"],
            whole["parts_j"],
            int(whole["minutes"]),
            estimated=bool(whole["estimated"]),
        )
        st.markdown(formats.escape(sentence))
    _missing([meter for meter in told if meter["state"] == "unavailable"])
    if model is not None:
        _rests_on(model)


def _missing(told: Sequence[dict[str, Any]]) -> None:
    """Why other meters are not read, and how to get them."""
    if told:
        with st.expander(f"{len(told)} other meters were looked for", icon=":material/search:"):
            for meter in told:
                name, message = (formats.escape(str(meter[key])) for key in ("name", "message"))
                st.markdown(f"**{name}**: {message}")


def meter_table(
    frame: pd.DataFrame, told: Sequence[dict[str, Any]], now_ms: int, *, live: bool
) -> pd.DataFrame:
    """A row for each device that read, as people read it."""
    by_name = {str(meter["name"]): meter for meter in told}
    rows = [
        {
            "Machine": machine_name(str(row["machine"])),
            "Meter": row["meter"],
            "Device": row["device"],
            "State": state(row, now_ms, live=live),
            "Read": amount(None if pd.isna(row["energy_j"]) else float(row["energy_j"])),
            "Basis": row["basis"],
            "Accuracy": _accuracy(row, by_name),
            "Kind": KINDS.get(str(row["kind"]), row["kind"]),
        }
        for row in frame.to_dict("records")
    ]
    return pd.DataFrame(rows)


def state(row: Any, now_ms: int, *, live: bool) -> str:
    """`reading`, and for how long of the range it was silent."""
    unknown_ms = int(row["unknown_ms"])
    silent = f"silent for {lasting(unknown_ms / 1000)} of the range" if unknown_ms else ""
    if not live:
        return silent or "read all the time"
    if pd.isna(row["last_ms"]):
        return silent or "nothing read"
    ago = now_ms - int(row["last_ms"])
    now = "reading" if ago <= RECENT_MS else f"silent now for {lasting(ago / 1000)}"
    return f"{now}; {silent}" if silent else now


def _accuracy(row: Any, by_name: dict[str, dict[str, Any]]) -> str:
    meter = by_name.get(str(row["meter"])) if row["machine"] == "here" else None
    source = str(meter.get("accuracy_source") or "") if meter else ""
    return relative(float(row["accuracy"])) + (f": {source}" if source else "")


def _rests_on(model: Ready) -> None:
    """What the estimates rest on, and whether a request's share was calibrated here."""
    with st.expander("What these figures rest on", icon=":material/rule:"):
        for meter in model.meters:
            if meter["state"] == "used":
                st.text(f"• {meter['name']} ({meter['basis']}): {meter['message']}")
        if calibration := model.calibration:
            at = datetime.fromisoformat(str(calibration["at"]))
            when = formats.local_time(int(at.timestamp() * 1000), data.timezone())
            st.text(
                "• How the energy of requests that are computed together is divided was measured "
                f"on this machine on {when}; its predictions were within "
                f"{float(calibration['error']):.0%} of what the meters read, half of the time."
            )
        else:
            st.text(
                "• The energy of requests that are computed together is divided by what was "
                "computed for each; what that costs was not measured on this machine yet. To "
                "measure it, in about a minute, run:"
            )
            st.code(CALIBRATE, language="bash")
        st.text(
            "• An uncertainty is the meters' accuracy. A meter is off by the same part of every "
            "reading, so it does not shrink as readings add up."
        )
