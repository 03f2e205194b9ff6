"""Pure functions from figures to charts: DataFrame in, plotly figure and its words out.

Titles say the finding and the unit, and stand above the figure, where they can wrap. Names of
people are escaped in figures: plotly reads some HTML.
"""

import html
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard import formats

MOST_BARS = 15
NEUTRAL = "#8a94a0"  # legible on light and dark ground, and no colour of the palette
OVERHEAD = "#c9a227"
JOULES_PER_KWH = formats.JOULES_PER_KWH
_USES = ("attributed_j", "idle_j", "overhead_j", "loading_j", "other_j")


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure, its finding (the title; `alt` says more of it), and the figures behind it."""

    title: str
    figure: go.Figure
    alt: str
    table: pd.DataFrame


def developer_costs(frame: pd.DataFrame, currency: str) -> Chart:
    """What each developer costs on both sides.

    `frame` has a row for each developer: developer, fully_loaded, marginal, seat (amounts; a seat
    of NaN: nobody's, such as an overhead row).
    """
    shown = largest(frame, "fully_loaded", ["fully_loaded", "marginal", "seat"])
    people = frame[frame["seat"].notna()]
    cheaper = int((people["fully_loaded"] < people["seat"]).sum())
    title = (
        f"{cheaper} of {len(people)} developers cost less self-hosted than their seat ({currency})"
    )
    symbol = formats.SYMBOLS.get(currency, f"{currency} ")
    figure = cost_figure(shown, symbol)
    costs = zip(shown["developer"], shown["fully_loaded"], shown["seat"], strict=True)
    alt = f"{title}. " + "; ".join(
        f"{name}: {symbol}{own:,.2f}" + ("" if np.isnan(seat) else f", seat {symbol}{seat:,.2f}")
        for name, own, seat in costs
    )
    return Chart(title, figure, alt, frame)


def cost_figure(shown: pd.DataFrame, symbol: str) -> go.Figure:
    """Bars of the fully loaded cost beside the seat, and the marginal cost as a mark, for each row
    of `shown` (columns as above)."""
    figure = go.Figure()
    sides = (
        ("Fully loaded", "fully_loaded", ",.2f"),
        ("Seat", "seat", ",.2f"),
    )
    for name, column, number in sides:
        figure.add_bar(
            name=name,
            y=labels(shown["developer"]),
            x=shown[column].to_numpy(float),
            orientation="h",
            hovertemplate=f"{symbol}%{{x:{number}}}",
        )
    figure.add_scatter(
        name="Marginal (electricity)",
        y=labels(shown["developer"]),
        x=shown["marginal"].to_numpy(float),
        mode="markers",  # a bar so short would not be seen
        marker={"symbol": "diamond", "size": 9},
        hovertemplate=f"{symbol}%{{x:,.2~r}}",
    )
    figure.update_layout(barmode="group", xaxis={"tickprefix": symbol, "rangemode": "tozero"})
    dress(figure, bar_height(len(shown)), reverse_order=True)
    return figure


def developer_tokens(frame: pd.DataFrame) -> Chart:
    """Who used how many tokens. Columns: developer, input_tokens, cached_input_tokens,
    output_tokens."""
    frame = frame.assign(
        fresh_input=frame["input_tokens"] - frame["cached_input_tokens"],
        tokens=frame["input_tokens"] + frame["output_tokens"],
    )
    columns = ["fresh_input", "cached_input_tokens", "output_tokens", "tokens"]
    shown = largest(frame, "tokens", columns)
    total = int(frame["tokens"].sum())
    share = shown["tokens"].iloc[0] / total if total else 0
    top = str(shown["developer"].iloc[0])
    title = f"{top} used most: {share:.0%} of {formats.count(total)} tokens"
    figure = go.Figure()
    parts = (
        ("Input", "fresh_input"),
        ("Input from cache", "cached_input_tokens"),
        ("Output", "output_tokens"),
    )
    for name, column in parts:
        figure.add_bar(
            name=name,
            y=labels(shown["developer"]),
            x=shown[column].to_numpy(float),
            orientation="h",
            hovertemplate="%{x:,.0f} tokens",
        )
    figure.update_layout(barmode="stack", xaxis={"tickformat": "~s"})
    dress(figure, bar_height(len(shown)), reverse_order=True)
    table = shown[["developer", "input_tokens", "cached_input_tokens", "output_tokens"]]
    return Chart(title, figure, title, table if len(frame) <= MOST_BARS else frame)


def energy_timeline(frame: pd.DataFrame, timezone: ZoneInfo, basis: str) -> Chart:
    """Energy of requests, of idling and of all else. Columns: bucket_ms, attributed_j, idle_j,
    overhead_j, loading_j, other_j (NaN: unknown)."""
    kwh = {name: frame[name].to_numpy(float) / JOULES_PER_KWH for name in _USES}
    parts = {
        "Requests": kwh["attributed_j"],
        "Idle": kwh["idle_j"],
        "Overhead and other": kwh["overhead_j"] + kwh["loading_j"] + kwh["other_j"],
    }
    whole = sum(float(np.nansum(values)) for values in parts.values())
    share = float(np.nansum(parts["Idle"])) / whole if whole else 0
    unit, factor = ("Wh", 1000) if whole < 0.1 else ("kWh", 1)
    total = formats.energy(whole * JOULES_PER_KWH)
    part = formats.share(share).capitalize()
    title = f"{part} of {total} went into idling ({unit}, {basis})"
    times = local_times(frame["bucket_ms"], timezone)
    figure = go.Figure()
    table = pd.DataFrame({"time": times})
    for (name, values), colour in zip(parts.items(), (None, NEUTRAL, OVERHEAD), strict=True):
        figure.add_bar(
            name=name,
            x=times,
            y=values * factor,
            marker={"color": colour, "line": {"width": 0}},
            hovertemplate=f"%{{y:,.3~r}} {unit}",
        )
        table[f"{name.lower()}, {unit}"] = values * factor
    figure.update_layout(barmode="stack", hovermode="x unified", bargap=0)
    dress(figure, 280)
    return Chart(title, figure, title, table)


def experts_heatmap(counts: list[list[int]], experts_per_token: int | None) -> Chart:
    """How often each routed expert of each layer was chosen for one answer's tokens."""
    used = np.array(counts, dtype=float)
    tokens = used.sum(axis=1, keepdims=True) / max(experts_per_token or 1, 1)
    share = np.divide(used, tokens, out=np.zeros_like(used), where=tokens > 0)
    layers, experts = used.shape
    busiest = int(np.argmax(share.max(axis=1)))
    title = (
        f"Experts chosen: {experts_per_token or 'some'} of {experts} routed experts a token, "
        f"in {layers} layers"
    )
    figure = go.Figure(
        go.Heatmap(
            z=share.T,
            x=np.arange(layers),
            y=np.arange(experts),
            zmin=0,
            zmax=1,
            colorbar={"title": "share of<br>tokens", "tickformat": ".0%", "thickness": 12},
            hovertemplate="Layer %{x}, expert %{y}: %{z:.0%} of tokens<extra></extra>",
        )
    )
    figure.update_layout(xaxis={"title": "Layer"}, yaxis={"title": "Expert", "dtick": 4})
    dress(figure, 320)
    alt = (
        f"{title}. The most uneven layer is {busiest}, where one expert saw "
        f"{share[busiest].max():.0%} of the tokens."
    )
    table = pd.DataFrame(counts, columns=[f"expert {number}" for number in range(experts)])
    table.insert(0, "layer", range(layers))
    return Chart(title, figure, alt, table)


def local_times(epoch_ms: "pd.Series[int]", timezone: ZoneInfo) -> np.ndarray:
    """Moments as the reader's clock shows them, without a zone: plotly draws them as they are."""
    moments = pd.to_datetime(epoch_ms, unit="ms", utc=True).dt.tz_convert(timezone)
    return moments.dt.tz_localize(None).to_numpy()


def largest(frame: pd.DataFrame, by: str, amounts: list[str]) -> pd.DataFrame:
    """The rows with the most, and the rest as one: a large team's chart stays legible."""
    ordered = frame.sort_values(by, ascending=False, kind="stable")
    if len(ordered) <= MOST_BARS:
        return ordered
    head, tail = ordered.iloc[: MOST_BARS - 1], ordered.iloc[MOST_BARS - 1 :]
    rest = pd.DataFrame([{"developer": f"{len(tail)} others", **tail[amounts].sum().to_dict()}])
    return pd.concat([head, rest], ignore_index=True)


def labels(names: "pd.Series[str]") -> list[str]:
    short = (name if len(name) <= 24 else f"{name[:23]}…" for name in names)
    return [html.escape(name, quote=False) for name in short]


def bar_height(rows: int) -> int:
    return 110 + rows * 44


def dress(figure: go.Figure, height: int, reverse_order: bool = False) -> None:
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 16, "t": 40, "b": 8},
        legend={"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "traceorder": "normal"},
        hoverlabel={"namelength": -1},
    )
    if reverse_order:
        figure.update_yaxes(autorange="reversed", automargin=True)
