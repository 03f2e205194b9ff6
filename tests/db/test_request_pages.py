"""The request browser's pages, against a plain look through all rows."""

import random
import sqlite3
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import fields
from typing import Any

import pytest
from sqlalchemy import Engine, event

from db import keys, people
from db.connect import connect, writing
from db.ids import new_id
from db.ledger import Ledger
from db.request_pages import (
    EVERY,
    NO_TEAM,
    Which,
    keys_named,
    recent_requests,
    request_with_id,
    served,
)
from db.sample import write_large_sample
from db.usage_rebuild import split_hour
from tests.db.team import NOON, WAIT_S, Team, outcome, rows

HOUR = 3_600_000
DAY = 24 * HOUR
MODELS = ["common", "common", "common", "second", "rare"]


@pytest.fixture
def used(ledger: Ledger, team: Team) -> Ledger:
    """200 requests over six days: of three people, one without a team, by four keys, of three
    models on two engines, of every status but interrupted; several in the same millisecond."""
    chance = random.Random(7)
    grace = people.add_developer(ledger.engine, "Grace", "Data", actor="test").id
    alone = people.add_developer(ledger.engine, "Alone", actor="test").id
    owned: dict[int, list[int | None]] = {team.ada: [team.key, None], grace: [None], alone: []}
    for person, name in ((team.ada, "editor"), (grace, "editor"), (alone, "batch job")):
        owned[person].append(keys.create_key(ledger.engine, person, name, actor="test")[0].id)
    waiting: list[Future[Any]] = []
    for _ in range(200):
        who = chance.choice(list(owned))
        at = NOON + chance.choice([chance.randrange(6 * DAY), 3 * DAY, 5 * DAY + HOUR])
        new = team.request(
            at=at,
            developer_id=who,
            developer_name="Somebody",
            api_key_id=chance.choice(owned[who]),
            model=chance.choice(MODELS),
            engine=chance.choice(["breakeven", "upstream"]),
        )
        waiting.append(ledger.admit(new))
        status: Any = chance.choice(["ok", "ok", "ok", "error", "cancelled", None])
        if status is not None:
            waiting.append(ledger.finish(outcome(new.id, status, at + 500)))
    for future in waiting:
        future.result(WAIT_S)
    return ledger


def fits(it: dict[str, Any], which: Which) -> bool:
    """Whether a row is looked for, one condition after the other."""
    for field in fields(Which):
        asked = getattr(which, field.name)
        match field.name:
            case _ if asked is None:
                continue
            case "start_ms" if it["started_at"] < asked:
                return False
            case "end_ms" if it["started_at"] >= asked:
                return False
            case "api_key_ids" if it["api_key_id"] not in asked:
                return False
            case "team_id" if (it["team_id"] or NO_TEAM) != asked:
                return False
            case "developer_id" | "model" | "engine" | "status" if it[field.name] != asked:
                return False
    return True


def expected(ledger: Ledger, which: Which) -> list[int]:
    found = [it for it in rows(ledger.engine, "requests") if fits(it, which)]
    found.sort(key=lambda it: (it["started_at"], it["id"]), reverse=True)
    return [it["id"] for it in found]


def asked(ledger: Ledger) -> Iterator[Which]:
    """Every choice alone, and what chance puts together."""
    stored = rows(ledger.engine, "requests")
    choices: dict[str, list[Any]] = {
        name: sorted({it[name] for it in stored} - {None})
        for name in ("developer_id", "model", "engine", "status")
    }
    choices["team_id"] = sorted({it["team_id"] or NO_TEAM for it in stored})
    used = sorted({it["api_key_id"] for it in stored} - {None})
    choices["api_key_ids"] = [(key,) for key in used] + [tuple(used[:3]), (10**6,), ()]
    choices["start_ms"] = [NOON + DAY + 7, NOON + 5 * DAY]
    choices["end_ms"] = [NOON + 3 * DAY, NOON + 3 * DAY + 1, NOON + 9 * DAY]
    choices["model"].append("none")
    yield EVERY
    for name, values in choices.items():
        yield from (Which(**{name: value}) for value in values)
    chance = random.Random(5)
    for _ in range(20):
        names = chance.sample(list(choices), chance.randint(2, 4))
        yield Which(**{name: chance.choice(choices[name]) for name in names})


