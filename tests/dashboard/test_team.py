"""Who is active on which days, whose seats are idle and what each costs: against the requests
themselves and against the Overview."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from sqlalchemy import Engine, text

from dashboard import adoption_charts, overview, team
from dashboard.costs.models import Developer, TeamFrom
from dashboard.overview import View
from dashboard.periods import Period
from dashboard.team import TeamUse, heaviest, held_seats
from db import people
from db.connect import connect
from db.sample import write_large_sample
from engine.api.service import Service
from tests.dashboard.conftest import open_page

# The clocks of Berlin are changed on 29 March.
UNTIL = int(datetime(2026, 3, 31, 20, 40, tzinfo=UTC).timestamp() * 1000)
BERLIN, KOLKATA = "Europe/Berlin", "Asia/Kolkata"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Forty days of thirty developers in three teams, of whom some use little."""
    url = f"sqlite:///{tmp_path_factory.mktemp('team') / 'sample.db'}"
    write_large_sample(url, 600, developers=30, days=40, until_ms=UNTIL)
    engine = connect(url, read_only=True)
    yield engine
    engine.dispose()


def compute(engine: Engine, span: str, zone: str = BERLIN, team_id: int | None = None) -> TeamUse:
    return team.compute(engine, View("own", span, zone), team_id, UNTIL)


def requests_of(use: TeamUse, engine: Engine) -> list[tuple[int, int, int]]:
    """When each request of the range was made, by whom, and in which team (0: none)."""
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT started_at, developer_id, coalesce(team_id, 0) FROM requests"
                " WHERE started_at >= :start AND started_at < :end"
            ),
            {"start": use.period.start_ms, "end": use.period.end_ms},
        )
        return [tuple(row) for row in rows]


def counted(pairs: set[tuple[date, int]]) -> dict[date, int]:
    found: dict[date, int] = defaultdict(int)
    for day, _ in pairs:
        found[day] += 1
    return dict(found)


def told(frame: pd.DataFrame) -> dict[date, int]:
    """The days on which anybody was active."""
    active = frame[frame["active"] > 0]
    return dict(zip(active["begins"].dt.date, active["active"], strict=True))


def local_day(at_ms: int, zone: str) -> date:
    return datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone)).date()


def week_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def test_the_active_of_a_month_are_counted_by_the_readers_own_days_and_weeks(
    sample: Engine,
) -> None:
    use = compute(sample, "month")
    pairs = {(local_day(at, BERLIN), who) for at, who, _ in requests_of(use, sample)}
    assert told(use.by_day) == counted(pairs)
    assert told(use.by_week) == counted({(week_of(day), who) for day, who in pairs})
    assert list(use.by_day["begins"].dt.date) == [date(2026, 3, day) for day in range(1, 32)]
    assert "Europe/Berlin" in use.days.words


def test_the_active_of_a_longer_range_are_counted_by_days_of_utc(sample: Engine) -> None:
    use = compute(sample, "all")
    pairs = {(local_day(at, "UTC"), who) for at, who, _ in requests_of(use, sample)}
    assert told(use.by_day) == counted(pairs)
    assert told(use.by_week) == counted({(week_of(day), who) for day, who in pairs})
    assert use.days.words.startswith("Days and weeks are those of UTC")


def test_an_hour_that_begins_before_midnight_counts_to_that_day_in_india(sample: Engine) -> None:
    use = compute(sample, "month", KOLKATA)
    pairs = set()
    for at, who, _ in requests_of(use, sample):
        begins = max(at - at % 3_600_000, use.period.start_ms)
        pairs.add((local_day(begins, KOLKATA), who))
    assert told(use.by_day) == counted(pairs)
    assert "An hour of UTC counts to the day in which it begins" in use.days.words


def test_one_teams_active_are_those_who_asked_while_in_it(sample: Engine) -> None:
    everybody = compute(sample, "month")
    asked_in = {team_id for _, _, team_id in requests_of(everybody, sample)}
    for team_id in asked_in:
        use = compute(sample, "month", team_id=team_id)
        rows = [row for row in requests_of(use, sample) if row[2] == team_id]
        assert told(use.by_day) == counted({(local_day(at, BERLIN), who) for at, who, _ in rows})
        assert {member.developer_id for member in use.active} == {who for _, who, _ in rows}
        assert sum(member.requests for member in use.members) == len(rows)


@pytest.mark.parametrize("span", ["hour", "month", "all"])
def test_the_costs_and_the_seats_are_those_of_the_overview(sample: Engine, span: str) -> None:
    use = compute(sample, span)
    chosen = overview.compute(sample, View("own", span, BERLIN), UNTIL).chosen
    assert use.comparison == chosen
    costs = {row.developer_id: row for row in chosen.developers}
    for member in use.members:
        row = costs[member.developer_id]
        assert (member.fully_loaded, member.marginal, member.seat) == (
            row.fully_loaded, row.marginal, row.seat,
        )  # fmt: skip
        assert (member.requests, member.tokens) == (
            row.requests, row.input_tokens + row.output_tokens,
        )  # fmt: skip
    assert len(use.seated) == chosen.seats


