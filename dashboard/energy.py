"""What the Energy page shows, computed from the ledger: where the joules went, and how sure it is.

Uncertainties add up plainly, as `db.energy_queries` says why.
"""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from sqlalchemy import Engine

from dashboard.carbon.emissions import Emissions, emissions
from dashboard.overview import View, first_moment
from dashboard.periods import MINUTE_MS, QUARTER_MS, Period, hours_begin, period
from db import energy_queries
from db.energy_queries import PARTS
from db.grid import Grid, grid_history, in_force
from db.uses import Uses as Asked

FAILED = ("error", "cancelled", "interrupted")
# What of a group of requests adds up.
_SUMS = (
    "requests",
    "energy_unknown",
    "energy_partial",
    "energy_j",
    "uncertainty_j",
    "accuracy_unknown_j",
    "told",
    "told_uncached_input_tokens",
    "told_output_tokens",
    "told_energy_j",
    "told_prefill_j",
    "told_uncertainty_j",
    "told_accuracy_unknown_j",
)


@dataclass(frozen=True, slots=True)
class Sure:
    """Joules, and half the width of their interval: None where no accuracy was kept.

    `accuracy_unknown_j` is the part of `joules` for which none was kept.
    """

    joules: float
    uncertainty_j: float | None
    accuracy_unknown_j: float

    @property
    def relative(self) -> float | None:
        """The uncertainty as a part of the joules that it is told of."""
        told_j = self.joules - self.accuracy_unknown_j
        if self.uncertainty_j is None or told_j <= 0:
            return None
        return self.uncertainty_j / told_j


@dataclass(frozen=True, slots=True)
class Uses:
    """Where a range's joules went. `parts` has those of each of `PARTS`; None: unknown.

    `failed_j` is what failed, cancelled and interrupted requests took that started in the range.
    `basis` is how the figures were obtained, `lower_bound` whether devices were missing for some
    of the time (`partial_s`); for `unknown_s` there was no reading at all.
    """

    total: Sure | None
    parts: dict[str, float | None]
    failed_j: float | None
    by_basis: dict[str, float]
    partial_s: float
    unknown_s: float

    @property
    def basis(self) -> str:
        words = [name for name in ("measured", "estimated") if self.by_basis.get(name)]
        if not words and self.by_basis.get("partial"):
            return "partly known"
        return " and ".join(words) or "unknown"

    @property
    def lower_bound(self) -> bool:
        return bool(self.by_basis.get("partial"))


@dataclass(frozen=True, slots=True)
class EnergyView:
    """Frames have the columns that the functions below, or those of `db.energy_queries`, say.

    `models` and `experts` are of the view's model and engine, `developers` of its team too; all
    else is what meters read, of everybody. `grid` is what holds now.
    """

    view: View
    at_ms: int
    period: Period
    uses: Uses
    timeline: pd.DataFrame
    models: pd.DataFrame
    experts: pd.DataFrame
    developers: pd.DataFrame
    hours: pd.DataFrame
    meters: pd.DataFrame
    wholes: pd.DataFrame
    carbon: Emissions | None
    grid: Grid | None


def compute(engine: Engine, view: View, now_ms: int) -> EnergyView:
    """The figures at `now_ms` (UTC epoch milliseconds)."""
    zone = ZoneInfo(view.timezone)
    chosen = period(view.span, zone, now_ms, first_moment(engine, zone, now_ms))
    start, end = chosen.start_ms, chosen.end_ms
    by_time = energy_queries.energy_by_time(engine, start, end, max(chosen.bucket_ms, MINUTE_MS))
    work = energy_queries.work_by_model(engine, start, end)
    asked = _of(work, view.uses)
    history = grid_history(engine)
    by_hour = energy_queries.energy_by_quarter(
        engine, start, end, whole_hours=True, changes=[grid.valid_from for grid in history]
    )
    return EnergyView(
        view=view,
        at_ms=now_ms,
        period=chosen,
        uses=uses(by_time, work),
        timeline=timeline(by_time),
        models=per_token(asked, ["model", "engine"]),
        experts=per_token(asked[asked["experts"].notna()], ["model", "experts"]),
        developers=per_token(
            energy_queries.work_by_developer(engine, start, end, view.uses), ["developer"]
        ),
        hours=_local_hours(engine, chosen, zone, by_hour),
        meters=energy_queries.meters(engine, start, end),
        wholes=energy_queries.whole_and_parts(engine, start, end),
        carbon=emissions(by_hour, history),
        grid=in_force(history, now_ms),
    )


