"""The month's energy: where it went, how it was obtained, and for how much of the time."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from dashboard.costs.models import DeveloperCost, TeamCost
from dashboard.energy import EnergyView
from dashboard.energy_words import KINDS, PART_NAMES, carbon_sentence, machine_name, relative
from dashboard.overview import Overview
from dashboard.reports.month.models import Coverage, EnergyPart, MeterRow, Part
from db.energy_queries import PARTS

BASIS_NAMES = {
    "measured": "Measured by a sensor",
    "estimated": "Estimated from load and rated power",
    "partial": "Partly known: a device was missing",
}


def energy_part(overview: Overview, energy: EnergyView) -> EnergyPart:
    total = energy.uses.total
    joules = None if total is None else total.joules
    return EnergyPart(
        total_j=joules,
        uncertainty="" if total is None else relative(total.relative),
        uses=tuple(_part(PART_NAMES[name], energy.uses.parts[name], joules) for name in PARTS),
        bases=tuple(
            _part(BASIS_NAMES.get(basis, basis), energy.uses.by_basis[basis], joules)
            for basis in sorted(energy.uses.by_basis, reverse=True)
        ),
        coverage=_coverage(overview),
        meters=tuple(_meter(row) for row in energy.meters.to_dict("records")),
        carbon=None if energy.carbon is None else carbon_sentence(energy.carbon),
    )


def _part(name: str, joules: float | None, total_j: float | None) -> Part:
    # Rounded, because sums of floats in another order differ in their last digits.
    share = round(joules / total_j, 9) if joules is not None and total_j else None
    return Part(name=name, joules=joules, share=share)


def _coverage(overview: Overview) -> Coverage:
    read, period = overview.energy, overview.period
    whole_s = (period.end_ms - period.start_ms) / 1000
    told_s = read.covered_s + read.partial_s + read.unknown_s
    return Coverage(
        complete_s=read.covered_s,
        partial_s=read.partial_s,
        silent_s=read.unknown_s,
        # A begun minute counts whole, so meters can tell of a little more than the range.
        unmetered_s=max(whole_s - told_s, 0.0),
    )


def _meter(row: dict[Any, Any]) -> MeterRow:
    return MeterRow(
        machine=machine_name(str(row["machine"])),
        meter=str(row["meter"]),
        device=str(row["device"]),
        kind=KINDS.get(str(row["kind"]), str(row["kind"])),
        basis=str(row["basis"]),
        accuracy=None if pd.isna(row["accuracy"]) else float(row["accuracy"]),
        energy_j=None if pd.isna(row["energy_j"]) else float(row["energy_j"]),
        silent_s=float(row["unknown_ms"]) / 1000,
    )


def total_energy(rows: Sequence[DeveloperCost | TeamCost]) -> float | None:
    """The joules of all; None where those of one are unknown."""
    known = [row.energy_j for row in rows if row.energy_j is not None]
    return sum(known) if len(known) == len(rows) else None
