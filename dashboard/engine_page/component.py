"""The Engine page as one Streamlit component, kept up to date by its event stream."""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from dashboard.engine_page.now import EngineView
from dashboard.engine_page.routes import ENGINE_EVENTS
from dashboard.live.component import LIVE_CSS, LIVE_JS
from dashboard.live.routes import PLOTLY_JS

_FOLDER = Path(__file__).parent
_SCRIPTS = ("charts.js", "log.js", "engine.js")

# Not isolated: plotly.js writes its own styles into the document's head.
_component = st.components.v2.component(
    "breakeven_engine",
    html=(_FOLDER / "engine.html").read_text(),
    css="\n".join((LIVE_CSS, (_FOLDER / "engine.css").read_text())),
    js="\n".join((LIVE_JS, *((_FOLDER / name).read_text() for name in _SCRIPTS))),
    isolate_styles=False,
)


def live_engine(view: EngineView, payload: dict[str, Any]) -> None:
    """Draw `payload` and keep it up to date; the page's script does not run again for that."""
    asked = {"minutes": view.minutes, "timezone": view.timezone}
    _component(
        key="live-engine",
        data={
            "payload": payload,
            "url": f"{ENGINE_EVENTS}?{urlencode(asked)}",
            "plotly": PLOTLY_JS,
        },
    )
