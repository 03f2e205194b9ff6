"""Who was in which team when, and what the seat cost in that time.

A developer who changes team leaves seat time and usage behind with the old one.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from fractions import Fraction

from dashboard.costs.models import NO_TEAM, Developer, Segment, TeamFrom
from dashboard.costs.seats import NOT_HELD, Held, PricedMonths, held_by
from dashboard.costs.usage import NOTHING, Used, by_stay

NO_TEAM_NAME = "No team"


@dataclass(frozen=True, slots=True)
class Stay:
    """One developer's part in one team, in a range: what costs are shared among.

    `seat` is what the seat cost in the `months` for which it was held then. Somebody who was in
    two teams counts half a head in each.
    """

    developer_id: int
    developer: str
    team_id: int
    team: str
    used: Used
    seat: Fraction
    months: Fraction
    heads: Fraction


def stays(
    segments: Sequence[Segment],
    developers: Sequence[Developer],
    stretches: Sequence[PricedMonths],
    zone: tzinfo,
) -> list[Stay]:
    """Everybody who held a seat or used something, in each of their teams; by name."""
    teams: dict[int, str] = {}
    people: dict[int, str] = {}
    seats: dict[tuple[int, int], Held] = {}
    for developer in developers:
        for team, stay in _stays(developer):
            held = held_by(stay, stretches, zone)
            if held.months > 0:
                people[developer.id] = developer.name
                teams[team.team_id] = team.team or NO_TEAM_NAME
                key = developer.id, team.team_id
                seats[key] = seats.get(key, NOT_HELD) + held
    for usage in (usage for segment in segments for usage in segment.usage):
        people.setdefault(usage.developer_id, usage.name)
        teams[usage.team_id] = usage.team or NO_TEAM_NAME
    used = by_stay(segments)
    pairs = sorted(seats.keys() | used, key=lambda pair: (people[pair[0]].lower(), pair))
    teams_of = Counter(person for person, _ in pairs)
    return [
        Stay(
            developer_id=person,
            developer=people[person],
            team_id=team,
            team=teams[team],
            used=used.get((person, team), NOTHING),
            seat=held.amount,
            months=held.months,
            heads=Fraction(1, teams_of[person]),
        )
        for person, team in pairs
        for held in [seats.get((person, team), NOT_HELD)]
    ]


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
