"""The live part of the Overview page: headline, figures and chart as one Streamlit component."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from dashboard.live.routes import EVENTS, PLOTLY_JS, uses_parameters
from dashboard.overview import View

_FOLDER = Path(__file__).parent
# What every live part begins with.
LIVE_JS = "\n".join((_FOLDER / name).read_text() for name in ("stream.js", "cards.js"))
LIVE_CSS = (_FOLDER / "live.css").read_text()

# Not isolated: plotly.js writes its own styles into the document's head.
_component = st.components.v2.component(
    "breakeven_overview",
    html=(_FOLDER / "overview.html").read_text(),
    css="\n".join((LIVE_CSS, (_FOLDER / "overview.css").read_text())),
    js="\n".join((LIVE_JS, (_FOLDER / "overview.js").read_text())),
    isolate_styles=False,
)


@dataclass(frozen=True, slots=True)
class Opened:
    """What a reader asked to see the rows of: a figure's `page`, or some `days` (`first/last`)."""

    page: str | None
    days: str | None


def live_overview(view: View, payload: dict[str, Any]) -> Opened:
    """Draw `payload` and keep it up to date. The page reruns now and then when there are new
    requests, so that its other charts follow."""
    asked = {
        "ledger": view.ledger,
        "range": view.span,
        "timezone": view.timezone,
        "idle": view.idle,
        **uses_parameters(view.uses),
    }
    found = _component(
        key="live-overview",
        data={"payload": payload, "url": f"{EVENTS}?{urlencode(asked)}", "plotly": PLOTLY_JS},
        on_requests_change=lambda: None,
        on_rows_change=lambda: None,
        on_days_change=lambda: None,
    )
    return Opened(found.get("rows"), found.get("days"))
