"""Limits to set: the form for a developer or for one of their keys."""

from dataclasses import dataclass

import streamlit as st

from dashboard import formats, ui
from dashboard.ledgers import engine_of
from dashboard.limits_view import show_use
from dashboard.served import served_models
from db.errors import InvalidInput
from db.limits import NO_LIMITS, Holder, Limits, set_limits

COUNTS = (
    ("requests_per_minute", "Requests per minute"),
    ("tokens_per_minute", "Tokens per minute"),
    ("concurrent_requests", "Requests at once"),
    ("tokens_per_month", "Tokens per month"),
)
ENERGY = "Energy per month, kWh"


def edit_limits(holder: Holder) -> None:
    whose = _whose(holder)
    with st.container(border=True):
        st.markdown(f"**Limits of {formats.escape(whose)}**")
        st.caption(
            "Empty: no limit. A developer's limits hold for all their keys and the chat together, "
            "a key's for that key beside them. What is over a limit is refused with a 429 that "
            "says when to come back, another model with a 403."
        )
        show_use(holder)
        with st.form(f"limits-{holder.developer_id}-{holder.api_key_id}", border=False):
            typed = _fields(holder.limits)
            if st.form_submit_button("Save the limits", disabled=ui.locked()) and ui.attempt(
                lambda: _set(holder, _read(typed)), done="The limits are saved"
            ):
                st.rerun()
        if holder.limits != NO_LIMITS and st.button(
            "Lift all limits", icon=":material/lock_open:", disabled=ui.locked()
        ):
            ui.confirm(
                "Lift all limits",
                f"**{formats.escape(whose)}** may then use as much as there is, of every model.",
                "Lift them",
                lambda: _set(holder, NO_LIMITS),
            )


@dataclass(frozen=True, slots=True)
class _Typed:
    """The fields as they are filled in. Text, because a number's field that has a value cannot be
    emptied again: Streamlit puts the value back."""

    counts: dict[str, str]  # by the names of `Limits`
    kwh: str
    models: tuple[str, ...]


def _fields(now: Limits) -> _Typed:
    joules = now.energy_j_per_month
    with st.grid(3):
        counts = {name: _field(label, _written(getattr(now, name))) for name, label in COUNTS}
        typed = _Typed(
            counts,
            _field(
                ENERGY,
                "" if joules is None else f"{joules / formats.JOULES_PER_KWH:.10g}",
                "Only what meters can tell counts: the energy of upstreams is not known.",
            ),
            _models(now.models),
        )
    st.caption(
        "Tokens are those of input and output. When a request is admitted, the most that it may "
        "take is kept back from the month's budgets until it ends, so requests that run together "
        "do not overdraw them."
    )
    return typed


def _field(label: str, value: str, meaning: str | None = None) -> str:
    return st.text_input(label, value, placeholder="No limit", help=meaning)


def _models(now: tuple[str, ...] | None) -> tuple[str, ...]:
    """Those that are served, by their names in lower case, and those that are set already."""
    served = {model.name.lower(): model.name for model in served_models()}
    chosen = st.multiselect(
        "Allowed models",
        list(dict.fromkeys([*served, *(now or ())])),
        default=list(now or ()),
        format_func=lambda name: served.get(name, f"{name} (not served now)"),
        placeholder="All models",
    )
    return tuple(chosen)


def _written(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


def _read(typed: _Typed) -> Limits:
    """InvalidInput where a field holds no number."""
    counts = {name: _whole_number(label, typed.counts[name]) for name, label in COUNTS}
    return Limits(**counts, energy_j_per_month=_joules(typed.kwh), models=typed.models or None)


def _whole_number(label: str, text: str) -> int | None:
    """Thousands may be set apart by commas or spaces."""
    digits = text.replace(",", "").replace(" ", "")
    if not digits:
        return None
    try:
        return int(digits)
    except ValueError:
        raise InvalidInput(label, f"{label}: {text!r} is not a whole number.") from None


def _joules(kwh: str) -> float | None:
    if not kwh.strip():
        return None
    try:
        return float(kwh) * formats.JOULES_PER_KWH
    except ValueError:
        raise InvalidInput(ENERGY, f"{ENERGY}: {kwh!r} is not a number.") from None


def _set(holder: Holder, limits: Limits) -> None:
    of_key = holder.api_key_id is not None
    set_limits(
        engine_of("own"),
        limits,
        developer_id=None if of_key else holder.developer_id,
        api_key_id=holder.api_key_id,
        actor=ui.actor("admin"),
    )


def _whose(holder: Holder) -> str:
    if holder.key_name is None:
        return holder.developer_name
    return f"{holder.developer_name}'s key for {holder.key_name}"
