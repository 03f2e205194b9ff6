"""Charts of who uses what is hosted here, as pure functions: figures in, plotly figure and its
words out."""

import pandas as pd
import plotly.graph_objects as go

from dashboard import formats
from dashboard.charts import MOST_BARS, NEUTRAL, Chart, bar_height, dress, labels
from dashboard.formats import JOULES_PER_KWH

MODELS_SHOWN = 8


def active_by_day(frame: pd.DataFrame, seats: int, zone: str) -> Chart:
    """How many developers asked something on each day. Columns: begins (a date), active."""
    table = pd.DataFrame({f"day ({zone})": frame["begins"].dt.date, "active": frame["active"]})
    used = int((frame["active"] > 0).sum())
    if not used:
        title = "Nobody asked anything on these days"
    else:
        most, day = int(frame["active"].max()), _date(_first_of_most(frame, frame["active"]))
        title = f"{_of(most, seats)} active on the busiest day, {day}"
    alt = f"{title}. Somebody was active on {used} of {len(frame)} days."
    return Chart(title, _active_bars(frame, "%a %-d %b %Y", seats), alt, table)


def active_by_week(frame: pd.DataFrame, seats: int, zone: str) -> Chart:
    """The same by week. Columns: begins (its Monday), active."""
    table = pd.DataFrame(
        {f"week from ({zone})": frame["begins"].dt.date, "active": frame["active"]}
    )
    mean, last = frame["active"].mean(), int(frame["active"].iloc[-1])
    title = (
        f"{mean:,.1f} developers were active in a week on average, {last} in the week from "
        f"{_date(pd.Timestamp(frame['begins'].iloc[-1]))}"
    )
    return Chart(title, _active_bars(frame, "Week from %-d %b %Y", seats), f"{title}.", table)


def seats_used(frame: pd.DataFrame, used: int, seats: int, words: str) -> Chart:
    """Seats by team, used and idle. Columns: team, used, idle; who changed team stands in each, so
    `used` of all `seats` are told apart."""
    title = f"{used} of {seats} seats {'was' if used == 1 else 'were'} used {words}"
    ordered = frame.sort_values(["idle", "used"], ascending=False, kind="stable")
    shown = ordered
    if len(ordered) > MOST_BARS:
        head, tail = ordered.iloc[: MOST_BARS - 1], ordered.iloc[MOST_BARS - 1 :]
        sums = tail[["used", "idle"]].sum().to_dict()
        rest = pd.DataFrame([{"team": f"{len(tail)} other teams", **sums}])
        shown = pd.concat([head, rest], ignore_index=True)
    figure = go.Figure()
    for name, column, colour in (("Used", "used", None), ("Idle", "idle", NEUTRAL)):
        figure.add_bar(
            name=name,
            y=labels(shown["team"]),
            x=shown[column].to_numpy(float),
            orientation="h",
            marker={"color": colour, "line": {"width": 0}, "pattern": {"shape": _shape(column)}},
            hovertemplate=f"%{{x:,.0f}} seats {name.lower()} {words}",
        )
    figure.update_layout(barmode="stack", xaxis={"title": "Seats", "tickformat": ",d"})
    dress(figure, bar_height(len(shown)), reverse_order=True)
    alt = f"{title}. " + "; ".join(
        f"{row['team']}: {row['used']} used, {row['idle']} idle" for row in shown.to_dict("records")
    )
    return Chart(title, figure, alt, frame)


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
    figure.update_yaxes(rangemode="tozero", tickformat=",d", title="Developers")
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


def _date(day: pd.Timestamp) -> str:
    return f"{day:%-d %B %Y}"


def _shape(column: str) -> str:
    """Idle seats are hatched: told apart without colour too."""
    return "/" if column == "idle" else ""