def pages(ledger: Ledger, which: Which, limit: int) -> list[int]:
    """All pages from the newest to the oldest."""
    seen: list[int] = []
    before: tuple[int, int] | None = None
    while len(page := recent_requests(ledger.engine, limit, before, which=which)):
        seen.extend(page["id"])
        before = int(page["started_at"].iloc[-1]), int(page["id"].iloc[-1])
    return seen


def pages_back(ledger: Ledger, which: Which, limit: int) -> list[int]:
    """All pages from the oldest to the newest."""
    seen: list[int] = []
    after = (0, 0)
    while len(page := recent_requests(ledger.engine, limit, after=after, which=which)):
        seen = [*page["id"], *seen]
        after = int(page["started_at"].iloc[0]), int(page["id"].iloc[0])
    return seen


def test_every_filter_finds_its_rows_page_by_page_newest_first(used: Ledger) -> None:
    for which in asked(used):
        assert pages(used, which, 23) == expected(used, which), which


def test_going_back_shows_the_same_pages_the_other_way_round(used: Ledger) -> None:
    for which in asked(used):
        assert pages_back(used, which, 23) == expected(used, which), which


def test_a_request_is_found_by_its_id(used: Ledger) -> None:
    (it, *_) = rows(used.engine, "requests")
    assert request_with_id(used.engine, it["id"])["started_at"].tolist() == [it["started_at"]]
    assert request_with_id(used.engine, new_id()).empty


def test_what_was_served_is_told_by_name(used: Ledger) -> None:
    found = served(used.engine)
    assert found.models == ("common", "rare", "second")
    assert found.engines == ("breakeven", "upstream")


def test_a_model_is_there_to_choose_while_its_first_request_runs(
    ledger: Ledger, team: Team
) -> None:
    team.admit(ledger, model="new")
    assert served(ledger.engine).models == ("new",)


def test_keys_are_found_by_a_part_of_their_name(used: Ledger) -> None:
    assert {key.name for key in keys_named(used.engine, "EDIT", 9)} == {"editor"}
    assert len(keys_named(used.engine, "edit", 1)) == 1
    assert keys_named(used.engine, "%", 9) == []


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    path = tmp_path_factory.mktemp("pages") / "sample.db"
    write_large_sample(f"sqlite:///{path}", 5_000, developers=20, days=40)
    return connect(f"sqlite:///{path}", read_only=True)


def test_no_filter_reads_the_whole_table_or_sorts_it(sample: Engine) -> None:
    """In the database's own words, of every statement behind pages with each combination."""
    statements: dict[str, Any] = {}

    @event.listens_for(sample, "before_cursor_execute")
    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements[statement] = parameters

    with sample.connect() as connection:
        middle = connection.exec_driver_sql(
            "SELECT started_at, id, developer_id, team_id, model, engine, api_key_id"
            " FROM requests WHERE api_key_id > 0 ORDER BY 1 LIMIT 1 OFFSET 2500"
        ).one()
    statements.clear()
    one = dict(zip(("developer_id", "team_id", "model", "engine"), middle[2:6], strict=True))
    start = middle[0] - 10 * DAY
    for number in range(2 ** len(one)):
        some = {
            name: value for place, (name, value) in enumerate(one.items()) if number >> place & 1
        }
        for status in (None, "ok", "error", "running"):
            for key in (None, (middle[6],)):
                which = Which(start, start + 30 * DAY, status=status, api_key_ids=key, **some)
                recent_requests(sample, 51, which=which)
                recent_requests(sample, 51, (middle[0], middle[1]), which=which)
                recent_requests(sample, 51, after=(middle[0], middle[1]), which=which)
    assert len(statements) > 50
    with sqlite3.connect(str(sample.url.database)) as database:
        for statement, parameters in statements.items():
            if "monthly_use" in statement:  # a row for a key and month, not for a request
                continue
            plan = database.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            for *_, step in plan:
                assert step.startswith("SEARCH"), (statement, step)
                assert "TEMP B-TREE" not in step


def test_an_hour_that_has_partly_outlived_its_retention_shows_each_row_once(
    ledger: Ledger, team: Team
) -> None:
    for minutes in (1, 16, 31, 46):
        request_id = team.admit(ledger, at=NOON + minutes * 60_000)
        ledger.finish(outcome(request_id, at=NOON + HOUR)).result(WAIT_S)
    with writing(ledger.engine) as connection:
        split_hour(connection, NOON)
    (model,) = {it["model"] for it in rows(ledger.engine, "requests")}
    assert pages(ledger, Which(model=model), 2) == expected(ledger, EVERY)
