"""What Streamlit runs for every page: who may see it, the navigation, the engine's state."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # Streamlit puts only this file's folder there
    sys.path.insert(0, str(ROOT))

import streamlit as st  # noqa: E402

from dashboard import ui  # noqa: E402

ASSETS = Path(__file__).parent / "assets"
LOGO = ASSETS / "logo.svg"

st.set_page_config(page_title="Breakeven", page_icon=str(LOGO), layout="wide")
ui.require_sign_in()

page = st.navigation(
    [
        st.Page("views/overview.py", title="Overview", icon=":material/monitoring:", default=True),
        st.Page("views/planner.py", title="Planner", icon=":material/calculate:"),
        st.Page("views/team.py", title="Team", icon=":material/groups:"),
        st.Page("views/my_usage.py", title="My usage", icon=":material/person:"),
        st.Page("views/requests.py", title="Requests", icon=":material/receipt_long:"),
        st.Page("views/alternatives.py", title="Alternatives", icon=":material/balance:"),
        st.Page("views/energy.py", title="Energy", icon=":material/bolt:"),
        st.Page("views/chat.py", title="Chat", icon=":material/forum:"),
        st.Page("views/connect.py", title="Connect", icon=":material/power:"),
        st.Page("views/imports.py", title="Import", icon=":material/upload_file:"),
        st.Page("views/reports.py", title="Reports", icon=":material/summarize:"),
        st.Page("views/export.py", title="Export", icon=":material/download:"),
        st.Page("views/settings.py", title="Settings", icon=":material/tune:"),
    ]
)
st.logo(str(ASSETS / "wordmark.svg"), icon_image=str(LOGO), size="large")
ui.sidebar()
ui.ledger_notice()
ui.engine_notice()
page.run()
