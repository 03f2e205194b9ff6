"""What Streamlit runs for every page: who may see it, the navigation, the engine's state."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # Streamlit puts only this file's folder there
    sys.path.insert(0, str(ROOT))

import streamlit as st  # noqa: E402

from dashboard import pages, ui  # noqa: E402
from dashboard.alerts.notice import alerts_notice  # noqa: E402

ASSETS = Path(__file__).parent / "assets"
LOGO = ASSETS / "logo.svg"

st.set_page_config(page_title="Breakeven", page_icon=str(LOGO), layout="wide")
viewer = ui.require_sign_in()
page = st.navigation(
    [
        st.Page(f"views/{one.script}.py", title=one.title, icon=one.icon, default=number == 0)
        for number, one in enumerate(pages.pages_for(viewer))
    ],
    expanded=True,
)
st.logo(str(ASSETS / "wordmark.svg"), icon_image=str(LOGO), size="large")
ui.sidebar(viewer)
ui.ledger_notice()
ui.engine_notice()
alerts_notice(in_full=page.title == "Overview")
page.run()
