"""Charts of break-even, as pure functions: model in, plotly figure and its words out.

"Never" has no place on an axis of months: what never breaks even is drawn to the axis's end, and
says so.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pandas as pd
import plotly.graph_objects as go

from dashboard import formats
from dashboard.charts import NEUTRAL, Chart, bar_height, dress
from dashboard.costs.break_even.answers import by_utilisation, cost_per_million_tokens
from dashboard.costs.break_even.case import BreakEvenCase
from dashboard.costs.break_even.formulas import api_per_million, values_of
from dashboard.costs.break_even.tornado import Tornado, TornadoRow
from dashboard.costs.break_even.uncertainty import TeamSpread

# Seen on light and dark ground, and told apart by any colour vision.
LOW_COLOUR, HIGH_COLOUR = "#3b8fd0", "#d9691e"
BAND_COLOUR = "rgba(59, 143, 208, 0.25)"
NEVER = "never"
LIVES_SHOWN = 3  # a break-even that comes later than this is off the chart, and in its table
UTILISATIONS = [Fraction(step, 100) for step in range(1, 101)]
NAMES = {
    "hardware_price": "Hardware's price",
    "hardware_count": "Pieces of hardware",
    "residual_share": "Resale value, part of price",
    "life_months": "Life, months",
    "electricity_idle_per_month": "Electricity a month, idle",
    "electricity_per_million_tokens": "Electricity of 1M tokens",
    "operations_per_month": "Operations a month",
    "developers": "Developers",
    "seat_price_per_month": "Seat a month",
    "tokens_per_day": "Tokens a day",
    "throughput_tokens_per_s": "Tokens/s at full use",
    "api_input_price": "API, 1M input tokens",
    "api_output_price": "API, 1M output tokens",
    "api_input_share": "Input's part of tokens",
}


def tornado(found: Tornado) -> Chart:
    """What break-even hangs on most, from the top: each input at its low and at its high."""
    edge = _edge(found)
    base = edge if found.base is None else float(found.base)
    names = [NAMES[row.input] for row in found.rows]
    figure = go.Figure()
    for side, colour in (("low", LOW_COLOUR), ("high", HIGH_COLOUR)):
        ends = [_end(row, side) for row in found.rows]
        figure.add_bar(
            name=f"Input at its {side}",
            y=names,
            x=[(edge if end is None else float(end)) - base for end in ends],
            base=base,
            orientation="h",
            marker={"color": colour, "line": {"width": 0}},
            text=[_label(row, side) for row in found.rows],
            textposition="outside",
            cliponaxis=False,
            hovertext=[
                f"{name} at its {side}: {_months(end)}"
                for name, end in zip(names, ends, strict=True)
            ],
            hoverinfo="text",
        )
    figure.add_vline(x=base, line={"color": NEUTRAL, "dash": "dot"})
    figure.update_layout(
        barmode="overlay",
        xaxis={"title": "Months to break-even", "range": [0, edge * 1.25]},
    )
    dress(figure, bar_height(len(found.rows)), reverse_order=True)
    title = _tornado_title(found)
    alt = f"{title}. " + "; ".join(_sentence(row) for row in found.rows)
    return Chart(title, figure, alt, _tornado_table(found))


def break_even_by_developers(spreads: Sequence[TeamSpread], life_months: int) -> Chart:
    """Months to break-even by team size, with the interval from the 5th to the 95th percentile."""
    top = float(life_months * LIVES_SHOWN)
    shown = [spread for spread in spreads if spread.months.low is not None]
    team = [spread.developers for spread in shown]
    figure = go.Figure()
    figure.add_scatter(
        name="5th percentile", x=team, y=[_within(s.months.low, top) for s in shown], **_UNSEEN
    )
    figure.add_scatter(
        name="5th to 95th percentile",
        x=team,
        y=[_within(s.months.high, top) for s in shown],
        mode="lines",
        line={"width": 0},
        fill="tonexty",
        fillcolor=BAND_COLOUR,
        hoverinfo="skip",
    )
    figure.add_scatter(
        name="Median",
        x=[spread.developers for spread in spreads],
        y=[None if s.months.median is None else float(s.months.median) for s in spreads],
        mode="lines+markers",
        line={"color": LOW_COLOUR},
        customdata=[[_months(s.months.low), _months(s.months.high)] for s in spreads],
        hovertemplate="%{x} developers: %{y:,.1f} months (%{customdata[0]} to %{customdata[1]})",
    )
    figure.add_hline(y=life_months, line={"color": NEUTRAL, "dash": "dot"}, annotation_text="Life")
    figure.update_layout(
        xaxis={"title": "Developers", "rangemode": "tozero"},
        yaxis={"title": "Months to break-even", "range": [0, top]},
    )
    dress(figure, 320)
    title = _team_title(spreads, life_months)
    table = pd.DataFrame(
        {
            "developers": [s.developers for s in spreads],
            "5th percentile, months": [_months(s.months.low) for s in spreads],
            "median, months": [_months(s.months.median) for s in spreads],
            "95th percentile, months": [_months(s.months.high) for s in spreads],
            "never": [f"{s.probability_never:.0%}" for s in spreads],
            "within its life": [f"{s.probability_within_life:.0%}" for s in spreads],
        }
    )
    return Chart(title, figure, f"{title}.", table)


def cost_by_utilisation(case: BreakEvenCase) -> Chart:
    """What a million tokens cost by how much of the time the hardware is in use, and the API's
    price. ValueError: the API's prices or the throughput are missing."""
    answer = by_utilisation(case)
    price = float(api_per_million(values_of(case)))
    symbol = formats.SYMBOLS.get(case.currency, f"{case.currency} ")
    shares = [float(share) for share in UTILISATIONS]
    costs = [_cost(case, share) for share in UTILISATIONS]
    figure = go.Figure()
    hover = f"{symbol}%{{y:,.2f}} a million tokens at %{{x:.0%}} of full use"
    figure.add_scatter(
        name="Self-hosted, fully loaded",
        x=shares,
        y=costs,
        mode="lines",
        line={"color": LOW_COLOUR},
        hovertemplate=hover,
    )
    figure.add_scatter(
        name="API",
        x=[shares[0], 1],
        y=[price, price],
        mode="lines",
        line={"color": HIGH_COLOUR},
        hovertemplate=f"{symbol}%{{y:,.2f}} a million tokens",
    )
    if answer.value is None:
        title = f"Self-hosting never costs as little as the API: {answer.reason}"
    else:
        share = float(answer.value)
        figure.add_vline(x=share, line={"color": NEUTRAL, "dash": "dot"})
        title = (
            f"A token costs what the API asks for it at {formats.share(share)} of full use "
            f"({case.currency})"
        )
    figure.update_layout(
        xaxis={"title": "Part of full use, in all hours", "tickformat": ".0%", "range": [0, 1]},
        yaxis={"title": "A million tokens", "type": "log", "tickprefix": symbol},
    )
    dress(figure, 320)
    table = pd.DataFrame({"part of full use": shares, f"1M tokens, {case.currency}": costs})
    return Chart(title, figure, f"{title}.", table)


