"""Who of a team uses what is hosted here, what that costs beside their seats, and who does not.

A request belongs to the team that its developer was in when asking. The costs are those of the
Overview, for the same range and rule.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import Engine

from dashboard.costs.comparison import compare
from dashboard.costs.models import NO_TEAM, Comparison, Developer, DeveloperCost
from dashboard.days import Days, days_of, weeks_of
from dashboard.labels import WITHOUT_TEAM, labels
from dashboard.overview import View, first_moment
from dashboard.periods import Period, period
from dashboard.sides import developers_of, moment, require_one_currency, segments_of
from db import adoption_queries, queries
from db.uses import EVERY_USE, Uses

HEAVY_PART = 10  # one in so many developers, those who used most, are told apart


@dataclass(frozen=True, slots=True)
class Member:
    """One developer's part in the range, in the chosen team or in all.

    `seated`: they held a seat at some time in it. `idle`: and asked nothing, of whatever model and
    engine; the counts are of the view's. Costs are None where there are none to tell: the
    hardware was not in service, or the energy is unknown. `last_ms`: their latest request that is
    still kept, whenever that was.
    """

    developer_id: int
    name: str
    seated: bool
    idle: bool
    seat_from: datetime | None
    requests: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    fully_loaded: Decimal | None
    marginal: Decimal | None
    seat: Decimal | None
    last_ms: int | None

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class TeamUse:
    """A range of one team's, or of all (`team_id` None). Who used what is of the view's model and
    engine; costs, seats and whether these were used of all.

    `by_day` and `by_week` have a row for each day and week of the range, with how many developers
    were active in it: columns begins, active. `seats_by_team`: team, used, idle.
    """

    view: View
    team_id: int | None
    period: Period
    days: Days
    comparison: Comparison
    members: tuple[Member, ...]
    by_day: pd.DataFrame
    by_week: pd.DataFrame
    seats_by_team: pd.DataFrame

    @property
    def seated(self) -> list[Member]:
        return [member for member in self.members if member.seated]

    @property
    def idle(self) -> list[Member]:
        """Those whose seat nobody used."""
        return [member for member in self.members if member.idle]

    @property
    def active(self) -> list[Member]:
        """Who asked something, those who used most first."""
        used = [member for member in self.members if member.requests]
        return sorted(used, key=lambda member: (-member.tokens, member.name.lower()))


def compute(engine: Engine, view: View, team_id: int | None, now_ms: int) -> TeamUse:
    """The figures at `now_ms` (UTC epoch milliseconds), of the team with this id (0: of those in no
    team). InvalidInput: the range has prices in two currencies."""
    zone = ZoneInfo(view.timezone)
    chosen = period(view.span, zone, now_ms, first_moment(engine, zone, now_ms))
    developers = developers_of(engine, zone)
    usage = every_usage = queries.by_developer_and_team(engine, chosen.start_ms, chosen.end_ms)
    if view.uses != EVERY_USE:
        usage = queries.by_developer_and_team(engine, chosen.start_ms, chosen.end_ms, view.uses)
    comparison = comparison_of(engine, view, chosen, developers)
    days = days_of(chosen, zone)
    by_day, by_week = _active(engine, days, replace(view.uses, team_id=team_id))
    seats = held_seats(developers, chosen)
    busy = set(_in_team(every_usage, team_id)["developer_id"])
    return TeamUse(
        view=view,
        team_id=team_id,
        period=chosen,
        days=days,
        comparison=comparison,
        members=_members(
            developers,
            _in_team(usage, team_id),
            {developer for developer, team in seats if team_id in (None, team)},
            busy,
            _costs(comparison, team_id),
            adoption_queries.last_requests(engine),
        ),
        by_day=by_day,
        by_week=by_week,
        seats_by_team=_seats_by_team(developers, seats, every_usage, team_id),
    )


def _in_team(usage: pd.DataFrame, team_id: int | None) -> pd.DataFrame:
    return usage if team_id is None else usage[usage["team_id"] == team_id]


def comparison_of(
    engine: Engine, view: View, chosen: Period, developers: Sequence[Developer]
) -> Comparison:
    """Both sides' costs, as the Overview has them. InvalidInput: prices in two currencies."""
    segments, zone = segments_of(engine, chosen.start_ms, chosen.end_ms), ZoneInfo(view.timezone)
    require_one_currency(segments, zone)
    return compare(segments, developers, zone, view.idle)


