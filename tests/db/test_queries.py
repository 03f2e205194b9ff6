"""Totals are computed here once more, in plain Python over the rows that were written."""

import random
from collections import defaultdict
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from db import people, queries
from db.ledger import Ledger
from db.request_pages import Which, recent_requests
from tests.db.team import NOON, WAIT_S, Team, outcome, rows, window

HOUR = 3_600_000
DAY = 24 * HOUR
TOKENS = ("input_tokens", "cached_input_tokens", "output_tokens")


@pytest.fixture
def used(ledger: Ledger, team: Team) -> Ledger:
    """300 requests of three developers over five days, of every status and kind of energy."""
    chance = random.Random(4)
    names = {team.ada: "Ada"}
    for name in ("Grace", "Edsger"):
        names[people.add_developer(ledger.engine, name, "Data", actor="test").id] = name
    waiting: list[Future[Any]] = []
    for _ in range(300):
        at = NOON + chance.randrange(5 * DAY)
        who = chance.choice(list(names))
        new = team.request(at=at, developer_id=who, developer_name=names[who], api_key_id=None,
                           input_tokens=chance.randrange(10, 900))  # fmt: skip
        waiting.append(ledger.admit(new))
        kind = chance.random()
        if kind < 0.6:
            share = chance.uniform(0.1, 90)
            waiting.append(ledger.record_energy(window({new.id: share}, 30.0, at)))
        if kind < 0.2 or 0.6 < kind < 0.8:
            waiting.append(ledger.record_energy(window({new.id: None}, None, at + 2_000)))
        status: Any = chance.choice(["ok", "ok", "ok", "error", "cancelled", None])
        if status is not None:
            exact = chance.random() < 0.9
            waiting.append(
                ledger.finish(
                    outcome(new.id, status, at + 500, output_tokens=chance.randrange(400),
                            cached_input_tokens=chance.randrange(9), counts_exact=exact)
                )
            )  # fmt: skip
    for future in waiting:
        future.result(WAIT_S)
    return ledger


def _inside(ledger: Ledger, start: int, end: int) -> list[dict[str, Any]]:
    return [it for it in rows(ledger.engine, "requests") if start <= it["started_at"] < end]


RANGES = [(NOON, NOON + 5 * DAY), (NOON + DAY, NOON + 2 * DAY), (NOON + 7, NOON + HOUR), (0, NOON)]


@pytest.mark.parametrize(("start", "end"), RANGES)
def test_totals_are_the_sums_of_the_rows(used: Ledger, start: int, end: int) -> None:
    inside = _inside(used, start, end)
    found = queries.totals(used.engine, start, end)
    assert found.requests == len(inside)
    by_status = {
        "running": found.running,
        "ok": found.ok,
        "error": found.errors,
        "cancelled": found.cancelled,
        "interrupted": found.interrupted,
    }
    for status, count in by_status.items():
        assert count == len([it for it in inside if it["status"] == status])
    for name in TOKENS:
        assert getattr(found, name) == sum(it[name] for it in inside)
    known = [it["energy_j"] for it in inside if it["energy_j"] is not None]
    assert found.energy_j == pytest.approx(sum(known))
    unknown = [it for it in inside if it["energy_j"] is None and it["status"] != "running"]
    assert found.energy_unknown == len(unknown)
    assert found.energy_partial == len([it for it in inside if it["energy_basis"] == "partial"])
    assert found.estimated_counts == len([it for it in inside if not it["counts_exact"]])
    assert found.developers == len({it["developer_id"] for it in inside})


@pytest.mark.parametrize(("start", "end"), RANGES)
def test_developers_add_up_to_the_totals(used: Ledger, start: int, end: int) -> None:
    expected: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for it in _inside(used, start, end):
        mine = expected[it["developer_name"]]
        mine["requests"] += 1
        mine["energy_j"] += it["energy_j"] or 0.0
        for name in TOKENS:
            mine[name] += it[name]
    found = queries.by_developer(used.engine, start, end)
    assert list(found["developer"]) == sorted(expected)
    for shown in found.to_dict("records"):
        for name, value in expected[shown["developer"]].items():
            assert shown[name] == pytest.approx(value), name
    everything = queries.totals(used.engine, start, end)
    for name in ("requests", "ok", "errors", "cancelled", "running", "energy_unknown", *TOKENS):
        assert found[name].sum() == getattr(everything, name), name


