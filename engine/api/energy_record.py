"""Energy in the ledger's terms: its windows, and what is wrong with the meters' setting."""

from collections.abc import Sequence

from db.errors import InvalidInput
from db.records import DeviceEnergy, EnergyRecord
from engine.api.upstreams.config import UpstreamConfig
from engine.energy.remote.config import MeterSettingError, read_meters
from engine.energy.window import EnergyWindow


def require_meters(setting: str | None, upstreams: Sequence[UpstreamConfig]) -> None:
    """InvalidInput, in one line for people, where BREAKEVEN_METERS cannot be used, or names a meter
    that an upstream has too: its joules would count twice."""
    try:
        here = {meter.url for meter in read_meters(setting)}
    except MeterSettingError as error:
        raise InvalidInput("meters", str(error)) from error
    for upstream in upstreams:
        for meter in upstream.meters:
            if meter.url in here:
                raise InvalidInput(
                    "meters",
                    f"BREAKEVEN_METERS and the upstream {upstream.url} both name the meter "
                    f"{meter.url}; leave it where the machine is that it reads.",
                )


def energy_record(window: EnergyWindow) -> EnergyRecord:
    """Raises InvalidInput where its parts are not its total, or a figure is no energy."""
    return EnergyRecord(
        started_at=window.started_at_ms,
        ended_at=window.ended_at_ms,
        duration_s=window.duration_s,
        total_j=window.total_j,
        idle_j=window.idle_j,
        shares=window.shares,
        basis=window.basis,
        source=window.source,
        machine=window.machine,
        overhead_j=window.overhead_j,
        loading_j=window.loading_j,
        other_j=window.other_j,
        prefill=window.prefill,
        uncertainty_j=window.uncertainty_j,
        devices=[
            DeviceEnergy(one.meter, one.device, one.kind, one.basis, one.accuracy, one.energy_j)
            for one in window.devices
        ],
    )