_UNSEEN = {"mode": "lines", "line": {"width": 0}, "showlegend": False, "hoverinfo": "skip"}


def _cost(case: BreakEvenCase, share: Fraction) -> float:
    cost = cost_per_million_tokens(case, share)
    return float("nan") if cost is None else float(cost)


def _edge(found: Tornado) -> float:
    """Where "never" is drawn: past all that is finite."""
    ends = [end for row in found.rows for end in (row.result_at_low, row.result_at_high)]
    finite = [float(end) for end in [*ends, found.base] if end is not None]
    return max(finite, default=1.0) * 1.15 or 1.0


def _end(row: TornadoRow, side: str) -> Decimal | None:
    return row.result_at_low if side == "low" else row.result_at_high


def _label(row: TornadoRow, side: str) -> str:
    value = _plain(row.low if side == "low" else row.high)
    return f"{value}: {NEVER}" if _end(row, side) is None else value


def _months(value: Decimal | None) -> str:
    return NEVER if value is None else f"{value:,.1f}"


def _within(value: Decimal | None, top: float) -> float:
    return top if value is None else min(float(value), top)


def _sentence(row: TornadoRow) -> str:
    return (
        f"{NAMES[row.input]} at {_plain(row.low)}: {_months(row.result_at_low)}, "
        f"at {_plain(row.high)}: {_months(row.result_at_high)}"
    )


def _plain(value: Decimal) -> str:
    """To four digits, or whole: a label has no room for more."""
    text = f"{round(value, max(0, 3 - value.adjusted())):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _tornado_title(found: Tornado) -> str:
    if not found.rows:
        return "Break-even hangs on nothing that is uncertain"
    first = found.rows[0]
    ends = {first.result_at_low is None, first.result_at_high is None}
    name = NAMES[first.input]
    if ends == {True, False}:
        return f"{name} decides whether it ever breaks even (months)"
    if ends == {True}:
        return "It never breaks even, whichever single input turns out otherwise"
    low, high = sorted([first.result_at_low or 0, first.result_at_high or 0])
    return f"{name} moves break-even most: from {low:,.1f} to {high:,.1f} months"


def _tornado_table(found: Tornado) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "input": [NAMES[row.input] for row in found.rows],
            "low": [float(row.low) for row in found.rows],
            "high": [float(row.high) for row in found.rows],
            "months at low": [_months(row.result_at_low) for row in found.rows],
            "months at high": [_months(row.result_at_high) for row in found.rows],
        }
    )


def _team_title(spreads: Sequence[TeamSpread], life_months: int) -> str:
    likely = _first(spreads, life_months, "median")
    sure = _first(spreads, life_months, "high")
    most = max((spread.developers for spread in spreads), default=0)
    if likely is None:
        return f"No team up to {most:,} is likely to break even within {life_months} months"
    certain = (
        f"{sure:,} to be 95% sure of it" if sure else f"and none up to {most:,} is 95% sure to"
    )
    within = f"break even within {life_months} months in half the draws, {certain}"
    if has_gaps([spread.developers for spread in spreads]):
        return f"Of these teams, that of {likely:,} is the first to {within}"
    people = "1 developer" if likely == 1 else f"{likely:,} developers"
    return f"It takes {people} to {within}"


def has_gaps(teams: Sequence[int]) -> bool:
    """Whether there are team sizes between those shown, so that the first to do something may not
    be the smallest that does."""
    return any(after - before > 1 for before, after in pairwise(teams))


def _first(spreads: Sequence[TeamSpread], life_months: int, which: str) -> int | None:
    for spread in spreads:
        months = getattr(spread.months, which)
        if months is not None and months <= life_months:
            return spread.developers
    return None
