"""Whose the idle part of the cost is, by each of the three rules, for developers and for teams."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.costs.comparison import compare
from dashboard.costs.models import (
    Comparison,
    Developer,
    Energy,
    IdleRule,
    Segment,
    TeamFrom,
    Usage,
)
from tests.dashboard.costs.figures import JANUARY, KWH, segment, team, used

START, END = JANUARY
RULES: tuple[IdleRule, ...] = get_args(IdleRule)
FORTY_PERCENT = Energy(total_j=10 * KWH, attributed_j=4 * KWH, covered_s=744 * 3600.0)
# Three quarters of the energy of requests are Ada's, a quarter Bob's; Cy has a seat alone.
USAGE = (used(1, 3 * KWH, 600), used(2, 1 * KWH, 9_400))


def shared(rule: IdleRule, energy: Energy | None = FORTY_PERCENT) -> dict[str, Decimal]:
    one = compare([segment(usage=USAGE, energy=energy)], team("ada", "bob", "cy"), idle=rule)
    return {row.name: row.fully_loaded for row in one.developers}


def team_name(team_id: int) -> str | None:
    return f"team {team_id}" if team_id else None


def of_team(person: int, team_id: int, energy_j: float | None, tokens: int = 100) -> Usage:
    in_team = {"team_id": team_id, "team": team_name(team_id)}
    return used(person, energy_j, tokens).model_copy(update=in_team)


def test_by_use_those_who_used_it_carry_the_idle_part_too() -> None:
    # 800.86 for January; 3/4 are 600.645 and 1/4 is 200.215.
    assert shared("by_use") == {
        "ada": Decimal("600.65"),
        "bob": Decimal("200.21"),
        "cy": Decimal("0.00"),
    }


def test_evenly_everybody_carries_an_equal_part_of_idling() -> None:
    # 60% of 800.86 over three: 160.172 each; of the other 320.344 Ada has 3/4 and Bob 1/4.
    assert shared("evenly") == {
        "ada": Decimal("400.43"),  # 160.172 + 240.258
        "bob": Decimal("240.26"),  # 160.172 + 80.086
        "cy": Decimal("160.17"),
    }


def test_as_overhead_idling_stands_in_a_row_of_its_own() -> None:
    assert shared("overhead") == {
        "ada": Decimal("240.26"),  # 3/4 of 320.34: 240.255
        "bob": Decimal("80.08"),  # 80.085: of equal remainders the earlier has the cent
        "cy": Decimal("0.00"),
        "Idle": Decimal("480.52"),  # 480.516
    }


def test_the_share_of_idling_is_told_in_part_and_in_money() -> None:
    one = compare([segment(usage=USAGE, energy=FORTY_PERCENT)], team("ada"), idle="overhead")
    assert one.idle_share == Decimal("0.600000")
    assert one.utilisation == Decimal("0.400000")
    assert one.idle_total == Decimal("480.52")
    assert any("60.0% of the cost" in sentence for sentence in one.assumptions)


@pytest.mark.parametrize(
    "energy", [None, Energy(total_j=None, covered_s=0), Energy(total_j=5.0, covered_s=9)]
)
def test_where_idling_is_unknown_all_is_shared_by_use_and_it_says_so(
    energy: Energy | None,
) -> None:
    one = compare([segment(usage=USAGE, energy=energy)], team("ada"), idle="overhead")
    assert one.idle_share is None
    assert one.idle_total is None
    assert shared("overhead", energy) == shared("evenly", energy) == shared("by_use", energy)
    assert any("is unknown, because no meter" in sentence for sentence in one.assumptions)


def test_where_nobody_used_anything_all_of_it_is_idle() -> None:
    people = team("ada", "bob")
    rows = {
        rule: {r.name: r.fully_loaded for r in compare([segment()], people, idle=rule).developers}
        for rule in RULES
    }
    nothing, whole = Decimal("0.00"), Decimal("800.86")
    assert rows["by_use"] == {"ada": nothing, "bob": nothing, "Unused": whole}
    assert rows["overhead"] == {"ada": nothing, "bob": nothing, "Idle": whole}
    assert rows["evenly"] == {"ada": Decimal("400.43"), "bob": Decimal("400.43")}


def test_requests_that_took_more_than_a_complete_reading_leave_nothing_idle() -> None:
    reading = Energy(total_j=2 * KWH, attributed_j=4 * KWH, covered_s=9.0)
    assert compare([segment(usage=USAGE, energy=reading)], [], idle="overhead").idle_share == 0


def test_each_row_tells_its_use_of_the_hardware_and_its_cost_a_million_tokens() -> None:
    one = compare([segment(usage=USAGE, energy=FORTY_PERCENT)], team("ada", "bob", "cy"))
    ada, bob, cy = one.developers
    assert (ada.utilisation, bob.utilisation, cy.utilisation) == (
        Decimal("0.3"),  # 3 of the 10 kWh that the meter read
        Decimal("0.1"),
        Decimal(0),
    )
    assert ada.cost_per_million_tokens == Decimal("1001083.33")  # 600.65 for 600 tokens
    assert ada.marginal_per_million_tokens == Decimal(900)  # 0.54 for 600 tokens
    assert cy.cost_per_million_tokens is None
    assert one.marginal_per_million_tokens == Decimal(72)  # 0.72 for 10,000 tokens


def test_somebody_who_changes_team_leaves_usage_and_seat_time_with_the_old_one() -> None:
    half = datetime(2026, 1, 16, 12, tzinfo=UTC)  # 15.5 of 31 days
    begun = datetime(1970, 1, 1, tzinfo=UTC)
    ada = Developer(
        id=1,
        name="ada",
        seat_from=begun,
        teams=(
            TeamFrom(team_id=7, team="team 7", since=begun),
            TeamFrom(team_id=8, team="team 8", since=half),
        ),
    )
    usage = (of_team(1, 7, 3 * KWH), of_team(1, 8, KWH))
    one = compare([segment(usage=usage)], [ada])
    assert [(r.name, r.fully_loaded, r.seat, r.developers) for r in one.teams] == [
        ("team 7", Decimal("600.65"), Decimal(100), 1),
        ("team 8", Decimal("200.21"), Decimal(100), 1),
    ]
    (row,) = one.developers
    assert (row.fully_loaded, row.seat, row.requests) == (one.self_hosted_total, Decimal(200), 2)


def test_a_team_carries_as_many_even_parts_as_it_has_people() -> None:
    people = [
        Developer(
            id=number,
            name=f"p{number}",
            seat_from=START,
            teams=(TeamFrom(team_id=team_id, team=team_name(team_id), since=START),),
        )
        for number, team_id in ((1, 7), (2, 7), (3, 8), (4, 0))
    ]
    usage = (of_team(1, 7, KWH),)
    nothing_served = Energy(total_j=10 * KWH, attributed_j=0.0, covered_s=9.0)
    one = compare([segment(usage=usage, energy=nothing_served)], people, idle="evenly")
    # All is idle: 800.86 over four people is 200.215 each; the first two carry the cents.
    assert [row.fully_loaded for row in one.developers] == [
        *[Decimal("200.22")] * 2,
        *[Decimal("200.21")] * 2,
    ]
    assert {row.name: row.fully_loaded for row in one.teams} == {
        "team 7": Decimal("400.44"),
        "team 8": Decimal("200.21"),
        "No team": Decimal("200.21"),
    }


_teams = st.integers(0, 3)
_usage = st.builds(
    of_team,
    st.integers(1, 9),
    _teams,
    st.one_of(st.none(), st.floats(0, 1e9)),
    st.integers(0, 10**9),
)


@st.composite
def _people(draw: st.DrawFn) -> list[Developer]:
    people = []
    for number in range(1, draw(st.integers(0, 9)) + 1):
        begins = START + draw(st.timedeltas(timedelta(-30), timedelta(40)))
        ends = draw(st.one_of(st.none(), st.timedeltas(timedelta(-1), timedelta(60))))
        moves = sorted(draw(st.lists(st.timedeltas(timedelta(-30), timedelta(40)), max_size=3)))
        places = tuple(
            TeamFrom(team_id=one, team=team_name(one), since=START + at)
            for at, one in ((at, draw(_teams)) for at in moves)
        )
        until = None if ends is None else begins + ends
        people.append(
            Developer(
                id=number, name=f"p{number}", seat_from=begins, seat_until=until, teams=places
            )
        )
    return people


@st.composite
def _segments(draw: st.DrawFn) -> list[Segment]:
    middle = START + draw(st.timedeltas(timedelta(0), timedelta(days=31)))
    cents = st.decimals(0, 10**5, places=2)
    segments = []
    for span in ((START, middle), (middle, END)):
        total = draw(st.one_of(st.none(), st.floats(0, 1e10)))
        part = draw(st.one_of(st.none(), st.floats(0, 1)))
        served = None if total is None or part is None else total * part
        energy = Energy(total_j=total, attributed_j=served, covered_s=60.0)
        segments.append(
            segment(
                span,
                usage=tuple(draw(st.lists(_usage, max_size=8))),
                energy=draw(st.sampled_from([energy, None])),
                hardware_price=draw(cents),
                operations_per_month=draw(cents),
                seat_price_per_month=draw(cents),
            )
        )
    return segments


def _shares(one: Comparison) -> Fraction:
    return sum((Fraction(row.fully_loaded) for row in one.developers), Fraction(0))


@given(_segments(), _people(), st.sampled_from(RULES))
def test_every_cent_is_some_developers_and_some_teams_under_every_rule(
    segments: list[Segment], people: list[Developer], rule: IdleRule
) -> None:
    one = compare(segments, people, idle=rule)
    assert one.self_hosted_total == one.depreciation + one.electricity + one.operations
    for rows in (one.developers, one.teams):
        assert sum(row.fully_loaded for row in rows) == one.self_hosted_total
        assert sum(row.seat for row in rows) == one.baseline_total
        assert all(row.fully_loaded >= 0 and row.seat >= 0 for row in rows)
        assert sum(row.requests for row in rows) == sum(
            usage.requests for piece in segments for usage in piece.usage
        )
    overhead = [r.fully_loaded for r in one.developers if r.developer_id is None]
    assert overhead == [r.fully_loaded for r in one.teams if r.team_id is None]


@settings(max_examples=50)
@given(_segments(), _people())
def test_the_rule_moves_idling_alone(segments: list[Segment], people: list[Developer]) -> None:
    by_use, evenly, overhead = (compare(segments, people, idle=rule) for rule in RULES)
    for other in (evenly, overhead):
        assert _shares(other) == _shares(by_use)
        assert [r.seat for r in other.developers if r.developer_id] == [
            r.seat for r in by_use.developers if r.developer_id
        ]
    if overhead.idle_total is not None:
        apart = [r.fully_loaded for r in overhead.developers if r.developer_id is None]
        assert sum(apart, Decimal(0)) == overhead.idle_total


@settings(max_examples=50)
@given(_segments(), _people())
def test_nobody_pays_more_when_idling_stands_apart(
    segments: list[Segment], people: list[Developer]
) -> None:
    by_use, overhead = (compare(segments, people, idle=rule) for rule in ("by_use", "overhead"))
    before = {row.developer_id: row.fully_loaded for row in by_use.developers}
    for row in overhead.developers:
        if row.developer_id is not None:
            assert row.fully_loaded <= before[row.developer_id] + Decimal("0.01")


@given(_segments(), st.integers(0, 9), st.sampled_from(RULES))
def test_a_teams_row_is_the_sum_of_its_developers_who_stay_in_it(
    segments: list[Segment], heads: int, rule: IdleRule
) -> None:
    """Person 1 is of team 1, 2 of team 2, 3 of none, 4 of team 1 and so on."""
    people = [
        Developer(
            id=number,
            name=f"p{number}",
            seat_from=START,
            teams=(TeamFrom(team_id=number % 3, team=team_name(number % 3), since=START),),
        )
        for number in range(1, heads + 1)
    ]
    settled = [
        piece.model_copy(
            update={
                "usage": tuple(
                    of_team(one.developer_id, one.developer_id % 3, one.energy_j, one.input_tokens)
                    for one in piece.usage
                )
            }
        )
        for piece in segments
    ]
    one = compare(settled, people, idle=rule)
    for row in one.teams:
        own = [
            developer
            for developer in one.developers
            if row.team_id == (developer.developer_id and developer.developer_id % 3)
        ]
        assert row.fully_loaded == sum(developer.fully_loaded for developer in own)
        assert row.seat == sum(developer.seat for developer in own)
        assert row.requests == sum(developer.requests for developer in own)
