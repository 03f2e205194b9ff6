"""The planner's charts, as pure functions: a plan in, plotly figure and its words out."""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard import formats
from dashboard.charts import NEUTRAL, Chart, dress
from dashboard.charts_costs import LIVES_SHOWN, has_gaps
from dashboard.costs.models import BreakEven
from dashboard.costs.plan import Plan, QueuePlan
from dashboard.costs.plan.figures import CapacityPlan

MOST_POINTS = 240  # both sides are straight lines
HEIGHT = 320


def cost_curves(plan: Plan) -> Chart:
    """What both sides have cost by each month, and where they meet."""
    currency, even = plan.scenario.currency, plan.break_even.team
    at = _months(even.months, plan.hardware.life_months)
    own = float(plan.hardware.to_recover) + float(plan.month.running) * at
    seats = float(plan.month.seats) * at
    symbol = _symbol(currency)
    figure = go.Figure()
    for name, values in (("Self-hosted", own), ("Seats", seats)):
        figure.add_scatter(
            name=name,
            x=at,
            y=values,
            mode="lines",
            hovertemplate=f"{symbol}%{{y:,.0f}} by month %{{x:.0f}}",
        )
    _mark_life(figure, plan.hardware.life_months, float(at[-1]))
    team = _people(even.developers)
    if even.months is None:
        title = f"Self-hosting never catches up with the seats of {team} ({currency})"
    else:
        _mark(figure, even.months, float(at[-1]))
        title = f"Both have cost the same after {even.months:,.1f} months, {team} ({currency})"
    figure.update_layout(
        xaxis={"title": "Months", "range": [0, float(at[-1])]},
        yaxis=_money_axis(symbol) | {"rangemode": "tozero"},
        hovermode="x unified",
    )
    dress(figure, HEIGHT)
    table = pd.DataFrame(
        {
            "month": np.round(at, 2),
            f"self-hosted, {currency}": np.round(own, 2),
            f"seats, {currency}": np.round(seats, 2),
        }
    )
    basis = "Hardware less resale, running costs; before tax, not discounted."
    return Chart(title, figure, f"{title}. {basis}", table)


def cash_flow(plan: Plan) -> Chart:
    """The running total of all cash flows, as they are and at their worth on the first day."""
    flows, currency = plan.ownership.evaluation.flows, plan.scenario.currency
    symbol = _symbol(currency)
    tax = "after tax" if plan.scenario.tax_percent else "before tax"
    at = [flow.month for flow in flows]
    sides = [("Running total", [float(flow.cumulative) for flow in flows])]
    if plan.scenario.discount_percent_per_year:
        discounted = [float(flow.cumulative_present_value) for flow in flows]
        sides.append(("Discounted", discounted))
    figure = go.Figure()
    for name, values in sides:
        figure.add_scatter(
            name=name,
            x=at,
            y=values,
            mode="lines",
            line={"shape": "hv"},
            showlegend=len(sides) > 1,
            hovertemplate=f"{symbol}%{{y:,.0f}} by month %{{x}}",
        )
    figure.add_hline(y=0, line={"color": NEUTRAL, "width": 1})
    back = plan.ownership.evaluation.payback.months
    last = at[-1]
    if back is None:
        title = f"The cash is not back within {last} months, {tax} ({currency})"
    else:
        _mark(figure, back, float(last))
        title = f"The cash is back after {back:,.1f} months, {tax} ({currency})"
    figure.update_layout(
        xaxis={"title": "Months"},
        yaxis=_money_axis(symbol),
        hovermode="x unified",
    )
    dress(figure, HEIGHT)
    npv = formats.money(plan.ownership.evaluation.npv, currency)
    alt = f"{title}. Net present value over {last} months: {npv}."
    return Chart(title, figure, alt, flow_table(plan))


def flow_table(plan: Plan) -> pd.DataFrame:
    """Every cash flow, by where it comes from."""
    rows = [flow.model_dump() for flow in plan.ownership.evaluation.flows]
    frame = pd.DataFrame(rows)
    amounts = [name for name in frame.columns if name not in ("month", "on")]
    frame[amounts] = frame[amounts].astype(float)
    frame["on"] = frame["on"].astype(str)
    return frame.rename(columns=lambda name: str(name).replace("_", " "))


