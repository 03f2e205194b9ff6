"""The Energy page's charts, as pure functions: DataFrame in, plotly figure and its words out.

Error bars are the meters' accuracy. It is the same in every reading of a meter, so bars of one
chart move up and down together: what differs between them is surer than each of them.
"""

from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard import formats
from dashboard.charts import (
    Chart,
    bar_height,
    dress,
    labels,
    largest,
    local_times,
)
from dashboard.energy import Uses
from dashboard.energy_words import PART_NAMES, amount, relative, unit_of, uses_sentence
from db.energy_queries import PARTS

DAYS_BY_DATE = 14
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# Seen on light and dark ground, and told apart by any colour vision. Set here where whiskers must
# be seen on their bars, and where a model has one colour in two panels.
COLOURS = ("#3b8fd0", "#d9691e", "#159c79", "#c06aa0", "#a8810f")
ERROR_COLOUR = "#79838f"  # seen on both grounds, and on the light grey of idling
IDLE_COLOUR = "rgba(138, 148, 160, 0.4)"
PANEL_HEIGHT = 300
MOST_WHISKERS = 40  # more would hide the bars; the table behind the chart has all


def timeline(frame: pd.DataFrame, uses: Uses, zone: ZoneInfo, per: str, bucket_ms: int) -> Chart:
    """Where the joules went over time. `frame` as from `dashboard.energy.timeline`, in buckets of
    `bucket_ms`, `per` in words."""
    unit, joules_per_unit = unit_of(float(frame["total_j"].max()))
    times = local_times(frame["bucket_ms"], zone)
    period = {"xperiod": bucket_ms, "xperiod0": times[0], "xperiodalignment": "middle"}
    figure = go.Figure()
    table = pd.DataFrame({"time": times})
    for part in PARTS:
        values = frame[part].to_numpy(float) / joules_per_unit
        table[f"{PART_NAMES[part].lower()}, {unit}"] = values
        if np.nansum(values) == 0 and part != "attributed_j":
            continue  # nothing to see, and a name less to read
        figure.add_bar(
            name=PART_NAMES[part],
            x=times,
            y=values,
            # Left to itself plotly takes the smallest distance between bars, and of one bar none.
            width=bucket_ms * (0.9 if len(frame) <= 60 else 1),
            **period,
            marker={"color": IDLE_COLOUR if part == "idle_j" else None, "line": {"width": 0}},
            hovertemplate=f"%{{y:,.3~r}} {unit}",
        )
    error = frame["uncertainty_j"].to_numpy(float) / joules_per_unit
    table[f"± {unit}"] = error
    every = -(-len(frame) // MOST_WHISKERS)
    if not np.isnan(error).all():
        total = frame["total_j"].to_numpy(float) / joules_per_unit
        figure.add_scatter(
            name="± accuracy of the meters",
            x=times,
            y=total,
            **period,
            mode="markers",
            marker={"size": 4, "symbol": "line-ew-open", "color": ERROR_COLOUR},
            error_y={
                "array": np.where(np.arange(len(frame)) % every == 0, error, np.nan),
                "color": ERROR_COLOUR,
                "thickness": 1.4,
                "width": 3,
            },
            hovertemplate=f"%{{y:,.3~r}} {unit} in all",
        )
    figure.update_layout(
        barmode="stack",
        hovermode="x unified",
        xaxis={"range": [times[0], times[-1] + np.timedelta64(bucket_ms, "ms")]},
        yaxis={"title": f"{unit} {per}", "rangemode": "tozero"},
    )
    dress(figure, 320)
    title = uses_sentence(uses)
    return Chart(title, figure, f"{title}. Over time, in {unit} {per}.", table)


def by_model(frame: pd.DataFrame, basis: str) -> Chart:
    """Joules a token by model, the prompt's apart from the answer's. `frame` as from
    `dashboard.energy.per_token`, with the columns model and engine."""
    frame = _told(frame)
    rates = frame["output_j"].to_numpy(float)
    best = None if np.isnan(rates).all() else frame.iloc[int(np.nanargmin(rates))]
    title = f"Joules per token by model ({basis})"
    if best is not None:
        title = (
            f"{_lead(frame, best)} {_rate(best['output_j'], best['output_pm_j'])} per output "
            f"token{_against_input(best)} ({basis})"
        )
    figure = make_subplots(rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.06)
    for column, name in enumerate(("input", "output"), 1):
        figure.update_xaxes(title=f"J per {name} token", row=1, col=column)
        figure.add_traces(
            _bars(
                _model_names(frame),
                frame[f"{name}_j"],
                frame[f"{name}_pm_j"],
                COLOURS[column - 1],
                f"%{{x:,.3~r}} J per {name} token",
            ),
            rows=1,
            cols=column,
        )
    figure.update_xaxes(rangemode="tozero", nticks=6)
    dress(figure, max(PANEL_HEIGHT, bar_height(len(frame))), reverse_order=True)
    figure.update_layout(margin_t=12, showlegend=False)
    return Chart(title, figure, f"{title}.", _table(frame, ["model", "engine"]))


def by_experts(frame: pd.DataFrame, basis: str) -> Chart:
    """The sparse-activation trade: joules a token by routed experts a token. `frame` as from
    `dashboard.energy.per_token`, with the columns model and experts."""
    frame = _told(frame).sort_values(["model", "experts"], ignore_index=True)
    figure = make_subplots(rows=1, cols=2, horizontal_spacing=0.2)
    for column, name in enumerate(("input", "output"), 1):
        figure.update_yaxes(title=f"J per {name} token", row=1, col=column)
    for number, (model, rows) in enumerate(frame.groupby("model", sort=False)):
        colour = COLOURS[number % len(COLOURS)]
        for column, name in enumerate(("input", "output"), 1):
            figure.add_scatter(
                x=rows["experts"].to_numpy(float),
                y=rows[f"{name}_j"].to_numpy(float),
                error_y=_error_bars(rows[f"{name}_pm_j"], colour),
                mode="lines+markers",
                marker={"size": 9, "symbol": number % len(COLOURS)},
                line={"color": colour},
                name=labels(pd.Series([model]))[0],
                legendgroup=str(model),
                showlegend=column == 1 and frame["model"].nunique() > 1,
                hovertemplate=f"%{{x:.0f}} experts: %{{y:,.3~r}} J per {name} token",
                row=1,
                col=column,
            )
    figure.update_xaxes(title="routed experts a token", dtick=_step(frame["experts"]))
    figure.update_yaxes(rangemode="tozero", nticks=6)
    dress(figure, PANEL_HEIGHT)
    title = _experts_title(frame, basis)
    return Chart(title, figure, f"{title}.", _table(frame, ["model", "experts"]))


def by_developer(frame: pd.DataFrame, basis: str) -> Chart:
    """Who took how much energy. `frame` as from `dashboard.energy.per_token`, with the column
    developer."""
    shown = largest(frame, "energy_j", ["energy_j", "uncertainty_j"])
    others = frame.loc[~frame["developer"].isin(shown["developer"]), "uncertainty_j"]
    if len(others):
        shown.loc[shown.index[-1], "uncertainty_j"] = others.sum(skipna=False)
    total_j = float(frame["energy_j"].sum())
    unit, joules_per_unit = unit_of(float(shown["energy_j"].max()))
    top = shown.iloc[0]
    share = formats.share(float(top["energy_j"]) / total_j if total_j else 0.0)
    title = f"{top['developer']} took most: {share} of {amount(total_j)} ({basis})"
    figure = go.Figure(
        _bars(
            shown["developer"],
            shown["energy_j"] / joules_per_unit,
            shown["uncertainty_j"] / joules_per_unit,
            COLOURS[0],
            f"%{{x:,.3~r}} {unit}",
        )
    )
    figure.update_layout(xaxis={"ticksuffix": f" {unit}", "rangemode": "tozero", "nticks": 6})
    dress(figure, max(PANEL_HEIGHT, 90 + 30 * len(shown)), reverse_order=True)
    figure.update_layout(margin_t=12, showlegend=False)
    table = pd.DataFrame(
        {
            "developer": frame["developer"],
            "requests": frame["requests"],
            f"energy, {unit}": frame["energy_j"] / joules_per_unit,
            f"± {unit}": frame["uncertainty_j"] / joules_per_unit,
            "J per token": frame["token_j"],
            "± J per token": frame["token_pm_j"],
            "requests of unknown energy": frame["energy_unknown"],
        }
    )
    return Chart(title, figure, f"{title}.", table)


def by_hour(spans: pd.DataFrame, zone: ZoneInfo, days: float, basis: str) -> Chart:
    """When energy was used, by hour of the reader's clock: on each day of up to two weeks, else on
    the mean day of each name, since a range has more of some. None of `spans`
    reaches beyond an hour; they are as from `db.energy_queries.energy_by_quarter`."""
    by_date = days <= DAYS_BY_DATE
    hours = _hours(spans, zone)
    if by_date:
        joules = hours.groupby(["date", "hour"])["joules"].sum(min_count=1)
    else:
        joules = hours.groupby(["weekday", "hour"])["joules"].mean()
    cells = joules.unstack("hour").reindex(columns=range(24))
    rows = [f"{day:%a %-d %b}" if by_date else WEEKDAYS[day] for day in cells.index]
    unit, joules_per_unit = unit_of(float(np.nanmax(cells.to_numpy(float))))
    values = cells.to_numpy(float) / joules_per_unit
    row, hour = divmod(int(np.nanargmax(values)), 24)
    most = amount(float(values[row, hour]) * joules_per_unit)
    mean = "" if by_date else " on average"
    sure = _accuracy_of(spans)
    when = f"{rows[row]} {hour}:00 to {hour + 1}:00"
    title = f"Most energy was used {when}: {most}{mean} {sure} ({basis})"
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=[f"{hour}:00" for hour in range(24)],
            y=rows,
            xgap=1,
            ygap=1,
            colorbar={"title": unit, "thickness": 12},
            hovertemplate=f"%{{y}}, %{{x}}: %{{z:,.3~r}} {unit}{mean} {sure}<extra></extra>",
        )
    )
    dress(figure, max(PANEL_HEIGHT, 110 + 22 * len(rows)), reverse_order=True)
    figure.update_layout(margin_t=12)
    figure.update_xaxes(type="category", dtick=3, tickangle=0)
    figure.update_yaxes(type="category")
    table = pd.DataFrame(values, columns=[f"{hour}:00" for hour in range(24)])
    table.insert(0, f"day, {unit}{mean} {sure}", rows)
    return Chart(title, figure, f"{title}. Local time, {zone.key}.", table)


