"""How a team asks, from a ledger with few enough requests to count."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dashboard.arrivals import Pattern, pattern
from dashboard.costs.queueing.simulation import simulate
from dashboard.costs.queueing.speed import LinearSpeed
from db import queries
from db.ledger import Ledger
from tests.db.energy_rows import MINUTE, developer, request, write
from tests.db.team import NOON

HOUR = 60 * MINUTE
DAY = 24 * HOUR
INDIA, BERLIN = ZoneInfo("Asia/Kolkata"), ZoneInfo("Europe/Berlin")
THURSDAY = 3 * 24  # 2026-01-01 was one


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    ledger.open()
    yield ledger
    ledger.close()


def ms(*moment: int, zone: ZoneInfo) -> int:
    year, month, day = moment
    return int(datetime(year, month, day, tzinfo=zone).timestamp() * 1000)


def counted(found: Pattern) -> dict[int, int]:
    return {hour: count for hour, count in enumerate(found.counts) if count}


def test_requests_of_any_status_count_in_their_hour_of_the_local_week(ledger: Ledger) -> None:
    ada, grace = developer(ledger.engine, "Ada"), developer(ledger.engine, "Grace")
    write(
        ledger.engine,
        requests=[
            request(ada, NOON, input_tokens=100, cached_input_tokens=40, output_tokens=9),
            request(grace, NOON + 29 * MINUTE, status="error"),
            request(ada, NOON + 31 * MINUTE, status="cancelled", output_tokens=3),
            request(ada, NOON + 7 * DAY, input_tokens=50, output_tokens=5, counts_exact=False),
            request(ada, NOON + 4 * DAY, input_tokens=8),  # no answer
        ],
    )
    found = pattern(ledger.engine, INDIA, NOON - DAY, NOON + 8 * DAY)
    # Noon in UTC is 17:30 in India, so half an hour later is 18:00; four days later a Monday.
    assert counted(found) == {THURSDAY + 17: 3, THURSDAY + 18: 1, 17: 1}
    assert found.developers == 2
    assert found.tokens == ((50, 0, 5), (100, 40, 9))
    assert found.estimated == 1
    totals = queries.totals(ledger.engine, NOON - DAY, NOON + 8 * DAY)
    assert sum(found.counts) == totals.requests


def test_what_lies_outside_the_range_does_not_count(ledger: Ledger) -> None:
    ada = developer(ledger.engine, "Ada")
    write(
        ledger.engine,
        requests=[
            request(ada, NOON - 1, output_tokens=1),
            request(ada, NOON, output_tokens=2),
            request(ada, NOON + HOUR - 1, output_tokens=3),
            request(ada, NOON + HOUR, output_tokens=4),
        ],
    )
    found = pattern(ledger.engine, ZoneInfo("UTC"), NOON, NOON + HOUR)
    assert counted(found) == {THURSDAY + 12: 2}
    assert found.tokens == ((0, 0, 3), (0, 0, 2))
    assert found.weeks[THURSDAY + 12] == 1.0
    assert sum(found.weeks) == 1.0


@pytest.mark.parametrize(
    ("first", "seen"),
    [
        ((2026, 3, 23), 1.0),  # clocks skip 2:00 on Sunday 29 March
        ((2026, 10, 19), 3.0),  # and have it twice on Sunday 25 October
        ((2026, 6, 1), 2.0),
    ],
)
def test_an_hour_that_clocks_skip_or_repeat_is_seen_as_often_as_it_was(
    ledger: Ledger, first: tuple[int, int, int], seen: float
) -> None:
    start = ms(*first, zone=BERLIN)
    end = ms(first[0], first[1], first[2] + 7, zone=BERLIN) + 7 * DAY
    found = pattern(ledger.engine, BERLIN, start, end)
    assert found.weeks[6 * 24 + 2] == seen
    assert {weeks for hour, weeks in enumerate(found.weeks) if hour != 6 * 24 + 2} == {2.0}


def test_an_hour_of_which_a_part_was_seen_counts_in_part(ledger: Ledger) -> None:
    found = pattern(ledger.engine, ZoneInfo("UTC"), NOON, NOON + 7 * DAY + 20 * MINUTE)
    assert found.weeks[THURSDAY + 12] == pytest.approx(1 + 1 / 3)
    assert found.weeks[THURSDAY + 13] == 1.0


def test_a_team_twice_as_large_asks_twice_as_often(ledger: Ledger) -> None:
    ada, grace = developer(ledger.engine, "Ada"), developer(ledger.engine, "Grace")
    made = [
        request(person, NOON + week * 7 * DAY + n * 1_000, input_tokens=500, output_tokens=40)
        for person in (ada, grace)
        for week in range(2)
        for n in range(30)
    ]
    write(ledger.engine, requests=made)
    found = pattern(ledger.engine, ZoneInfo("UTC"), NOON, NOON + 14 * DAY).workload()
    assert found.busiest_hour() == THURSDAY + 12
    # 120 in that hour, over 2 weeks and 2 developers: 30 an hour each.
    assert found.busiest_per_s(2) == pytest.approx(60 / 3600)
    assert found.busiest_per_s(4) == pytest.approx(120 / 3600)


def test_a_ledgers_own_pattern_is_simulated(ledger: Ledger) -> None:
    ada = developer(ledger.engine, "Ada")
    made = [
        request(ada, NOON + n * 30_000, input_tokens=1_000, output_tokens=41) for n in range(100)
    ]
    write(ledger.engine, requests=made)
    workload = pattern(ledger.engine, ZoneInfo("UTC"), NOON, NOON + 7 * DAY).workload()
    speed = LinearSpeed(
        prefill_tokens_per_s=1_000, step_base_s=0.05, step_per_sequence_s=0, most_at_once=4
    )
    found = simulate(speed, workload, 1, first_hour=THURSDAY + 12, hours=1, replications=3)
    # A prompt of a second and 40 steps of 50 ms, at 100 to 120 an hour: mostly alone.
    assert found.ttft_s.p50.mean == pytest.approx(1.0, abs=0.05)
    assert found.duration_s.p50.mean == pytest.approx(3.0, abs=0.1)


def test_a_ledger_that_tells_too_little_says_so(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="No request was answered"):
        pattern(ledger.engine, INDIA, NOON, NOON + 7 * DAY).workload()
    ada = developer(ledger.engine, "Ada")
    write(ledger.engine, requests=[request(ada, output_tokens=1)])
    with pytest.raises(ValueError, match="at least a whole week"):
        pattern(ledger.engine, INDIA, NOON, NOON + 2 * DAY).workload()
