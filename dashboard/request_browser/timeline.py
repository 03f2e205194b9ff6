"""One request's time as a bar: waiting, reading the prompt, writing the answer."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard import formats
from dashboard.charts import NEUTRAL, Chart, dress

QUEUE, PREFILL, DECODE = "Queue", "Prefill", "Decode"
TOGETHER = "Queue and prefill"
WHOLE = "Not told apart"


def parts_of(row: "pd.Series[Any]") -> list[tuple[str, float]]:
    """The parts and their milliseconds, which add up to the duration; as far apart as the ledger
    tells them. None: it tells no duration."""
    queue, first, whole = (_number(row[name]) for name in ("queue_ms", "ttft_ms", "duration_ms"))
    if whole is None:
        return []
    if first is None or first > whole:
        return [(WHOLE, whole)]
    if queue is None or queue > first:
        return [(TOGETHER, first), (DECODE, whole - first)]
    return [(QUEUE, queue), (PREFILL, first - queue), (DECODE, whole - first)]


def timeline(row: "pd.Series[Any]") -> Chart | None:
    """None: nothing is told of the time."""
    parts = parts_of(row)
    if not parts:
        return None
    told = ", ".join(f"{name.lower()} {formats.duration(ms)}" for name, ms in parts)
    so_far = " so far" if row["status"] == "running" else ""
    title = f"{told[:1].upper()}{told[1:]}{so_far} (milliseconds)"
    figure = go.Figure()
    for name, milliseconds in parts:
        figure.add_bar(
            name=name,
            y=[""],
            x=[milliseconds],
            orientation="h",
            hovertemplate="%{x:,.0f} ms",
            marker={"color": NEUTRAL} if name in (QUEUE, TOGETHER, WHOLE) else None,
        )
    figure.update_layout(
        barmode="stack", xaxis={"ticksuffix": " ms", "tickformat": ",", "rangemode": "tozero"}
    )
    dress(figure, 150)
    table = pd.DataFrame(parts, columns=["Part", "Milliseconds"])
    return Chart(title, figure, f"Where the time went: {title}.", table)


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