def _accuracy_of(spans: pd.DataFrame) -> str:
    """The meters' accuracy over all of it; a meter is off by the same part in every hour."""
    whole = spans["total_j"].sum() - spans["accuracy_unknown_j"].fillna(0.0).sum()
    kept = spans["uncertainty_j"].notna().any() and whole > 0
    return relative(float(spans["uncertainty_j"].sum() / whole) if kept else None)


def _hours(spans: pd.DataFrame, zone: ZoneInfo) -> pd.DataFrame:
    """Each hour's joules, NaN where nothing was read. Columns: date, weekday, hour by the reader's
    clock, joules. The hour that autumn has twice is two rows, as long as the others."""
    moments = pd.to_datetime(spans["bucket_ms"], unit="ms", utc=True)
    local = moments.dt.tz_convert(zone).dt.tz_localize(None)
    keys = {
        "date": local.dt.date,
        "weekday": local.dt.day_of_week,
        "hour": local.dt.hour,
        "ahead": local - moments.dt.tz_localize(None),
    }
    rows = pd.DataFrame({**keys, "joules": spans["total_j"]})
    return rows.groupby(list(keys), as_index=False)[["joules"]].sum(min_count=1)


def _told(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["token_j"].notna()].reset_index(drop=True)


def _lead(frame: pd.DataFrame, best: "pd.Series[Any]") -> str:
    model = str(best["model"])
    return f"{model} took" if len(frame) == 1 else f"Of {len(frame)} models {model} took least:"


