"""How each figure was obtained, and what is missing: what a cost review asks first."""

from sqlalchemy import Engine

from dashboard import formats
from dashboard.costs.models import Comparison
from dashboard.energy import EnergyView
from dashboard.energy_words import coverage, lasting, uses_sentence
from dashboard.overview import Overview
from dashboard.reports.month.models import Basis, Evidence
from db.connect import reading
from db.ids import utc_text
from db.queries import Totals
from db.retention import horizons

_BASES: dict[str, Basis] = {
    "measured": "measured",
    "estimated": "estimated",
    "measured and estimated": "measured and estimated",
    "partly known": "partly known",
}
_SHARED: dict[str, tuple[Basis, str]] = {
    "energy": ("computed", "by the energy of each one's requests, idling included"),
    "tokens": ("computed", "by tokens, because the energy of some requests is unknown, or nil"),
    "nobody": ("computed", "nobody used the hardware, so its cost stands in a row of its own"),
}


def evidence(overview: Overview, energy: EnergyView) -> tuple[Evidence, ...]:
    comparison, totals = overview.chosen, overview.totals
    basis, how = _SHARED[comparison.shared_by]
    found = [
        Evidence(figure="Requests and tokens", basis="counted", how=_counts(totals)),
        Evidence(
            figure="Energy",
            basis=_BASES.get(energy.uses.basis, "unknown"),
            how=f"{uses_sentence(energy.uses)}.",
        ),
        _electricity(comparison, energy),
        Evidence(
            figure="Depreciation",
            basis="computed",
            how="from the hardware's price and life, as assumed below",
        ),
        Evidence(
            figure="Operations", basis="entered", how="a price a month, as assumed below, pro rata"
        ),
        Evidence(figure="Fully loaded, by developer and team", basis=basis, how=how),
        _marginal(comparison, energy),
        Evidence(
            figure="Seats",
            basis="computed",
            how="what was not spent: the seat's price, as assumed below, × developers",
        ),
        Evidence(
            figure="Break-even",
            basis="estimated",
            how="a projection at rated power with the developers of the range's end, without tax, "
            "financing or resale",
        ),
    ]
    if energy.carbon is not None:
        found.append(Evidence(figure="Carbon", basis="estimated", how="energy × a grid's mean"))
    return tuple(found)


def _counts(totals: Totals) -> str:
    if not totals.estimated_counts:
        return "by the engine, exactly"
    return (
        f"{formats.count(totals.estimated_counts)} of {formats.count(totals.requests)} requests "
        "have estimated tokens: their server told none"
    )


def _electricity(comparison: Comparison, energy: EnergyView) -> Evidence:
    if comparison.electricity_basis == "nameplate":
        how = "rated power in all hours, used or not, × the price assumed below; no meter is in it"
        return Evidence(figure="Electricity", basis="estimated", how=how)
    how = "what the meters read × the price assumed below"
    if comparison.electricity_basis == "mixed":
        how += ", and rated power while the prices said so"
    if not comparison.unmetered_hours:
        basis = _BASES.get(energy.uses.basis, "unknown")
        return Evidence(figure="Electricity", basis=basis, how=how)
    how += f"; {comparison.unmetered_hours:,.1f} hours without a reading at rated power"
    read = energy.uses.total is not None
    measured = read and energy.uses.basis != "estimated"
    basis = "measured and estimated" if measured else "estimated"
    return Evidence(figure="Electricity", basis=basis, how=how)


def _marginal(comparison: Comparison, energy: EnergyView) -> Evidence:
    figure = "Marginal, by developer and team"
    if comparison.marginal_total is None:
        how = "the energy of some requests is unknown, so theirs is too"
        return Evidence(figure=figure, basis="unknown", how=how)
    how = "the electricity of the requests alone, from the energy above"
    basis = _BASES.get(energy.uses.basis, "unknown")
    return Evidence(figure=figure, basis=basis, how=how)


def gaps(
    engine: Engine, overview: Overview, energy: EnergyView, *, complete: bool
) -> tuple[str, ...]:
    """What is missing from the month, in sentences; none where nothing is."""
    totals, period, read = overview.totals, overview.period, overview.energy
    found = list(coverage(energy.uses))
    told_s = read.covered_s + read.partial_s + read.unknown_s
    silent_s = (period.end_ms - period.start_ms) / 1000 - told_s
    if silent_s >= 60:
        found.append(f"For {lasting(silent_s)} no meter ran: no energy is known of that time.")
    if not complete:
        found.append("The month is not over: the figures are those up to now.")
    for number, words in (
        (totals.energy_unknown, "have no energy figure"),
        (totals.energy_partial, "have a lower bound of their energy only"),
        (totals.running, "were still running"),
        (totals.interrupted, "were interrupted, and count with what is known of them"),
    ):
        if number:
            found.append(f"{number:,} of {totals.requests:,} requests {words}.")
    with reading(engine) as connection:
        kept_from = horizons(connection).requests_from
    if kept_from is not None and kept_from > period.start_ms:
        found.append(
            f"Requests before {utc_text(kept_from)} were deleted as retention has it; what they "
            "added up to was kept."
        )
    return tuple(found)
