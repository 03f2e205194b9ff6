"""Engine: what runs, how it is doing, and what its meters say of themselves."""

import pandas as pd
import streamlit as st

from dashboard import formats, ui
from engine.api import current


@st.fragment(run_every=3.0)
def draw() -> None:
    service = current.get()
    health, model = service.health(), service.model
    with st.grid(4):
        st.metric("State", str(health["state"]), border=True)
        st.metric("Running", health["running"], border=True)
        st.metric("Waiting", health["waiting"], border=True)
        st.metric("Ledger", str(health["ledger"]["state"]), border=True)
    if model is None:
        st.info("The model is not loaded yet.", icon=":material/hourglass_top:")
        return
    experts = "none: a dense model"
    if model.routed_experts:
        experts = (
            f"{model.routed_experts} routed and {model.shared_experts} shared in each layer, "
            f"{service.experts_per_token} routed ones a token "
            f"(the model's own: {model.default_experts_per_token})"
        )
    facts = {
        "Model": model.model,
        "Architecture": model.architecture,
        "Precision": model.precision,
        "Kernel": model.kernel,
        "Threads": model.threads,
        "Context": f"{model.context_length:,} tokens",
        "Layers": model.layers,
        "Experts": experts,
        "Parameters": f"{formats.count(model.total_parameters)}, of which "
        f"{formats.count(model.active_parameters)} are active for a token",
        "Weights": f"{formats.size(model.weight_bytes)} in memory, from {service.model_path}",
        "Loaded in": formats.duration(model.load_ms),
        "Ledger": str(service.ledger.path),
    }
    ui.fact_table(facts)
    st.subheader("Meters", anchor=False)
    st.caption("What each energy sensor said when the engine looked for it.")
    meters = [{name: str(value) for name, value in meter.items()} for meter in model.meters]
    st.dataframe(pd.DataFrame(meters), hide_index=True, alt="Energy meters")