def _model_names(frame: pd.DataFrame) -> "pd.Series[str]":
    """A model that two engines serve stands there twice."""
    twice = frame["model"].duplicated(keep=False)
    return frame["model"].where(~twice, frame["model"] + " on " + frame["engine"])


def _against_input(row: "pd.Series[Any]") -> str:
    if not row["input_j"] > 0:
        return ""
    times = float(row["output_j"] / row["input_j"])
    return f", {times:,.1f} times an input token" if times >= 1.05 else ""


def _experts_title(frame: pd.DataFrame, basis: str) -> str:
    """The sparsest against the densest of the model used most widely."""
    told = frame[frame["output_j"].notna()]
    if told.empty:
        return f"Joules per token by experts per token ({basis})"
    model = told["model"].value_counts().index[0]
    rows = told[told["model"] == model]
    few, many = rows.iloc[0], rows.iloc[-1]
    if len(rows) == 1:
        return (
            f"With {few['experts']:.0f} experts a token, an output token took "
            f"{_rate(few['output_j'], few['output_pm_j'])} ({basis})"
        )
    change = float(few["output_j"] / many["output_j"] - 1)
    word = "less" if change < 0 else "more"
    return (
        f"With {few['experts']:.0f} experts a token instead of {many['experts']:.0f}, an output "
        f"token took {formats.share(abs(change))} {word} energy: {few['output_j']:.3g} J against "
        f"{many['output_j']:.3g} J ({basis})"
    )