def by_developers(teams: Sequence[BreakEven], life_months: int) -> Chart:
    """Break-even by team size where nothing is unsure."""
    top = life_months * LIVES_SHOWN
    shown = [even for even in teams if even.months is not None]
    figure = go.Figure()
    figure.add_scatter(
        x=[even.developers for even in shown],
        y=[float(even.months or 0) for even in shown],
        mode="lines+markers",
        hovertemplate="%{x} developers: %{y:,.1f} months<extra></extra>",
    )
    figure.add_hline(y=life_months, line={"color": NEUTRAL, "dash": "dot"}, annotation_text="Life")
    figure.update_layout(
        xaxis={"title": "Developers", "rangemode": "tozero"},
        yaxis={"title": "Months to break-even", "range": [0, top]},
    )
    dress(figure, HEIGHT)
    fewest = next((even.developers for even in shown if even.within_life), None)
    if fewest is None:
        title = "No team shown breaks even within the hardware's life"
    elif has_gaps([even.developers for even in teams]):
        title = f"Of these teams, that of {fewest:,} is the first to break even within its life"
    else:
        title = f"It takes {_people(fewest)} to break even within {life_months} months"
    table = pd.DataFrame(
        {
            "developers": [even.developers for even in teams],
            "months": [None if even.months is None else float(even.months) for even in teams],
        }
    )
    return Chart(title, figure, f"{title}.", table)


def queue_curve(found: QueuePlan, limit_s: float) -> Chart:
    """The 95th percentile of the time to the first token, by team size."""
    points = [point for point in found.curve if point.p95_ttft_s is not None]
    at = [point.developers for point in points]
    mean = [point.p95_ttft_s.mean if point.p95_ttft_s else None for point in points]
    figure = go.Figure()
    figure.add_scatter(
        x=at,
        y=mean,
        mode="lines+markers",
        hovertemplate="%{x} developers: %{y:,.2f} s<extra></extra>",
        showlegend=False,
    )
    figure.add_hline(y=limit_s, line={"color": NEUTRAL, "dash": "dot"}, annotation_text="Limit")
    figure.update_layout(
        xaxis={"title": "Developers", "rangemode": "tozero"},
        yaxis={"title": "First token, 95th percentile, s", "rangemode": "tozero"},
    )
    dress(figure, HEIGHT)
    most = found.limit.developers if found.limit else None
    title = (
        f"No team gets its first token within {limit_s:g} s"
        if not most
        else f"Up to {_people(most)} get their first token within {limit_s:g} s, 95 times of 100"
    )
    table = pd.DataFrame(
        {
            "developers": [point.developers for point in found.curve],
            "load": [point.load for point in found.curve],
            "requests/s": [point.requests_per_s for point in found.curve],
            "first token p95, s": [
                point.p95_ttft_s.mean if point.p95_ttft_s else None for point in found.curve
            ],
        }
    )
    return Chart(title, figure, f"{title}. {found.sentence}", table)


def scale_out(capacity: CapacityPlan, seat: Decimal | None) -> Chart:
    """What a developer costs a month with the cheapest hardware for teams of each size; beside the
    seat's price, where one is given."""
    rows = capacity.grown
    figure = go.Figure()
    figure.add_scatter(
        x=[row.developers for row in rows],
        y=[float(row.cost_per_developer) for row in rows],
        customdata=[[row.title, float(row.price)] for row in rows],
        mode="lines+markers",
        hovertemplate="%{x:,} developers: $%{y:,.2f} each a month<br>%{customdata[0]},"
        " $%{customdata[1]:,.0f}<extra></extra>",
        showlegend=False,
    )
    if seat:
        figure.add_hline(y=float(seat), line={"color": NEUTRAL, "dash": "dot"})
        at = {"x": 1, "xref": "x domain", "xanchor": "right", "yanchor": "bottom"}
        # A line on a logarithmic axis goes by the value, but its words by the value's logarithm.
        figure.add_annotation(y=math.log10(seat), text="Seat", showarrow=False, **at)
    figure.update_layout(
        xaxis={"title": "Developers", "type": "log", "dtick": 1, "tickformat": ","},
        yaxis={"title": "USD a developer and month", "type": "log", "tickprefix": "$"},
    )
    dress(figure, HEIGHT)
    cheap = next((row for row in rows if seat is not None and row.cost_per_developer <= seat), None)
    title = (
        f"{capacity.model} costs ${rows[0].cost_per_developer:,.2f} a developer and month with "
        f"{rows[0].developers:,} of them, ${rows[-1].cost_per_developer:,.2f} with "
        f"{rows[-1].developers:,}"
    )
    if cheap is not None:
        title = f"Of these teams, {_people(cheap.developers)} are the first to pay less than seats"
    columns = {name: [getattr(row, name) for row in rows] for name in _GROWN}
    table = pd.DataFrame(columns).rename(columns=_GROWN)
    for money in ("price, USD", "USD a month", "USD a developer and month"):
        table[money] = table[money].astype(float)
    basis = "On paper: the cheapest catalogue hardware by rated power, price over its life."
    return Chart(title, figure, f"{title}. {basis}", table)