def held_seats(developers: Iterable[Developer], chosen: Period) -> set[tuple[int, int]]:
    """Who held a seat in the range, in which team: ids of developers and teams (0: none)."""
    start, end = moment(chosen.start_ms), moment(chosen.end_ms)
    held = set()
    for developer in developers:
        places = [(NO_TEAM, developer.seat_from), *((t.team_id, t.since) for t in developer.teams)]
        ends = [since for _, since in places[1:]]
        for (team_id, since), leaves in zip(places, [*ends, end], strict=True):
            begins = max(since, developer.seat_from, start)
            until = min(leaves, developer.seat_until or end, end)
            if begins < until:
                held.add((developer.id, team_id))
    return held


def heaviest(use: TeamUse) -> tuple[int, float] | None:
    """How many the heaviest tenth of the active developers are, at least one, and the part of all
    tokens that they used; None without any."""
    active = use.active
    total = sum(member.tokens for member in active)
    if not total:
        return None
    most = -(-len(active) // HEAVY_PART)
    return most, sum(member.tokens for member in active[:most]) / total


def _active(engine: Engine, days: Days, uses: Uses) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How many developers were active on each day and in each week (from Monday on)."""
    found = adoption_queries.active_developers(engine, days.begins(), days.end_ms, uses)
    found["day"] = days.of(found["at_ms"])
    found = found.drop_duplicates(["day", "developer_id"])
    found["week"] = weeks_of(found["day"])
    all_days = days.all()
    all_weeks = weeks_of(pd.Series(all_days)).unique()
    return (
        _counted(found.groupby("day")["developer_id"].nunique(), all_days),
        _counted(found.groupby("week")["developer_id"].nunique(), pd.DatetimeIndex(all_weeks)),
    )


def _counted(active: "pd.Series[int]", begins: pd.DatetimeIndex) -> pd.DataFrame:
    counts = active.reindex(begins, fill_value=0).to_numpy()
    return pd.DataFrame({"begins": begins, "active": counts})


def _costs(comparison: Comparison, team_id: int | None) -> dict[int, DeveloperCost]:
    """Each developer's costs, or their part for the time in one team."""
    if team_id is None:
        rows: Iterable[DeveloperCost] = comparison.developers
    else:
        rows = (stay for stay in comparison.stays if stay.team_id == team_id)
    return {row.developer_id: row for row in rows if row.developer_id is not None}


def _members(
    developers: Sequence[Developer],
    usage: pd.DataFrame,
    seated: set[int],
    busy: set[int],
    costs: dict[int, DeveloperCost],
    last: dict[int, int],
) -> tuple[Member, ...]:
    counts = ["requests", "input_tokens", "cached_input_tokens", "output_tokens"]
    used = usage.groupby("developer_id")[counts].sum().to_dict("index")
    nothing = dict.fromkeys(counts, 0)
    found = []
    for developer in developers:
        cost = costs.get(developer.id)
        if developer.id not in seated and developer.id not in used:
            continue
        figures = used.get(developer.id, nothing)
        found.append(
            Member(
                developer_id=developer.id,
                name=developer.name,
                seated=developer.id in seated,
                idle=developer.id in seated - busy,
                seat_from=developer.seat_from,
                **{name: int(figures[name]) for name in counts},
                fully_loaded=None if cost is None else cost.fully_loaded,
                marginal=None if cost is None else cost.marginal,
                seat=None if cost is None else cost.seat,
                last_ms=last.get(developer.id),
            )
        )
    return tuple(found)


def _seats_by_team(
    developers: Sequence[Developer],
    seats: set[tuple[int, int]],
    usage: pd.DataFrame,
    team_id: int | None,
) -> pd.DataFrame:
    """Seats held in each team, by whether their developers asked something while in it."""
    named = {place.team_id: place.team or "" for person in developers for place in person.teams}
    named.pop(NO_TEAM, None)
    found = labels(((name, team) for team, name in named.items()), [WITHOUT_TEAM])
    names = {team: name for name, team in found.items()} | {NO_TEAM: WITHOUT_TEAM}
    asked = set(zip(usage["developer_id"], usage["team_id"], strict=True))
    rows: dict[int, dict[str, int]] = {}
    for pair in sorted(seats):
        if team_id in (None, pair[1]):
            row = rows.setdefault(pair[1], {"used": 0, "idle": 0})
            row["used" if pair in asked else "idle"] += 1
    frame = pd.DataFrame(
        [{"team": names[team], **row} for team, row in rows.items()],
        columns=["team", "used", "idle"],
    )
    return frame.sort_values("team", key=lambda column: column.str.lower(), ignore_index=True)