def _rate(joules: float, uncertainty_j: float) -> str:
    if np.isnan(uncertainty_j):
        return f"{joules:.3g} J"
    return f"{joules:.3g} J {relative(uncertainty_j / joules if joules else None)}"


def _bars(
    names: "pd.Series[str]",
    values: "pd.Series[float]",
    errors: "pd.Series[float]",
    colour: str,
    hover: str,
) -> list[Any]:
    """Pale bars that end in a point, whose whisker is thus seen on its bar and beside it."""
    rows, lengths = labels(names), values.to_numpy(float)
    whiskers = _error_bars(errors, colour)
    template = f"{hover}<extra>%{{y}}</extra>"
    bars = go.Bar(
        y=rows,
        x=lengths,
        orientation="h",
        width=0.6,
        marker={"color": colour, "opacity": 0.35 if whiskers else 1, "line": {"width": 0}},
        hovertemplate=template,
    )
    if whiskers is None:
        return [bars]
    ends = go.Scatter(
        y=rows,
        x=lengths,
        error_x=whiskers,
        mode="markers",
        marker={"size": 8, "color": colour},
        hovertemplate=template,
    )
    return [bars, ends]


def _error_bars(values: "pd.Series[float]", colour: str) -> dict[str, Any] | None:
    array = values.to_numpy(float)
    known = not np.isnan(array).all()
    return {"array": array, "color": colour, "thickness": 2, "width": 5} if known else None


def _step(experts: "pd.Series[float]") -> int:
    return max(1, round((float(experts.max()) - float(experts.min())) / 8))


def _table(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            **{key: frame[key] for key in keys},
            "J per input token": frame["input_j"],
            "± J per input token": frame["input_pm_j"],
            "J per output token": frame["output_j"],
            "± J per output token": frame["output_pm_j"],
            "input tokens not cached": frame["told_uncached_input_tokens"],
            "output tokens": frame["told_output_tokens"],
            "prompts, J": frame["told_prefill_j"],
            "in all, J": frame["told_energy_j"],
            "requests": frame["told"],
            "requests left out": frame["others"],
        }
    )
