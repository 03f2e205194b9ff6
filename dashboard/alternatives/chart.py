"""The alternatives as bars: one chart for each currency."""

import html
from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from dashboard import formats
from dashboard.alternatives.offers import Offer
from dashboard.alternatives.words import HERE, cost_words, finding
from dashboard.charts import Chart, dress

HERE_COLOUR, THERE_COLOUR = "#3b8fd0", "#d9691e"
ROW_PX = 40
LINE = 26  # characters


def cost_bars(offers: Sequence[Offer], currency: str) -> Chart:
    """What each of those in one currency costs, self-hosting first, then from the least on. What
    is known in part is a hatched bar, a bound from below; what is unknown has none."""
    shown = [offer for offer in offers if offer.currency == currency]
    shown.sort(key=lambda offer: (offer.kind not in HERE, offer.cost is None, offer.known))
    figure = go.Figure()
    for name, here, colour in (("Here", True, HERE_COLOUR), ("Elsewhere", False, THERE_COLOUR)):
        places = [place for place, offer in enumerate(shown) if (offer.kind in HERE) == here]
        bars = [shown[place] for place in places]
        figure.add_bar(
            name=name,
            y=places,
            x=[float(offer.known) for offer in bars],
            orientation="h",
            marker={
                "color": colour,
                "line": {"width": 0},
                "pattern": {"shape": ["" if offer.cost is not None else "/" for offer in bars]},
            },
            text=[cost_words(offer) for offer in bars],
            textposition="outside",
            cliponaxis=False,
            hovertext=[f"{html.escape(offer.name)}: {cost_words(offer)}" for offer in bars],
            hoverinfo="text",
        )
    most = max((float(offer.known) for offer in shown), default=0.0) or 1.0
    symbol = formats.SYMBOLS.get(currency, f"{currency} ")
    figure.update_layout(
        barmode="overlay",
        bargap=0.3,
        xaxis={
            "tickprefix": symbol,
            "tickformat": ",.12~g",
            "range": [0, most * 1.35],
            "nticks": 5,
        },
    )
    dress(figure, 90 + ROW_PX * len(shown), reverse_order=True)
    figure.update_yaxes(
        tickvals=list(range(len(shown))), ticktext=[_label(offer.name) for offer in shown]
    )
    title = finding(offers, currency)
    alt = f"{title}. " + "; ".join(f"{offer.name}: {cost_words(offer)}" for offer in shown)
    names, costs = [offer.name for offer in shown], [cost_words(offer) for offer in shown]
    table = pd.DataFrame({"alternative": names, f"would have cost, {currency}": costs})
    return Chart(title, figure, alt, table)


def _label(name: str) -> str:
    """In two lines where it is long; longer names end in dots."""
    if len(name) <= LINE:
        return html.escape(name, quote=False)
    cut = name.rfind(" ", 0, LINE + 1)
    cut = cut if cut > 0 else LINE
    first, rest = name[:cut], name[cut:].strip()
    rest = rest if len(rest) <= LINE else f"{rest[: LINE - 1]}…"
    return "<br>".join(html.escape(line, quote=False) for line in (first, rest))
