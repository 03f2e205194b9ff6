"""Limits to set: the form for a developer or for one of their keys."""

import streamlit as st

from dashboard import formats, ui
from dashboard.ledgers import engine_of
from dashboard.limits_view import show_use
from dashboard.served import served_models
from db.limits import NO_LIMITS, Holder, Limits, set_limits


def edit_limits(holder: Holder) -> None:
    whose = _whose(holder)
    with st.container(border=True):
        st.markdown(f"**Limits of {formats.escape(whose)}**")
        st.caption(
            "An empty field means no limit. A developer's limits hold for all their keys and the "
            "chat together, a key's for that key beside them; what they refuse gets a 429 that says "
            "when to come back."
        )
        show_use(holder)
        with st.form(f"limits-{holder.developer_id}-{holder.api_key_id}", border=False):
            limits = _fields(holder.limits)
            if st.form_submit_button("Save the limits") and ui.attempt(
                lambda: _set(holder, limits), done="The limits are saved"
            ):
                st.rerun()
        if holder.limits != NO_LIMITS and st.button("Lift all limits", icon=":material/lock_open:"):
            ui.confirm(
                "Lift all limits",
                f"**{formats.escape(whose)}** may then use as much as there is, of every model.",
                "Lift them",
                lambda: _set(holder, NO_LIMITS),
            )


def _fields(now: Limits) -> Limits:
    """The fields, and the limits as they are filled in."""
    with st.grid(3):
        requests = _whole_number("Requests per minute", now.requests_per_minute)
        tokens = _whole_number("Tokens per minute", now.tokens_per_minute, "Input and output.")
        at_once = _whole_number("Requests at once", now.concurrent_requests)
        budget = _whole_number("Tokens per month", now.tokens_per_month, "Input and output.")
        joules = now.energy_j_per_month
        kwh = st.number_input(
            "Energy per month, kWh",
            value=None if joules is None else joules / formats.JOULES_PER_KWH,
            step=0.1,
            format="%g",
            placeholder="No limit",
            help="Only what meters can tell counts: the energy of upstreams is not known.",
        )
        models = _models(now.models)
    st.caption(
        "The most that a request may take is kept back from the month's budgets when it is admitted "
        "and settled when it ends, so requests that run together do not overdraw them."
    )
    return Limits(
        requests,
        tokens,
        at_once,
        budget,
        None if kwh is None else kwh * formats.JOULES_PER_KWH,
        models,
    )


def _whole_number(label: str, now: int | None, meaning: str | None = None) -> int | None:
    return st.number_input(label, value=now, step=1, placeholder="No limit", help=meaning)


def _models(now: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Those that are served, by their names in lower case, and those that are set already."""
    served = {model.name.lower(): model.name for model in served_models()[0]}
    chosen = st.multiselect(
        "Allowed models",
        list(dict.fromkeys([*served, *(now or ())])),
        default=list(now or ()),
        format_func=lambda name: served.get(name, f"{name} (not served now)"),
        placeholder="All models",
    )
    return tuple(chosen) or None


def _set(holder: Holder, limits: Limits) -> None:
    of_key = holder.api_key_id is not None
    set_limits(
        engine_of("own"),
        limits,
        developer_id=None if of_key else holder.developer_id,
        api_key_id=holder.api_key_id,
        actor=ui.ACTOR,
    )


def _whose(holder: Holder) -> str:
    if holder.key_name is None:
        return holder.developer_name
    return f"{holder.developer_name}'s key for {holder.key_name}"
