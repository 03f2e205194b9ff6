"""What everybody used over a range, added up by developer or by team."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from dashboard.costs.models import Segment, SharedBy, Usage
from dashboard.costs.self_hosted import electricity_of


@dataclass(frozen=True, slots=True)
class Used:
    """Usage added up. `energy_j` None: unknown of some of it; `marginal`, its electricity, is None
    then too. `name` is that of the last usage."""

    name: str
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    energy_j: float | None = 0.0
    marginal: Fraction | None = Fraction(0)

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


def by_developer(segments: Sequence[Segment]) -> dict[int, Used]:
    return _added(segments, lambda usage: (usage.developer_id, usage.name))


def by_team(segments: Sequence[Segment]) -> dict[int, Used]:
    return _added(segments, lambda usage: (usage.team_id, usage.team or ""))


def shared_by(used: Mapping[int, Used]) -> SharedBy:
    """How costs are shared: by energy where all of it is known, else by tokens."""
    if all(one.energy_j is not None for one in used.values()) and any(
        one.energy_j for one in used.values()
    ):
        return "energy"
    return "tokens" if any(one.tokens for one in used.values()) else "nobody"


def weight(basis: SharedBy, used: Used | None) -> Fraction:
    if used is None or basis == "nobody":
        return Fraction(0)
    return Fraction(used.energy_j or 0) if basis == "energy" else Fraction(used.tokens)


def marginal_of(used: Mapping[int, Used]) -> Fraction | None:
    """The electricity of everybody's requests; None where some is unknown."""
    total = Fraction(0)
    for one in used.values():
        if one.marginal is None:
            return None
        total += one.marginal
    return total


def _added(segments: Sequence[Segment], key: Callable[[Usage], tuple[int, str]]) -> dict[int, Used]:
    added: dict[int, Used] = {}
    for segment in segments:
        for usage in segment.usage:
            number, name = key(usage)
            added[number] = _sum(added.get(number), usage, name, segment)
    return added


def _sum(so_far: Used | None, usage: Usage, name: str, segment: Segment) -> Used:
    before = so_far or Used(name)
    # Energy that is known only in part is not known.
    known = usage.energy_j is not None and not usage.energy_unknown
    joules = usage.energy_j if known else None
    both = before.energy_j is not None and joules is not None
    spent = electricity_of(joules, segment.prices) if joules is not None else None
    return Used(
        name=name,
        requests=before.requests + usage.requests,
        input_tokens=before.input_tokens + usage.input_tokens,
        output_tokens=before.output_tokens + usage.output_tokens,
        energy_j=(before.energy_j or 0.0) + (joules or 0.0) if both else None,
        marginal=None if before.marginal is None or spent is None else before.marginal + spent,
    )
