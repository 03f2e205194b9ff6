from datetime import datetime
from pathlib import Path

import pytest

from db import people
from db.check import check
from db.connect import connect
from db.errors import InvalidInput
from db.ids import now_ms
from db.ledger import Ledger
from db.queries import (
    by_developer,
    energy_between,
    first_activity,
    is_sample,
    timeline,
    totals,
)
from db.sample import write_sample
from tests.db.team import Team, on_sqlite, rows

UNTIL = 1_780_000_000_000


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> str:
    sample = f"sqlite:///{tmp_path_factory.mktemp('sample') / 'sample.db'}"
    write_sample(sample, until_ms=UNTIL)
    return sample


def test_the_sample_keeps_every_rule_of_a_real_ledger(sample: str) -> None:
    assert check(connect(sample, read_only=True)).violations == []


def test_the_sample_says_that_it_is_one(sample: str) -> None:
    assert is_sample(connect(sample, read_only=True))


def test_the_sample_is_a_team_of_eight_over_ninety_days_up_to_now(sample: str) -> None:
    engine = connect(sample, read_only=True)
    found = by_developer(engine, 0, UNTIL)
    assert len(found) == 8
    assert found["team"].nunique() == 3
    assert found["requests"].max() > 10 * found["requests"].min()  # heavy and light users
    day = 86_400_000
    activity = first_activity(engine)
    assert activity is not None
    assert UNTIL - 91 * day < activity.first_ms < UNTIL - 88 * day
    assert totals(engine, 0, UNTIL) == totals(engine, 0, UNTIL + 10 * day)


def test_the_sample_works_by_day_and_rests_on_weekends(sample: str) -> None:
    hours = timeline(connect(sample, read_only=True), 0, UNTIL, 3_600_000)
    local = [datetime.fromtimestamp(ms / 1000) for ms in hours["bucket_ms"]]
    weekend = hours["requests"][[at.weekday() >= 5 for at in local]].sum()
    night = hours["requests"][[at.hour < 6 for at in local]].sum()
    assert 0 < weekend < 0.05 * hours["requests"].sum()
    assert night == 0


def test_the_sample_has_failures_and_energy_that_is_not_known(sample: str) -> None:
    engine = connect(sample, read_only=True)
    found = totals(engine, 0, UNTIL)
    assert found.running == 0
    assert 0 < found.errors < 0.05 * found.requests
    assert 0 < found.cancelled < 0.05 * found.requests
    assert found.energy_unknown > 0
    assert energy_between(engine, 0, UNTIL).unknown_s == 3 * 3_600


def test_the_same_seed_gives_the_same_rows_and_another_seed_others(
    sample: str, tmp_path: Path
) -> None:
    first = totals(connect(sample, read_only=True), 0, UNTIL)
    other = f"sqlite:///{tmp_path / 'sample.db'}"
    write_sample(other, until_ms=UNTIL)
    assert totals(connect(other), 0, UNTIL) == first
    write_sample(other, until_ms=UNTIL, seed=8)
    assert totals(connect(other), 0, UNTIL) != first


@on_sqlite
def test_a_real_ledger_is_never_overwritten(ledger: Ledger, team: Team) -> None:
    with pytest.raises(InvalidInput, match="not a sample database"):
        write_sample(f"sqlite:///{ledger.path}", until_ms=now_ms())
    assert [it["name"] for it in rows(ledger.engine, "developers")] == ["Ada"]
    assert people.find_developer(ledger.engine, "Ada") is not None