def test_a_teams_developers_add_up_to_its_row_of_the_overview(sample: Engine) -> None:
    chosen = compute(sample, "all").comparison
    for row in chosen.teams:
        assert row.team_id is not None
        members = compute(sample, "all", team_id=row.team_id).members
        costs = [member.fully_loaded for member in members if member.fully_loaded is not None]
        seats = [member.seat for member in members if member.seat is not None]
        assert sum(costs, Decimal(0)) == row.fully_loaded
        assert sum(seats, Decimal(0)) == row.seat
        assert sum(member.requests for member in members) == row.requests
        assert len(members) == row.developers


def test_idle_seats_are_those_of_developers_without_a_request(sample: Engine) -> None:
    use = compute(sample, "today")
    asked = {who for _, who, _ in requests_of(use, sample)}
    everybody = {person.id for person in people.list_developers(sample)}
    assert asked
    assert asked != everybody
    assert {member.developer_id for member in use.idle} == everybody - asked
    with sample.connect() as connection:
        last: dict[int, int] = dict(
            connection.execute(
                text("SELECT developer_id, max(started_at) FROM requests GROUP BY 1")
            ).all()
        )
    assert {member.developer_id: member.last_ms for member in use.idle} == {
        who: last.get(who) for who in everybody - asked
    }


def test_the_heaviest_tenth_are_told_with_their_part_of_the_tokens(sample: Engine) -> None:
    use = compute(sample, "all")
    with sample.connect() as connection:
        tokens = (
            connection.execute(
                text(
                    "SELECT sum(input_tokens + output_tokens) FROM requests"
                    " GROUP BY developer_id ORDER BY 1 DESC"
                )
            )
            .scalars()
            .all()
        )
    most = -(-len(tokens) // 10)
    found = heaviest(use)
    assert found is not None
    assert found[0] == most
    assert found[1] == pytest.approx(sum(tokens[:most]) / sum(tokens))


def day(number: int) -> datetime:
    return datetime(2026, 5, number, tzinfo=UTC)


def person(number: int, begins: int, until: int | None, *places: tuple[int, int]) -> Developer:
    return Developer(
        id=number,
        name=f"Developer {number}",
        seat_from=day(begins),
        seat_until=None if until is None else day(until),
        teams=tuple(
            TeamFrom(team_id=team_id, team=f"Team {team_id}", since=day(since))
            for team_id, since in places
        ),
    )


def test_a_seat_is_held_in_each_team_that_its_developer_was_in_within_the_range() -> None:
    held = held_seats(
        [
            person(1, 1, None),  # in no team
            person(2, 1, None, (7, 1)),
            person(3, 1, None, (7, 1), (8, 12)),  # moved within the range
            person(4, 1, None, (7, 1), (8, 5)),  # and before it
            person(5, 1, 10, (7, 1)),  # left as it begins
            person(6, 20, None, (7, 1)),  # comes as it ends
        ],
        Period(int(day(10).timestamp() * 1000), int(day(20).timestamp() * 1000), 1, "in May"),
    )
    assert held == {(1, 0), (2, 7), (3, 7), (3, 8), (4, 8)}


def test_titles_say_the_finding() -> None:
    days = pd.DataFrame({"begins": pd.to_datetime(["2026-11-02", "2026-11-03"]), "active": [2, 5]})
    by_day = adoption_charts.active_by_day(days, 8, "UTC")
    assert by_day.title == "5 of 8 developers were active on the busiest day, 3 November 2026"
    seats = pd.DataFrame({"team": ["Search", "Web"], "used": [4, 3], "idle": [0, 1]})
    used = adoption_charts.seats_used(seats, 7, 8, "in November")
    assert used.title == "7 of 8 seats were used in November"
    tokens = pd.DataFrame(
        {
            "developer": ["Ada", "Grace"],
            "requests": [1, 1],
            "input_tokens": [50, 31],
            "cached_input_tokens": [20, 0],
            "output_tokens": [9, 10],
        }
    )
    shares = adoption_charts.token_shares(tokens, "all", "in November")
    assert shares.title == "Ada used 59% of all tokens in November"


def test_a_ledger_without_developers_says_how_to_add_them(product: Service) -> None:
    page = open_page("team")
    assert any("There is no developer yet" in box.value for box in page.info)
    assert {"Settings", "Connect a tool"} <= {button.label for button in page.button}


def test_a_developer_who_never_asked_is_an_idle_seat(product: Service) -> None:
    people.add_developer(product.database, "Grace", "Search", actor="test")
    page = open_page("team", team="Search")
    assert next(m for m in page.metric if m.label == "Seats used").value == "0 of 1"
    idle = next(frame.value for frame in page.dataframe if "Developer" in frame.value)
    assert idle["Developer"].tolist() == ["Grace"]
    assert "never" in idle.iloc[0].tolist()


def test_a_team_that_is_not_there_is_said_and_all_are_shown(product: Service) -> None:
    people.add_developer(product.database, "Grace", "Search", actor="test")
    page = open_page("team", team="Nobody's")
    assert any("There is no team named" in box.value for box in page.warning)
    assert page.selectbox(key="team").value == "Every team"
