"""Limits to read: what a developer or a key may use, and what this month has used of it."""

from collections.abc import Callable
from datetime import date

import streamlit as st

from dashboard import data, formats
from db.limits import NO_LIMITS, Holder


def show_limits(holder: Holder) -> None:
    """All that is limited in one line, and this month's use."""
    limits = holder.limits
    parts = [
        f"{limit:,} {name}"
        for limit, name in (
            (limits.requests_per_minute, "requests a minute"),
            (limits.tokens_per_minute, "tokens a minute"),
            (limits.concurrent_requests, "requests at once"),
        )
        if limit is not None
    ]
    if limits.models is not None:
        parts.append(f"only {', '.join(limits.models)}")
    words = "; ".join(parts)
    if not words:
        words = "No limits" if limits == NO_LIMITS else "No limits but the month's budget"
    st.markdown(formats.escape(f"{words}."))
    show_use(holder)


def show_use(holder: Holder) -> None:
    """This month's tokens and energy, beside the budgets that are set."""
    use, limits = data.month_use(holder), holder.limits
    with st.container(horizontal=True):
        _use("Tokens", use.tokens, limits.tokens_per_month, formats.count)
        _use("Energy", use.energy_j, limits.energy_j_per_month, formats.energy)
    begins = date.fromisoformat(f"{use.renews}-01")
    st.caption(
        f"Used this month, energy as far as meters can tell; begins anew on 1 {begins:%B} (UTC)."
    )


def _use(
    name: str, used: float | None, budget: float | None, written: Callable[[float | None], str]
) -> None:
    if budget is None:
        st.markdown(f"{name}: {written(used)}, no budget")
        return
    part = (used or 0) / budget
    percent = "" if used is None else f" ({formats.share(part)})"
    st.progress(min(part, 1.0), text=f"{name}: {written(used)} of {written(budget)}{percent}")
