"""Engine: what runs here, what answers behind the gateway, and how both are doing."""

from typing import Any

import pandas as pd
import streamlit as st

from dashboard import formats, ui
from engine.api import current
from engine.api.service import Service
from engine.runtime.protocol import Ready


@st.fragment(run_every=3.0)
def draw() -> None:
    service = current.get()
    health = service.health()
    upstreams: list[dict[str, Any]] = health["upstreams"]
    with st.grid(4):
        st.metric("State", str(health["state"]), border=True)
        running = health["running"] + sum(upstream["running"] for upstream in upstreams)
        st.metric("Running", running, border=True)
        waiting = health["waiting"] + service.upstreams.dispatch.waiting
        st.metric("Waiting", waiting, border=True)
        st.metric("Ledger", str(health["ledger"]["state"]), border=True)
    st.subheader("This machine's engine", anchor=False)
    if not service.computes_here:
        st.caption(
            "There is none (`BREAKEVEN_MODEL=none`): requests go to upstreams. Their energy is "
            "known where meters of their machines are named, and unknown elsewhere."
        )
    elif service.model is None:
        st.info("The model is not loaded yet.", icon=":material/hourglass_top:")
    else:
        _model(service, service.model)
    st.subheader("Upstreams", anchor=False)
    _upstreams(upstreams)


def _model(service: Service, model: Ready) -> None:
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
        "Ledger": service.ledger.address,
    }
    ui.fact_table(facts)
    st.markdown("**Meters**")
    st.caption("What each energy sensor said when the engine looked for it.")
    meters = [{name: str(value) for name, value in meter.items()} for meter in model.meters]
    st.dataframe(pd.DataFrame(meters), hide_index=True, alt="Energy meters")


def _upstreams(upstreams: list[dict[str, Any]]) -> None:
    if not upstreams:
        st.caption(
            "None. To put a server that speaks OpenAI's API (vLLM, SGLang, llama.cpp, …) behind "
            "this gateway, start it with `BREAKEVEN_UPSTREAMS` set to the server's address, such "
            "as `http://gpu-box:8000/v1`; several are separated by commas or described in a file."
        )
        return
    table = pd.DataFrame(
        {
            "Address": [upstream["url"] for upstream in upstreams],
            "Models": [", ".join(upstream["models"]) or "none yet" for upstream in upstreams],
            "State": [upstream["problem"] or "answers" for upstream in upstreams],
            "Running": [
                f"{upstream['running']} of {upstream['max_running']}" for upstream in upstreams
            ],
            "Machine": [upstream["machine"] for upstream in upstreams],
            "Meters": [_meters(upstream["meters"]) for upstream in upstreams],
        }
    )
    st.dataframe(table, hide_index=True, alt="Upstreams")


def _meters(meters: list[dict[str, Any]]) -> str:
    if not meters:
        return "none, so its energy is unknown"
    return "; ".join(meter["problem"] or f"{meter['name']} ({meter['source']})" for meter in meters)
