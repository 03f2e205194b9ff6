"""Grams of CO2 equivalent: energy × the grid's intensity at its time.

An estimate in every case: an intensity is a country's or a year's mean, not that of the power
station that ran. Its interval here is that of the energy alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from db.grid import HOURS, Grid

JOULES_PER_KWH = 3_600_000
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Emissions:
    """`uncertainty_g` is half the width of the interval; None where no accuracy of the energy was
    kept. `energy_j` is the energy counted, of which `accuracy_unknown_j` without its accuracy;
    `uncounted_j` that at whose time no intensity was set. `grids` are those used, oldest first."""

    grams: float
    uncertainty_g: float | None
    energy_j: float
    accuracy_unknown_j: float
    uncounted_j: float
    grids: tuple[Grid, ...]


def emissions(energy: pd.DataFrame, grids: Sequence[Grid]) -> Emissions | None:
    """What the energy caused; None where no intensity holds while any was used.

    `energy` has a row for each short span of time within an hour (UTC): bucket_ms (its start),
    total_j, uncertainty_j, accuracy_unknown_j (NaN: unknown). `grids` are in order of `valid_from`;
    a span counts with what holds at its start.
    """
    energy = energy[energy["total_j"].notna()]
    at = energy["bucket_ms"].to_numpy(np.int64)
    which = np.searchsorted([grid.valid_from for grid in grids], at, side="right") - 1
    # The last row, for -1, is the time before the first intensity.
    table = np.array([*(_by_hour(grid) for grid in grids), [np.nan] * HOURS])
    g_per_j = table[which, at // HOUR_MS % HOURS] / JOULES_PER_KWH
    counted = ~np.isnan(g_per_j)
    if not counted.any():
        return None
    joules = energy["total_j"].to_numpy(float)
    uncertainty = energy["uncertainty_j"].to_numpy(float)
    accuracy_unknown = energy["accuracy_unknown_j"].to_numpy(float)
    known = counted & ~np.isnan(uncertainty)
    return Emissions(
        grams=float((joules * g_per_j)[counted].sum()),
        uncertainty_g=float((uncertainty * g_per_j)[known].sum()) if known.any() else None,
        energy_j=float(joules[counted].sum()),
        accuracy_unknown_j=float(accuracy_unknown[counted].sum()),
        uncounted_j=float(joules[~counted].sum()),
        grids=tuple(grids[number] for number in np.unique(which[counted])),
    )


def _by_hour(grid: Grid) -> Any:
    if grid.by_hour is not None:
        return grid.by_hour
    return [np.nan if grid.g_per_kwh is None else grid.g_per_kwh] * HOURS
