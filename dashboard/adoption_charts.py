"""Charts of who uses what is hosted here, as pure functions: figures in, plotly figure and its
words out."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard import formats
from dashboard.charts import MOST_BARS, NEUTRAL, Chart, bar_height, cost_figure, dress, labels
from dashboard.formats import JOULES_PER_KWH

MODELS_SHOWN = 8
FEW = 6


def active_by_day(frame: pd.DataFrame, seats: int, zone: str) -> Chart:
    """How many developers asked something on each day. Columns: begins (a date), active."""
    table = pd.DataFrame({f"day ({zone})": frame["begins"].dt.date, "active": frame["active"]})
    used = int((frame["active"] > 0).sum())
    most, day = int(frame["active"].max()), _date(_first_of_most(frame, frame["active"]))
    title = f"{_of(most, seats)} active on the busiest day, {day}"
    alt = f"{title}. Somebody was active on {used} of {len(frame)} days."
    return Chart(title, _active_bars(frame, "%a %-d %b %Y", seats), alt, table)


def active_by_week(frame: pd.DataFrame, seats: int, zone: str) -> Chart:
    """The same by week. Columns: begins (its Monday), active."""
    table = pd.DataFrame(
        {f"week from ({zone})": frame["begins"].dt.date, "active": frame["active"]}
    )
    most, week = int(frame["active"].max()), _date(_first_of_most(frame, frame["active"]))
    title = f"{_of(most, seats)} active in the busiest week, from {week}"
    alt = f"{title}. On average {frame['active'].mean():,.1f} were active in a week."
    return Chart(title, _active_bars(frame, "Week from %-d %b %Y", seats), alt, table)


def seats_used(frame: pd.DataFrame, used: int, seats: int, words: str) -> Chart:
    """Seats by team, used and idle; of many teams, those with the most idle ones. Columns: team,
    used, idle; who changed team stands in each, so `used` of all `seats` are told apart."""
    title = f"{used:,} of {seats:,} seats {'was' if used == 1 else 'were'} used {words}"
    ordered = frame.sort_values(["idle", "used"], ascending=False, kind="stable")
    shown = ordered.head(MOST_BARS)
    figure = go.Figure()
    for name, column, colour in (("Used", "used", None), ("Idle", "idle", NEUTRAL)):
        figure.add_bar(
            name=name,
            y=labels(shown["team"]),
            x=shown[column].to_numpy(float),
            orientation="h",
            # Idle seats are hatched: told apart without colour too.
            marker={
                "color": colour,
                "line": {"width": 0},
                "pattern": {"shape": "/" if column == "idle" else ""},
            },
            hovertemplate=f"%{{x:,.0f}} seats {name.lower()} {words}",
        )
    which = _which(len(shown), len(frame), "teams with most idle seats")
    most = (shown["used"] + shown["idle"]).max()
    figure.update_layout(barmode="stack", xaxis={"title": f"Seats{which}", **_whole(most)})
    dress(figure, bar_height(len(shown)), reverse_order=True)
    alt = f"{title}. " + "; ".join(
        f"{row['team']}: {row['used']} used, {row['idle']} idle" for row in shown.to_dict("records")
    )
    return Chart(title, figure, alt, frame)


def costs_beside_seats(frame: pd.DataFrame, currency: str, *, idle_apart: bool) -> Chart:
    """What each developer costs beside the seat that is replaced; of many, those who cost most.
    Columns: developer, fully_loaded, marginal, seat (amounts; NaN: unknown). `idle_apart`: what was
    idle is not in it, for nobody carries that."""
    cheaper = int((frame["fully_loaded"] < frame["seat"]).sum())
    title = f"{cheaper:,} of {len(frame):,} developers cost less here than their seat ({currency})"
    if idle_apart:
        title += ", without what was idle"
    ordered = frame.sort_values("fully_loaded", ascending=False, kind="stable")
    shown = ordered.head(MOST_BARS)
    symbol = formats.SYMBOLS.get(currency, f"{currency} ")
    figure = cost_figure(shown, symbol)
    which = _which(len(shown), len(frame), "who cost most")
    figure.update_xaxes(title=f"{currency}{which}")
    alt = f"{title}. " + "; ".join(
        f"{row['developer']}: {symbol}{row['fully_loaded']:,.2f}, seat {symbol}{row['seat']:,.2f}"
        for row in shown.to_dict("records")
    )
    table = pd.DataFrame(
        {
            "developer": ordered["developer"],
            f"fully loaded, {currency}": ordered["fully_loaded"],
            f"marginal, {currency}": ordered["marginal"],
            f"seat, {currency}": ordered["seat"],
            f"seat less fully loaded, {currency}": ordered["seat"] - ordered["fully_loaded"],
        }
    )
    return Chart(title, figure, alt, table)


def token_shares(frame: pd.DataFrame, whose: str, words: str) -> Chart:
    """Who used which part of `whose` tokens (all, the team's); of many, those who used most.
    Columns: developer, requests, input_tokens, cached_input_tokens, output_tokens."""
    frame = frame.assign(tokens=frame["input_tokens"] + frame["output_tokens"])
    total = int(frame["tokens"].sum())
    frame = frame.assign(share=frame["tokens"] / (total or 1))
    frame = frame.sort_values("tokens", ascending=False, kind="stable")
    shown = frame.head(MOST_BARS)
    top = shown.iloc[0]
    part = formats.share(float(top["share"]))
    title = f"{top['developer']} used {part} of {whose} tokens {words}"
    figure = go.Figure()
    for name, amounts in _token_parts(shown).items():
        figure.add_bar(
            name=name,
            y=labels(shown["developer"]),
            x=amounts.to_numpy(float) / (total or 1),
            customdata=amounts.to_numpy(float),
            orientation="h",
            hovertemplate="%{customdata:,.0f} tokens, %{x:.1%}",
        )
    which = _which(len(shown), len(frame), "who used most")
    figure.update_layout(
        barmode="stack",
        xaxis={"title": f"Part of {formats.count(total)} tokens{which}", "tickformat": "~%"},
    )
    dress(figure, bar_height(len(shown)), reverse_order=True)
    alt = f"{title}. " + "; ".join(
        f"{row['developer']}: {formats.share(row['share'])}" for row in shown.to_dict("records")
    )
    columns = [name for name in frame if name != "share"]
    return Chart(title, figure, alt, frame[[*columns, "share"]])


def tokens_by_day(frame: pd.DataFrame, name: str, currency: str) -> Chart:
    """One developer's tokens by day, those from cache apart. Columns: begins, requests,
    input_tokens, cached_input_tokens, output_tokens, energy_j and marginal (NaN: unknown)."""
    tokens = frame["input_tokens"] + frame["output_tokens"]
    days = int((frame["requests"] > 0).sum())
    title = (
        f"{name} used {formats.count(int(tokens.sum()))} tokens on "
        f"{days} {'day' if days == 1 else 'days'}"
    )
    if days > 1:
        title += f", most on {_date(_first_of_most(frame, tokens))}"
    figure = go.Figure()
    begins = frame["begins"].to_numpy()
    for part, amounts in _token_parts(frame).items():
        figure.add_bar(
            name=part,
            x=begins,
            y=amounts.to_numpy(float),
            marker={"line": {"width": 0}},
            hovertemplate="%{y:,.0f} tokens",
        )
    _by_date(figure, "%a %-d %b %Y")
    figure.update_layout(barmode="stack", hovermode="x unified")
    figure.update_yaxes(tickformat="~s", title="Tokens a day")
    dress(figure, 300)
    table = pd.DataFrame(
        {
            "day": frame["begins"].dt.date,
            "requests": frame["requests"],
            "input tokens": frame["input_tokens"],
            "of it cached": frame["cached_input_tokens"],
            "output tokens": frame["output_tokens"],
            "energy, kWh": frame["energy_j"] / JOULES_PER_KWH,
            f"electricity, marginal, {currency}": frame["marginal"],
        }
    )
    return Chart(title, figure, f"{title}.", table)


def tokens_by(what: str, frame: pd.DataFrame, title: str) -> Chart:
    """One developer's tokens by `what` (model, key). Columns: it, input_tokens, output_tokens, and
    cached_input_tokens where that is kept; other columns stand in the table alone."""
    shown = frame.head(MODELS_SHOWN)
    figure = go.Figure()
    for part, amounts in _token_parts(shown).items():
        figure.add_bar(
            name=part,
            y=labels(shown[what]),
            x=amounts.to_numpy(float),
            orientation="h",
            hovertemplate="%{x:,.0f} tokens",
        )
    figure.update_layout(barmode="stack", xaxis={"tickformat": "~s", "title": "Tokens"})
    dress(figure, bar_height(len(shown)), reverse_order=True)
    table = frame.rename(columns=lambda name: name.replace("_", " "))
    return Chart(title, figure, f"{title}.", table)


def _token_parts(frame: pd.DataFrame) -> dict[str, "pd.Series[int]"]:
    parts = {"Input": frame["input_tokens"], "Output": frame["output_tokens"]}
    if "cached_input_tokens" in frame:
        cached = frame["cached_input_tokens"]
        parts = {
            "Input": frame["input_tokens"] - cached,
            "Input from cache": cached,
            "Output": frame["output_tokens"],
        }
    return parts


def _active_bars(frame: pd.DataFrame, date_format: str, seats: int) -> go.Figure:
    figure = go.Figure()
    figure.add_bar(
        name="Active developers",
        x=frame["begins"].to_numpy(),
        y=frame["active"].to_numpy(float),
        marker={"line": {"width": 0}},
        hovertemplate=f"%{{y:,.0f}} of {seats:,} with a seat asked something",
    )
    _by_date(figure, date_format)
    figure.update_layout(hovermode="x unified")
    figure.update_yaxes(rangemode="tozero", title="Developers", **_whole(frame["active"].max()))
    dress(figure, 280)
    return figure


def _by_date(figure: go.Figure, hover: str) -> None:
    figure.update_xaxes(type="date", hoverformat=hover, tickformat="%-d %b\n%Y", nticks=8)


def _of(active: int, seats: int) -> str:
    """`6 of 8 developers were`; without seats to compare with, `6 developers were`."""
    people = f"{active} of {seats} developers" if active <= seats else f"{active} developers"
    return f"{people} {'was' if active == 1 else 'were'}"


def _first_of_most(frame: pd.DataFrame, amounts: "pd.Series[int]") -> pd.Timestamp:
    """The first day with the largest amount."""
    return pd.Timestamp(frame["begins"].iloc[int(amounts.to_numpy().argmax())])


def _whole(most: float) -> dict[str, Any]:
    """An axis of whole numbers up to `most`: of few, plotly would mark halves too."""
    return {"tickformat": ",d", **({"dtick": 1} if most < FEW else {})}


def _which(shown: int, rows: int, which: str) -> str:
    """What an axis says where not all are shown: the table has them."""
    return "" if shown == rows else f", the {shown} of {rows:,} {which}"


def _date(day: pd.Timestamp) -> str:
    return f"{day:%-d %B %Y}"
