"""The rows of a comparison: what is shared, among whom, to the cent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from dashboard.costs import money
from dashboard.costs.idle import overhead, overhead_name, weights
from dashboard.costs.models import Developer, DeveloperCost, IdleRule, SharedBy, TeamCost
from dashboard.costs.teams import TeamShares
from dashboard.costs.usage import Used, weight

MARGINAL_DIGITS = 9  # a request's electricity is far below a cent
NOTHING = Used("")


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
class Account:
    """One of those who share the costs: a developer or a team."""

    id: int
    name: str
    used: Used
    heads: Fraction
    seat: Fraction


def developer_rows(
    shared: Shared,
    used: Mapping[int, Used],
    seats: Mapping[int, Fraction],
    developers: Sequence[Developer],
) -> tuple[DeveloperCost, ...]:
    """A row for everybody who holds a seat or used something, and one for what nobody carries."""
    names = {person: one.name for person, one in used.items()}
    names |= {person.id: person.name for person in developers if person.id in seats}
    accounts = _by_name(
        Account(person, name, used.get(person, NOTHING), Fraction(1), seats.get(person, _NIL))
        for person, name in names.items()
    )
    fields, overhead = _cost_fields(shared, accounts)
    rows = [
        DeveloperCost(developer_id=account.id, **row)
        for account, row in zip(accounts, fields, strict=True)
    ]
    return (*rows, *(DeveloperCost(developer_id=None, **row) for row in overhead))


def team_rows(shared: Shared, used: Mapping[int, Used], teams: TeamShares) -> tuple[TeamCost, ...]:
    """The same for everybody's teams; those in none come first."""
    accounts = _by_name(
        Account(
            team,
            name if team else "",
            used.get(team, NOTHING),
            teams.heads[team],
            teams.seats.get(team, _NIL),
        )
        for team, name in teams.names.items()
    )
    fields, overhead = _cost_fields(shared, accounts)
    rows = [
        TeamCost(
            team_id=account.id,
            developers=teams.people[account.id],
            **(row | {"name": teams.names[account.id]}),
        )
        for account, row in zip(accounts, fields, strict=True)
    ]
    return (*rows, *(TeamCost(team_id=None, developers=0, **row) for row in overhead))


def per_million(amount: Decimal | None, tokens: int, digits: int = 2) -> Decimal | None:
    """What a million tokens cost when so many cost `amount`; None without any."""
    if amount is None or not tokens:
        return None
    return money.rounded(Fraction(amount) * 10**6 / tokens, digits)


_NIL = Fraction(0)


def _by_name(accounts: Iterable[Account]) -> list[Account]:
    return sorted(accounts, key=lambda account: (account.name.lower(), account.id))


def _cost_fields(
    shared: Shared, accounts: Sequence[Account]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The fields of each account's row, and of the overhead row where there is one."""
    use = [weight(shared.basis, account.used) for account in accounts]
    heads = [account.heads for account in accounts]
    apart = overhead(shared.total, use, len(heads), shared.idle, shared.rule)
    amounts = _split(shared.total - apart, weights(use, heads, shared.idle, shared.rule))
    seats = _split(shared.baseline, [account.seat for account in accounts])
    rows = [
        _fields(account, amount, seat, shared)
        for account, amount, seat in zip(accounts, amounts, seats, strict=True)
    ]
    nobody = Account(0, overhead_name(shared.rule), NOTHING, _NIL, _NIL)
    return rows, [_fields(nobody, apart, Decimal(0), shared)] if apart > 0 else []


def _split(total: Decimal, by: Sequence[Fraction]) -> list[Decimal]:
    return money.split(total, by) if any(by) else [Decimal(0)] * len(by)


def _fields(account: Account, amount: Decimal, seat: Decimal, shared: Shared) -> dict[str, Any]:
    used = account.used
    marginal = None if used.marginal is None else money.rounded(used.marginal, MARGINAL_DIGITS)
    share = None
    if shared.metered_j and used.energy_j is not None:
        share = money.rounded(Fraction(used.energy_j) / shared.metered_j, 6)
    return {
        "name": account.name,
        "requests": used.requests,
        "input_tokens": used.input_tokens,
        "output_tokens": used.output_tokens,
        "energy_j": used.energy_j,
        "fully_loaded": amount,
        "marginal": marginal,
        "seat": seat,
        "cost_per_million_tokens": per_million(amount, used.tokens),
        "marginal_per_million_tokens": per_million(marginal, used.tokens, 6),
        "utilisation": share,
    }