def test_somebody_who_changed_team_has_a_row_for_each(used: Ledger) -> None:
    grace = people.find_developer(used.engine, "Grace")
    assert grace is not None
    moved = NOON + 2 * DAY
    people.set_team(used.engine, grace.id, "Platform", actor="test", valid_from=moved)
    found = queries.by_developer_and_team(used.engine, NOON, NOON + 5 * DAY)
    assert list(zip(found["developer"], found["team"], strict=True)) == [
        ("Ada", "Platform"),
        ("Edsger", "Data"),
        ("Grace", "Platform"),
        ("Grace", "Data"),
    ]
    hers = found[found["developer"] == "Grace"].set_index("team")["requests"]
    for team, start, end in (("Data", NOON, moved), ("Platform", moved, NOON + 5 * DAY)):
        asked = [it for it in _inside(used, start, end) if it["developer_name"] == "Grace"]
        assert hers[team] == len(asked)


@pytest.mark.parametrize("bucket", [HOUR, 6 * HOUR, DAY, 7_777_777, 30_000, HOUR // 4])
@pytest.mark.parametrize("start", [NOON + 1_234, NOON + HOUR, NOON + HOUR // 2])
def test_the_timeline_puts_every_request_into_its_bucket(
    used: Ledger, start: int, bucket: int
) -> None:
    end = NOON + 4 * DAY + 5
    expected: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for it in _inside(used, start, end):
        number = (it["started_at"] - start) // bucket
        expected[start + number * bucket].append(it)
    found = queries.timeline(used.engine, start, end, bucket)
    assert list(found["bucket_ms"]) == sorted(expected)
    for shown in found.to_dict("records"):
        inside = expected[shown["bucket_ms"]]
        assert shown["requests"] == len(inside)
        for name in TOKENS:
            assert shown[name] == sum(one[name] for one in inside)
        known = [one["energy_j"] for one in inside if one["energy_j"] is not None]
        if known:
            assert shown["energy_j"] == pytest.approx(sum(known))
        else:
            assert pd.isna(shown["energy_j"])


def test_one_developers_part_is_theirs_alone(used: Ledger, team: Team) -> None:
    start, end = NOON, NOON + 5 * DAY
    mine = [it for it in _inside(used, start, end) if it["developer_id"] == team.ada]
    assert queries.totals(used.engine, start, end, team.ada).requests == len(mine)
    page = recent_requests(used.engine, 1_000, which=Which(developer_id=team.ada))
    assert set(page["id"]) == {it["id"] for it in mine}


def test_energy_between_is_the_sum_of_the_minutes(used: Ledger) -> None:
    start, end = NOON + DAY, NOON + 3 * DAY
    inside = [it for it in rows(used.engine, "energy_intervals") if start <= it["minute_at"] < end]
    read = [it for it in inside if it["total_j"] is not None]
    found = queries.energy_between(used.engine, start, end)
    assert found.total_j == pytest.approx(sum(it["total_j"] for it in read))
    assert found.idle_j == pytest.approx(sum(it["idle_j"] for it in read))
    assert found.attributed_j == pytest.approx(sum(it["attributed_j"] for it in read))
    assert found.covered_s == sum(it["duration_ms"] for it in read) / 1000
    assert found.unknown_s == (sum(it["duration_ms"] for it in inside)) / 1000 - found.covered_s
    assert sum(found.by_basis.values()) == pytest.approx(found.total_j)
    line = queries.energy_timeline(used.engine, start, end, 6 * HOUR)
    assert line["total_j"].sum() == pytest.approx(found.total_j)
    assert line["covered_s"].sum() == found.covered_s


def test_a_minute_is_covered_when_no_machine_and_no_device_is_missing(ledger: Ledger) -> None:
    told = [
        ("here", "measured", 10.0, 0), ("gpu-1", "measured", 300.0, 0),  # both
        ("here", "measured", 10.0, 1), ("gpu-1", "unknown", None, 1),  # one is silent
        ("here", "partial", 4.0, 2),  # a device is missing
        ("here", "estimated", 9.0, 3),
    ]  # fmt: skip
    for machine, basis, joules, minute in told:
        record = replace(
            window({}, joules, at=NOON + minute * 60_000, basis=basis),  # type: ignore[arg-type]
            machine=machine,
        )
        ledger.record_energy(record).result(WAIT_S)
    found = queries.energy_between(ledger.engine, NOON, NOON + HOUR)
    assert found.total_j == 333.0
    assert found.complete_j == 329.0
    assert (found.covered_s, found.partial_s, found.unknown_s) == (2.0, 1.0, 1.0)
    assert found.by_basis == {"measured": 320.0, "partial": 4.0, "estimated": 9.0}
    assert found.uncertainty_j is None  # these windows did not tell it


def test_intervals_add_up_without_averaging_out(ledger: Ledger) -> None:
    for second in range(4):
        record = replace(window({}, 10.0, at=NOON + second * 1_000), uncertainty_j=1.0)
        ledger.record_energy(record).result(WAIT_S)
    assert queries.energy_between(ledger.engine, NOON, NOON + HOUR).uncertainty_j == 4.0


def test_the_minute_in_which_a_range_begins_counts(ledger: Ledger) -> None:
    ledger.record_energy(window({}, 50.0, at=NOON + 10_000)).result(WAIT_S)
    assert queries.energy_between(ledger.engine, NOON + 30_000, NOON + HOUR).total_j == 50.0
    assert queries.energy_between(ledger.engine, NOON + 60_000, NOON + HOUR).total_j is None


def test_every_request_is_on_one_page_of_the_browser_newest_first(used: Ledger) -> None:
    seen: list[int] = []
    before: tuple[int, int] | None = None
    while len(page := recent_requests(used.engine, 37, before)):
        seen.extend(page["id"])
        before = int(page["started_at"].iloc[-1]), int(page["id"].iloc[-1])
    newest_first = sorted(
        ((it["started_at"], it["id"]) for it in rows(used.engine, "requests")), reverse=True
    )
    assert seen == [request_id for _, request_id in newest_first]


def test_the_browser_shows_rows_as_they_are_stored(used: Ledger) -> None:
    stored = {it["id"]: it for it in rows(used.engine, "requests")}
    for shown in recent_requests(used.engine, 300).to_dict("records"):
        for name, value in stored[shown["id"]].items():
            assert pd.isna(shown[name]) if value is None else shown[name] == value, name


def test_the_browser_filters_by_status(used: Ledger) -> None:
    page = recent_requests(used.engine, 300, which=Which(status="error"))
    assert len(page)
    assert set(page["status"]) == {"error"}


def test_an_empty_ledger_answers_every_query(ledger: Ledger) -> None:
    nothing = queries.totals(ledger.engine, 0, NOON)
    assert (nothing.requests, nothing.input_tokens, nothing.energy_j) == (0, 0, 0.0)
    assert queries.by_developer(ledger.engine, 0, NOON).empty
    assert queries.timeline(ledger.engine, 0, NOON, DAY).empty
    assert queries.energy_timeline(ledger.engine, 0, NOON, DAY).empty
    assert recent_requests(ledger.engine, 10).empty
    assert queries.energy_between(ledger.engine, 0, NOON).total_j is None
    assert queries.first_activity(ledger.engine) is None
    assert not queries.is_sample(ledger.engine)


def test_energy_of_no_request_known_is_unknown_not_nought(ledger: Ledger, team: Team) -> None:
    ledger.finish(outcome(team.admit(ledger))).result(WAIT_S)
    found = queries.totals(ledger.engine, NOON, NOON + DAY)
    assert (found.energy_j, found.energy_unknown) == (None, 1)


def test_first_and_last_activity_are_the_first_and_last_requests(used: Ledger) -> None:
    times = [it["started_at"] for it in rows(used.engine, "requests")]
    assert queries.first_activity(used.engine) == queries.Activity(min(times), max(times))


def test_a_renamed_developer_is_shown_under_the_present_name(ledger: Ledger, team: Team) -> None:
    team.admit(ledger)
    people.rename_developer(ledger.engine, team.ada, "Countess", actor="test")
    assert list(queries.by_developer(ledger.engine, NOON, NOON + 1)["developer"]) == ["Countess"]
