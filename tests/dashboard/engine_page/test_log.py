"""The live log in words."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from dashboard.engine_page.log import SHOWN, lines
from engine.api.activity import Activity
from engine.api.events import (
    EngineState,
    Event,
    RequestBegun,
    RequestRefused,
    RequestStarted,
    UpstreamChanged,
)
from tests.dashboard.engine_page.told import ENDED

NOON = 1_767_268_800_000  # 2026-01-01 12:00 UTC


def told(*events: Event) -> list[tuple[str, str]]:
    activity = Activity(clock_ms=lambda: NOON)
    for event in events:
        activity.note(event)
    return [(line.kind, line.words) for line in lines(activity.recent(0).log, ZoneInfo("UTC"))]


def test_a_requests_life_is_told_newest_first() -> None:
    started = RequestStarted(7, 1, "Ada", "small", 1200, NOON)
    begun = RequestBegun(7, "Ada", "small", 10.0, 200.0)
    finished, begins, admitted = told(started, begun, ENDED)
    assert admitted[0] == "admitted"
    assert admitted[1].startswith("Ada: 1,200 prompt tokens, small, ")
    assert begins == ("begun", "Ada: first token after 200 ms, 10 ms of it in the queue")
    assert finished == (
        "finished",
        "Ada: 25 answer tokens, 32 of 40 prompt tokens from cache, in 1.2 s",
    )


def test_how_a_request_ended_is_its_kind() -> None:
    ends = {
        status: told(replace(ENDED, status=status))[0][0]
        for status in ("ok", "error", "cancelled", "interrupted")
    }
    assert ends == {
        "ok": "finished",
        "error": "failed",
        "cancelled": "cancelled",
        "interrupted": "interrupted",
    }
    crashed = replace(ENDED, status="error", error_type="worker_crashed")
    assert told(crashed)[0][1].startswith("Ada: worker_crashed, ")


def test_the_same_refusal_in_a_row_is_one_line_so_that_nobody_floods_the_log() -> None:
    stranger = RequestRefused(401, "invalid_api_key", "/v1/models", None, "curl")
    (line,) = told(*[stranger] * 1500)
    assert line == (
        "refused",
        "401 invalid_api_key at /v1/models (curl), 1,500 times in a row",
    )


def test_refusals_that_differ_in_the_name_of_the_tool_alone_are_one_line_too() -> None:
    strangers = [
        RequestRefused(401, "invalid_api_key", "/v1/models", None, f"tool {number % 2}")
        for number in range(600)
    ]
    assert told(*strangers) == [
        ("refused", "401 invalid_api_key at /v1/models, 600 times in a row")
    ]


def test_refusals_push_nothing_else_out_of_the_log() -> None:
    refused = [
        RequestRefused(401, "invalid_api_key", address, None, None)
        for address in ("/v1/models", "/v1/messages") * 300
    ]
    assert ("finished", *told(ENDED)[0][1:]) in told(ENDED, *refused)


def test_fetching_weights_is_one_line_and_an_upstream_says_what_is_wrong() -> None:
    fetching = [EngineState("fetching", "Being fetched.", part, 100) for part in (1, 50, 100)]
    away = UpstreamChanged("http://gpu:8000/v1", "It cannot be reached.")
    back = UpstreamChanged("http://gpu:8000/v1", None)
    assert told(*fetching, EngineState("ready"), away, back) == [
        ("upstream", "http://gpu:8000/v1: It answers."),
        ("upstream", "http://gpu:8000/v1: It cannot be reached."),
        ("engine", "The model is ready."),
        ("engine", "Being fetched."),
    ]


def test_the_newest_are_shown_in_the_readers_time() -> None:
    activity = Activity(clock_ms=lambda: NOON)
    for _ in range(SHOWN + 1):
        activity.note(ENDED)
    shown = lines(activity.recent(0).log, ZoneInfo("Asia/Kolkata"))
    assert [line.number for line in shown] == list(range(NOON + SHOWN, NOON, -1))
    assert shown[0].time == "17:30:00"


def test_no_line_of_a_process_is_numbered_like_one_of_the_process_before() -> None:
    before, after = Activity(clock_ms=lambda: NOON), Activity(clock_ms=lambda: NOON + 2_000)
    for activity in (before, after):
        for _ in range(SHOWN):
            activity.note(ENDED)
    old, new = ({entry.number for entry in one.recent(0).log} for one in (before, after))
    assert max(old) < min(new)
