"""What of the cost was idle, and the three ways of sharing it that OpenCost has.

Idle is the part of the hardware's cost in which it served no request: metered energy less that of
requests, as a part of the metered. Where nobody used anything all of it is idle; where the meter
read nothing it is unknown, and then all is shared by use.

- `by_use`: whoever used more carries more of the idle part too ("weighted").
- `evenly`: everybody who held a seat or used something carries an equal part of it.
- `overhead`: it stands in a row of its own, and nobody carries it.

Source: github.com/opencost/opencost, allocation.go (ShareWeighted, ShareEven, ShareNone and the
`__idle__` allocation), read in November 2026.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from dashboard.costs import money
from dashboard.costs.models import IdleRule, Segment

UNUSED = "Unused"
IDLE = "Idle"


def served_share(segments: Sequence[Segment]) -> Fraction | None:
    """The part of the metered energy that served requests; None where that is unknown."""
    energies = [segment.energy for segment in segments if segment.energy]
    read = [(e.total_j, e.attributed_j) for e in energies if e.total_j is not None]
    total = sum(total for total, _ in read)
    if total <= 0 or any(attributed is None for _, attributed in read):
        return None
    return Fraction(sum(attributed or 0.0 for _, attributed in read)) / Fraction(total)


def idle_share(segments: Sequence[Segment], *, used: bool) -> Fraction | None:
    """The part of the cost that was idle, from 0 to 1; None: unknown.

    A device that was missing for a time is in the requests' energy but not in the total, so that
    they can exceed it: then nothing was idle that we know of.
    """
    if not used:
        return Fraction(1)
    served = served_share(segments)
    return None if served is None else max(Fraction(0), 1 - served)


def overhead(
    total: Decimal, use: Sequence[Fraction], heads: int, idle: Fraction | None, rule: IdleRule
) -> Decimal:
    """What of `total` nobody carries, in cents."""
    if not any(use):
        return Decimal(0) if rule == "evenly" and heads else total
    return money.cents(Fraction(total) * idle) if rule == "overhead" and idle else Decimal(0)


def weights(
    use: Sequence[Fraction], heads: Sequence[Fraction], idle: Fraction | None, rule: IdleRule
) -> list[Fraction]:
    """How the rest is shared. `use` says how much each used, in any unit, and `heads` how many
    people each stands for."""
    used, people = sum(use, Fraction(0)), sum(heads, Fraction(0))
    if rule != "evenly" or idle is None:
        return list(use)
    if not used:
        return list(heads)
    return [
        (1 - idle) * one / used + idle * head / people for one, head in zip(use, heads, strict=True)
    ]


def overhead_name(rule: IdleRule) -> str:
    """What the overhead row is called: where it is not asked for, it holds what nobody used."""
    return IDLE if rule == "overhead" else UNUSED
