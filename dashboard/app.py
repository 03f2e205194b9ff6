"""The product as one server: `streamlit run dashboard/app.py`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # Streamlit puts only this file's folder there
    sys.path.insert(0, str(ROOT))

import streamlit as st  # noqa: E402

from dashboard.product import Product, explain  # noqa: E402
from db.settings import settings  # noqa: E402

product = Product(settings())
app = st.App(
    ROOT / "dashboard" / "main.py",
    lifespan=product.lifespan,
    routes=product.routes(),
    middleware=product.middleware(),
    on_script_error=explain,
    secrets=product.secrets,
)
