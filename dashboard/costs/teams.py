"""Who was in which team when: seats and heads by team.

A developer who changes team leaves seat time and usage behind with the old one.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from fractions import Fraction

from dashboard.costs.models import NO_TEAM, Developer, Segment, TeamFrom
from dashboard.costs.seats import PricedMonths, held_by

NO_TEAM_NAME = "No team"


@dataclass(frozen=True, slots=True)
class TeamShares:
    """By team id: its name, what its seats cost, how many people were in it at some time, and for
    how many heads it stands: somebody who was in two counts half in each."""

    names: Mapping[int, str]
    seats: Mapping[int, Fraction]
    people: Mapping[int, int]
    heads: Mapping[int, Fraction]


def team_shares(
    segments: Sequence[Segment],
    developers: Sequence[Developer],
    stretches: Sequence[PricedMonths],
    zone: tzinfo,
) -> TeamShares:
    names: dict[int, str] = {}
    seats: dict[int, Fraction] = defaultdict(Fraction)
    teams_of: dict[int, set[int]] = defaultdict(set)
    for developer in developers:
        for team, stay in _stays(developer):
            held = held_by(stay, stretches, zone)
            if held.months > 0:
                names[team.team_id] = team.team or NO_TEAM_NAME
                seats[team.team_id] += held.amount
                teams_of[developer.id].add(team.team_id)
    for usage in (usage for segment in segments for usage in segment.usage):
        names[usage.team_id] = usage.team or NO_TEAM_NAME
        teams_of[usage.developer_id].add(usage.team_id)
    people: dict[int, int] = defaultdict(int)
    heads: dict[int, Fraction] = defaultdict(Fraction)
    for teams in teams_of.values():
        for team_id in teams:
            people[team_id] += 1
            heads[team_id] += Fraction(1, len(teams))
    return TeamShares(names, seats, people, heads)


def _stays(developer: Developer) -> Iterator[tuple[TeamFrom, Developer]]:
    """The developer's time in each team, as somebody who held a seat for that time only."""
    line = [TeamFrom(team_id=NO_TEAM, team=None, since=developer.seat_from), *developer.teams]
    ends: list[datetime | None] = [*(team.since for team in line[1:]), None]
    for team, leaves in zip(line, ends, strict=True):
        begins = max(team.since, developer.seat_from)
        known = [end for end in (leaves, developer.seat_until) if end is not None]
        until = min(known, default=None)
        if until is None or until > begins:
            stay = developer.model_copy(update={"seat_from": begins, "seat_until": until})
            yield team, stay
