"""What each team costs on both sides, adding up to the comparison's totals to the cent."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pandas as pd
from sqlalchemy import Engine

from dashboard.costs import money
from dashboard.costs.comparison import MARGINAL_DIGITS, UNUSED
from dashboard.costs.models import Comparison
from dashboard.costs.self_hosted import electricity_of
from dashboard.overview import Overview
from dashboard.reports.month.models import TeamRow
from dashboard.sides import prices_of
from db import queries
from db.memberships import team_of
from db.prices import prices_between

NO_TEAM = "No team"


def team_rows(engine: Engine, overview: Overview) -> tuple[TeamRow, ...]:
    """A row for each team that used something or whose developers hold seats, by name.

    Usage counts to the team that its developer was in then; a seat to the team that its holder is
    in when the range ends.
    """
    period, comparison = overview.period, overview.chosen
    used = _used(engine, period.start_ms, period.end_ms)
    seats = _seats(engine, comparison, period.end_ms - 1)
    names = sorted({*used, *seats}, key=lambda name: (name is None, (name or "").lower()))
    weights = [_weight(used.get(name), comparison.shared_by) for name in names]
    total = comparison.self_hosted_total
    shares = money.split(total, weights) if any(weights) else [Decimal(0)] * len(names)
    marginal = _marginal(engine, period.start_ms, period.end_ms)
    rows = [
        _row(
            NO_TEAM if name is None else name,
            used.get(name),
            share,
            marginal.get(name, Decimal(0)),
            seats.get(name, []),
        )
        for name, share in zip(names, shares, strict=True)
    ]
    if not any(weights) and total > 0:
        rows.append(_row(UNUSED, None, total, Decimal(0), []))
    return tuple(rows)


def _used(engine: Engine, start_ms: int, end_ms: int) -> dict[str | None, dict[Any, Any]]:
    """What each team used; None: developers in none."""
    rows = queries.by_team(engine, start_ms, end_ms).to_dict("records")
    return {None if pd.isna(row["team"]) else str(row["team"]): row for row in rows}


def _row(
    name: str, used: Any, share: Decimal, marginal: Decimal | None, seats: list[Decimal]
) -> TeamRow:
    return TeamRow(
        name=name,
        developers=max(len(seats), used["developers"] if used else 0),
        requests=used["requests"] if used else 0,
        input_tokens=used["input_tokens"] if used else 0,
        output_tokens=used["output_tokens"] if used else 0,
        energy_j=_energy(used),
        fully_loaded=share,
        marginal=marginal,
        seat=sum(seats, Decimal(0)),
    )


def _energy(used: Any) -> float | None:
    if used is None:
        return 0.0
    if used["energy_unknown"] or used["energy_partial"]:
        return None
    return 0.0 if pd.isna(used["energy_j"]) else float(used["energy_j"])


def _seats(engine: Engine, comparison: Comparison, at_ms: int) -> dict[str | None, list[Decimal]]:
    seats: dict[str | None, list[Decimal]] = {}
    for row in comparison.developers:
        if row.developer_id is not None and row.seat:
            team = team_of(engine, row.developer_id, at_ms)
            seats.setdefault(team, []).append(row.seat)
    return seats


def _weight(used: Any, shared_by: str) -> Fraction:
    if used is None or shared_by == "nobody":
        return Fraction(0)
    if shared_by == "energy":
        return Fraction(_energy(used) or 0)
    return Fraction(used["input_tokens"] + used["output_tokens"])


def _marginal(engine: Engine, start_ms: int, end_ms: int) -> dict[str | None, Decimal | None]:
    """The electricity of each team's requests, each at its own time's price; None: some of it is
    unknown."""
    sums: dict[str | None, Fraction | None] = {}
    for priced in prices_between(engine, start_ms, end_ms):
        prices = prices_of(priced.settings)
        for name, used in _used(engine, priced.start_ms, priced.end_ms).items():
            joules, before = _energy(used), sums.get(name, Fraction(0))
            if joules is None or before is None:
                sums[name] = None
            else:
                sums[name] = before + electricity_of(joules, prices)
    return {
        name: None if amount is None else money.rounded(amount, MARGINAL_DIGITS)
        for name, amount in sums.items()
    }