_GROWN = {
    "developers": "developers",
    "title": "hardware",
    "layout": "layout",
    "replicas": "replicas",
    "replicas_if_slow": "replicas, if slow",
    "replicas_if_fast": "replicas, if fast",
    "accelerators": "accelerators",
    "nodes": "nodes",
    "price": "price, USD",
    "kilowatts": "kW",
    "cost_per_month": "USD a month",
    "cost_per_developer": "USD a developer and month",
}


def compared(plans: Mapping[str, Plan]) -> Chart:
    """What each scenario has saved by each month; where it crosses zero it has broken even. All in
    one currency."""
    currency = next(iter(plans.values())).scenario.currency
    symbol = _symbol(currency)
    evens = {name: plan.break_even.team.months for name, plan in plans.items()}
    lives = max(plan.hardware.life_months for plan in plans.values())
    found = [months for months in evens.values() if months is not None]
    at = _months(max(found, default=None), lives)
    figure, table = go.Figure(), {"month": np.round(at, 2)}
    for name, plan in plans.items():
        saved = float(plan.month.saving) * at - float(plan.hardware.to_recover)
        figure.add_scatter(
            name=name.replace("<", "&lt;"),
            x=at,
            y=saved,
            mode="lines",
            hovertemplate=f"{symbol}%{{y:,.0f}}",
        )
        table[f"{name}, {currency}"] = np.round(saved, 2)
    figure.add_hline(y=0, line={"color": NEUTRAL, "width": 1})
    figure.update_layout(
        xaxis={"title": "Months", "range": [0, float(at[-1])]},
        yaxis=_money_axis(symbol),
        hovermode="x unified",
    )
    dress(figure, HEIGHT)
    title = _first(evens) + f" ({currency})"
    return Chart(title, figure, f"{title}. Saved so far, before tax.", pd.DataFrame(table))


def _first(evens: Mapping[str, Decimal | None]) -> str:
    known = {name: months for name, months in evens.items() if months is not None}
    if not known:
        return "None of these ever pays for itself"
    name = min(known, key=lambda one: known[one])
    return f"{name} has paid for itself first, after {known[name]:,.1f} months"


def _months(even: Decimal | None, life: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """From 0 to a little past the break-even, or the life: at most some lives."""
    last = float(life)
    if even is not None:
        last = min(max(last, float(even) * 1.15), float(life * LIVES_SHOWN))
    return np.linspace(0, last, min(MOST_POINTS, int(last)) + 1)


def _mark(figure: go.Figure, months: Decimal, last: float) -> None:
    if float(months) <= last:
        figure.add_vline(
            x=float(months),
            line={"color": NEUTRAL, "dash": "dash"},
            annotation_text=f"{months:,.1f} months",
            annotation_position="top left" if float(months) > last / 2 else "top right",
        )


def _mark_life(figure: go.Figure, life: int, last: float) -> None:
    if life < last:
        figure.add_vline(
            x=life,
            line={"color": NEUTRAL, "dash": "dot"},
            annotation_text="Life",
            annotation_position="bottom right",
        )


def _money_axis(symbol: str) -> dict[str, str]:
    """Only its own format puts a minus before the dollar."""
    if symbol == "$":
        return {"tickformat": "$~s"}
    return {"tickprefix": symbol, "tickformat": "~s"}


def _symbol(currency: str) -> str:
    return formats.SYMBOLS.get(currency, f"{currency} ")


def _people(developers: int) -> str:
    return "1 developer" if developers == 1 else f"{developers:,} developers"
