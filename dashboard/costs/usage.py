"""What everybody used over a range, added up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from dashboard.costs.models import Segment, SharedBy, Usage
from dashboard.costs.self_hosted import electricity_of


@dataclass(frozen=True, slots=True)
class Used:
    """Usage added up. `energy_j` None: unknown of some of it; `marginal`, its electricity, is None
    then too."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    energy_j: float | None = 0.0
    marginal: Fraction | None = Fraction(0)

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


NOTHING = Used()


def by_stay(segments: Sequence[Segment]) -> dict[tuple[int, int], Used]:
    """By developer and the team that they were in when asking."""
    added: dict[tuple[int, int], Used] = {}
    for segment in segments:
        for usage in segment.usage:
            key = usage.developer_id, usage.team_id
            added[key] = sum_of((added.get(key, NOTHING), _used(usage, segment)))
    return added


def sum_of(parts: Iterable[Used]) -> Used:
    """Energy that is known only in part is not known."""
    parts = list(parts)
    joules = [one.energy_j for one in parts if one.energy_j is not None]
    marginal = [one.marginal for one in parts if one.marginal is not None]
    return Used(
        requests=sum(one.requests for one in parts),
        input_tokens=sum(one.input_tokens for one in parts),
        output_tokens=sum(one.output_tokens for one in parts),
        energy_j=sum(joules) if len(joules) == len(parts) else None,
        marginal=sum(marginal, Fraction(0)) if len(marginal) == len(parts) else None,
    )


def shared_by(used: Used) -> SharedBy:
    """How costs are shared: by energy where all of it is known, else by tokens."""
    if used.energy_j:
        return "energy"
    return "tokens" if used.tokens else "nobody"


def weight(basis: SharedBy, used: Used) -> Fraction:
    if basis == "nobody":
        return Fraction(0)
    return Fraction(used.energy_j or 0) if basis == "energy" else Fraction(used.tokens)


def _used(usage: Usage, segment: Segment) -> Used:
    joules = None if usage.energy_unknown else usage.energy_j
    return Used(
        requests=usage.requests,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        energy_j=joules,
        marginal=None if joules is None else electricity_of(joules, segment.prices),
    )
