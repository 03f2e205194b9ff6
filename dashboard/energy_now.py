"""The power that each device draws now, beside what it draws doing nothing."""

import streamlit as st

from dashboard import formats
from dashboard.energy_words import lasting, machine_name, relative
from engine.api import current
from engine.api.power import DevicePower

EVERY_S = 2.0


@st.fragment(run_every=EVERY_S)
def power_now() -> None:
    """A tile for each device, renewed by itself."""
    devices = current.get().power.now()
    st.subheader("Power now", anchor=False)
    if not devices:
        st.caption(
            "No meter is being read now. Meters are read while an engine runs; those that were "
            "found, and why others were not, stand under **Meters** below."
        )
        return
    with st.grid(min_column_width=220):
        for device in devices:
            with st.container(border=True, height="stretch"):
                st.metric(
                    _name(device),
                    formats.UNKNOWN if device.watts is None else watts(device.watts),
                    help=f"Meter: {device.meter}. Kind: {device.kind}.",
                )
                st.caption(formats.escape(note(device)))


def note(device: DevicePower) -> str:
    """How the figure was obtained, or since when there is none."""
    if device.watts is None:
        if device.silent_s is None:
            return f"{device.basis}; it has not read anything yet"
        return f"{device.basis}; silent for {lasting(device.silent_s)}"
    words = f"{device.basis}, {relative(device.accuracy)}"
    if device.idle_w is not None:
        words += f"; {watts(device.idle_w)} of it doing nothing"
    return words


def watts(value: float) -> str:
    """`312 W`, `7.4 W`, `1.24 kW`."""
    if value >= 1000:
        return f"{value / 1000:,.2f} kW"
    return f"{value:,.0f} W" if value >= 100 else f"{value:.1f} W"


def _name(device: DevicePower) -> str:
    where = "" if device.machine == "here" else f"{machine_name(device.machine)}: "
    return formats.escape(f"{where}{device.device}")
