"""The rows of a comparison: what is shared, among whom, to the cent.

It is shared among developers by their time in each team, and only then added up, by developer and
by team: so the tables agree with each other, not only with the total.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from dashboard.costs import money
from dashboard.costs.idle import overhead, overhead_name, weights
from dashboard.costs.models import NO_TEAM, DeveloperCost, IdleRule, SharedBy, StayCost, TeamCost
from dashboard.costs.teams import Stay
from dashboard.costs.usage import NOTHING, Used, sum_of, weight

MARGINAL_DIGITS = 9  # a request's electricity is far below a cent


@dataclass(frozen=True, slots=True)
class Shared:
    """What is shared and by which rules. `metered_j` is what the meters read; None: nothing."""

    total: Decimal
    baseline: Decimal
    basis: SharedBy
    rule: IdleRule
    idle: Fraction | None
    metered_j: Fraction | None


@dataclass(frozen=True, slots=True)
class Row:
    """What somebody or some team used and carries. `seat` is what theirs cost."""

    used: Used
    fully_loaded: Decimal
    seat: Decimal


@dataclass(frozen=True, slots=True)
class Shares:
    """What each stay carries, in the order of `stays`, and what nobody does."""

    shared: Shared
    stays: Sequence[Stay]
    rows: Sequence[Row]
    apart: Decimal


def share_out(shared: Shared, stays: Sequence[Stay]) -> Shares:
    """Divide both sides' costs to the cent."""
    use = [weight(shared.basis, stay.used) for stay in stays]
    heads = [stay.heads for stay in stays]
    apart = overhead(shared.total, use, len(heads), shared.idle, shared.rule)
    amounts = _split(shared.total - apart, weights(use, heads, shared.idle, shared.rule))
    seats = _split(shared.baseline, [stay.seat for stay in stays])
    rows = [
        Row(stay.used, amount, seat)
        for stay, amount, seat in zip(stays, amounts, seats, strict=True)
    ]
    return Shares(shared, stays, rows, apart)


def developer_rows(shares: Shares) -> tuple[DeveloperCost, ...]:
    """A row for everybody who holds a seat or used something, and one for what nobody carries."""
    names = {stay.developer_id: stay.developer for stay in shares.stays}
    rows = _added_up(shares, [stay.developer_id for stay in shares.stays])
    return (
        *[
            DeveloperCost(developer_id=person, **_fields(names[person], row, shares.shared))
            for person, row in rows.items()
        ],
        *[DeveloperCost(developer_id=None, **fields) for fields in _nobodys(shares)],
    )


def team_rows(shares: Shares) -> tuple[TeamCost, ...]:
    """The same for everybody's teams, by name; those in none come first. A team's row is the sum
    of what its developers carry for their time in it."""
    names = {stay.team_id: stay.team for stay in shares.stays}
    people = Counter(stay.team_id for stay in shares.stays)
    rows = _added_up(shares, [stay.team_id for stay in shares.stays])
    by_name = sorted(rows, key=lambda team: (team != NO_TEAM, names[team].lower(), team))
    return (
        *[
            TeamCost(
                team_id=team,
                developers=people[team],
                **_fields(names[team], rows[team], shares.shared),
            )
            for team in by_name
        ],
        *[TeamCost(team_id=None, developers=0, **fields) for fields in _nobodys(shares)],
    )


def stay_rows(shares: Shares) -> tuple[StayCost, ...]:
    """Each developer's time in each team, in the order of `stays`."""
    return tuple(
        StayCost(
            developer_id=stay.developer_id,
            team_id=stay.team_id,
            **_fields(stay.developer, row, shares.shared),
        )
        for stay, row in zip(shares.stays, shares.rows, strict=True)
    )


def per_million(amount: Decimal | None, tokens: int, digits: int = 2) -> Decimal | None:
    """What a million tokens cost when so many cost `amount`; None without any."""
    if amount is None or not tokens:
        return None
    return money.rounded(Fraction(amount) * 10**6 / tokens, digits)


def _added_up(shares: Shares, keys: Sequence[int]) -> dict[int, Row]:
    """The stays' rows by key, in the order in which the keys come first."""
    found: dict[int, list[Row]] = {}
    for key, row in zip(keys, shares.rows, strict=True):
        found.setdefault(key, []).append(row)
    return {
        key: Row(
            sum_of(row.used for row in rows),
            sum((row.fully_loaded for row in rows), Decimal(0)),
            sum((row.seat for row in rows), Decimal(0)),
        )
        for key, rows in found.items()
    }


def _nobodys(shares: Shares) -> list[dict[str, Any]]:
    """The fields of the row that nobody carries, where there is one."""
    if shares.apart <= 0:
        return []
    row = Row(NOTHING, shares.apart, Decimal(0))
    return [_fields(overhead_name(shares.shared.rule), row, shares.shared)]


def _split(total: Decimal, by: Sequence[Fraction]) -> list[Decimal]:
    return money.split(total, by) if any(by) else [Decimal(0)] * len(by)


def _fields(name: str, row: Row, shared: Shared) -> dict[str, Any]:
    used = row.used
    marginal = None if used.marginal is None else money.rounded(used.marginal, MARGINAL_DIGITS)
    share = None
    if shared.metered_j and used.energy_j is not None:
        share = money.rounded(Fraction(used.energy_j) / shared.metered_j, 6)
    return {
        "name": name,
        "requests": used.requests,
        "input_tokens": used.input_tokens,
        "output_tokens": used.output_tokens,
        "energy_j": used.energy_j,
        "fully_loaded": row.fully_loaded,
        "marginal": marginal,
        "seat": row.seat,
        "cost_per_million_tokens": per_million(row.fully_loaded, used.tokens),
        "marginal_per_million_tokens": per_million(marginal, used.tokens, 6),
        "utilisation": share,
    }