def _of(work: pd.DataFrame, uses: Asked) -> pd.DataFrame:
    """The work of one model and engine. By team it is not kept by model."""
    for column, value in (("model", uses.model), ("engine", uses.engine)):
        if value is not None:
            work = work[work[column] == value]
    return work


def _local_hours(
    engine: Engine, chosen: Period, zone: ZoneInfo, of_utc: pd.DataFrame
) -> pd.DataFrame:
    """Spans of which none reaches beyond an hour of the reader's clock, as short as need be."""
    start, end = chosen.start_ms, chosen.end_ms
    begin = hours_begin(zone, start, end)
    if begin == 0:
        return of_utc
    if begin is None or begin % QUARTER_MS:
        return energy_queries.energy_by_quarter(engine, start, end)
    return energy_queries.energy_by_hour(engine, start, end, begin)


def uses(by_time: pd.DataFrame, work: pd.DataFrame) -> Uses:
    """The whole range, from `db.energy_queries.energy_by_time` and `work_by_model`."""
    known = by_time[by_time["total_j"].notna()]
    by_basis = known.groupby("basis")["total_j"].sum()
    failed = work.loc[work["status"].isin(FAILED), "energy_j"]
    return Uses(
        total=sure(known, "total_j") if len(known) else None,
        parts={part: _known_sum(known[part]) for part in PARTS},
        failed_j=0.0 if failed.empty else _known_sum(failed),
        by_basis={str(basis): float(joules) for basis, joules in by_basis.items()},
        partial_s=float(by_time["partial_ms"].sum()) / 1000,
        unknown_s=float(by_time["unknown_ms"].sum()) / 1000,
    )


def sure(rows: pd.DataFrame, joules: str) -> Sure:
    """The sum of rows with the columns `joules`, uncertainty_j and accuracy_unknown_j."""
    return Sure(
        float(rows[joules].sum()),
        _known_sum(rows["uncertainty_j"]),
        float(rows["accuracy_unknown_j"].sum()),
    )


def _known_sum(amounts: "pd.Series[float]") -> float | None:
    return float(amounts.sum()) if amounts.notna().any() else None


def timeline(by_time: pd.DataFrame) -> pd.DataFrame:
    """Each bucket's joules. Columns: bucket_ms, total_j, the `PARTS` and uncertainty_j: NaN where
    nothing was read, and where there is no accuracy for all of it."""
    columns = ["total_j", *PARTS, "uncertainty_j", "accuracy_unknown_j"]
    frame = by_time.groupby("bucket_ms", as_index=False)[columns].sum(min_count=1)
    return _without_half_known(frame)


def per_token(work: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Joules per token of the requests in groups `by`, most energy first, as far as they are told.

    Columns: `by`, requests, told, others (not told: unknown, a lower bound, or without the prompt's
    part), energy_unknown, energy_j, uncertainty_j (NaN: not kept for all of it); input_j per input
    token that no cache had, output_j per output token, and token_j over both (NaN: none), each with
    its uncertainty input_pm_j, output_pm_j, token_pm_j; and the told_ columns of
    `db.energy_queries.work_by_model`.
    """
    grouped = work.groupby(by, as_index=False, dropna=False)
    frame = grouped[list(_SUMS)].sum(min_count=1)
    frame = _without_half_known(frame)
    frame["others"] = frame["requests"] - frame["told"]
    fresh, output = frame["told_uncached_input_tokens"], frame["told_output_tokens"]
    energy, prefill = frame["told_energy_j"], frame["told_prefill_j"]
    relative = _ratio(frame["told_uncertainty_j"], energy)
    relative = relative.where(frame["told_accuracy_unknown_j"] <= 0)
    for name, joules, tokens in (
        ("input", prefill, fresh),
        ("output", energy - prefill, output),
        ("token", energy, fresh + output),
    ):
        frame[f"{name}_j"] = _ratio(joules, tokens)
        frame[f"{name}_pm_j"] = frame[f"{name}_j"] * relative
    return frame.sort_values("energy_j", ascending=False, kind="stable", ignore_index=True)


def _ratio(amount: "pd.Series[Any]", of: "pd.Series[Any]") -> "pd.Series[Any]":
    """NaN, not infinity, where there is nothing to divide by."""
    return amount.astype(float) / of.astype(float).replace(0.0, np.nan)


def _without_half_known(frame: pd.DataFrame) -> pd.DataFrame:
    """Half an uncertainty would look like a surer figure than it is: none is told then."""
    kept = frame["accuracy_unknown_j"].fillna(0.0) <= 0
    return frame.assign(uncertainty_j=frame["uncertainty_j"].where(kept))
