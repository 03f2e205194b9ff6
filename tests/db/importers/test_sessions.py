"""Logs of several sessions as the tools leave them on a disk, with totals counted by hand.

The shapes are those of Claude Code 2.1 and Codex CLI 0.140 as ccusage's issues and openai/codex's
own show them: an answer of several lines, sub-agents, a session that is gone on with in a new file,
errors, events that come again, a last line that was cut off.
"""

import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, update

from db.connect import writing
from db.importers import Report, files_at, run, usual_logs
from db.schema import ImportedUsage
from tests.db.importers.rows import import_texts, reasons, rows, tokens
from tests.db.importers.test_properties import Ledgers, ledgers  # noqa: F401 (a fixture)

SESSIONS = Path(__file__).parent / "sessions"


@pytest.fixture(autouse=True)
def a_disk_with_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(SESSIONS / "claude"))
    monkeypatch.setenv("CODEX_HOME", str(SESSIONS / "codex"))


def import_logs(engine: Engine, kind: str, **options: Any) -> Report:
    return run(engine, usual_logs()[kind], actor="test", **options)


def test_each_answer_of_all_sessions_counts_once(engine: Engine) -> None:
    report = import_logs(engine, "claude-code")
    found = {(row["model"], *tokens(row)) for row in rows(engine)}
    opus, haiku = "claude-opus-4-6", "claude-haiku-4-5-20251001"
    assert found == {
        (opus, 4 + 18240 + 11902, 11902, 18240, 312),  # in three lines, and copied
        (opus, 6 + 1455 + 30142, 30142, 1455, 845),
        (haiku, 2100, 0, 0, 96),  # a sub-agent in the session's file
        (opus, 3 + 9000 + 4000, 4000, 9000, 150),  # two of a sub-agent's own file
        (opus, 5 + 700 + 13000, 13000, 700, 77),
        (opus, 7 + 2222 + 31597, 31597, 2222, 1024),  # of the session that went on
        (opus, 8 + 100 + 33000, 33000, 100, 55),  # whose text is no UTF-8
    }
    assert report.added == len(rows(engine)) == 7
    assert report.output_tokens == 312 + 845 + 96 + 150 + 77 + 1024 + 55
    assert {row["basis"] for row in rows(engine)} == {"lower bound"}
    assert reasons(report) == {
        "an error message, not an answer": 1,
        "made by Claude Code itself, not by a model": 1,
        "not valid JSON": 1,  # the line that was cut off
        "not a format that can be imported": 1,  # the empty file
    }


@pytest.mark.parametrize("kind", ["claude-code", "codex"])
def test_a_second_import_of_all_sessions_adds_nothing(engine: Engine, kind: str) -> None:
    first = import_logs(engine, kind)
    before = rows(engine)
    second = import_logs(engine, kind)
    assert (second.added, second.updated, second.unchanged) == (0, 0, first.added)
    assert rows(engine) == before
    assert import_logs(engine, kind, dry_run=True).added == 0


@pytest.mark.parametrize("kind", ["claude-code", "codex"])
def test_files_one_by_one_in_any_order_add_up_to_the_same(engine: Engine, kind: str) -> None:
    files = usual_logs()[kind]
    for file in reversed(files):
        run(engine, [file], actor="test")
    one_by_one = {tokens(row) for row in rows(engine)}
    report = import_logs(engine, kind)
    assert (report.added, report.updated) == (0, 0)
    assert len(rows(engine)) == len(one_by_one) + (kind == "codex")  # two sessions begin alike


def test_codexs_answers_add_up_to_what_its_sessions_say_in_total(engine: Engine) -> None:
    """The oracle is the log's own running total at the end of each session."""
    report = import_logs(engine, "codex")
    ends = []
    for file in (SESSIONS / "codex" / "sessions").rglob("*.jsonl"):
        whole_lines = [line for line in file.read_text().splitlines() if line.endswith("}")]
        told = [json.loads(line) for line in whole_lines if "total_token_usage" in line]
        ends.append(told[-1]["payload"]["info"]["total_token_usage"])
    assert sorted(end["input_tokens"] for end in ends) == [36280, 65000]
    assert report.added == len(rows(engine)) == 4 + 2
    for mine, theirs in (
        ("input_tokens", "input_tokens"),
        ("cached_input_tokens", "cached_input_tokens"),
        ("output_tokens", "output_tokens"),
    ):
        assert sum(row[mine] for row in rows(engine)) == sum(end[theirs] for end in ends)
    assert [row["model"] for row in rows(engine)] == ["gpt-5-codex"] * 2 + ["gpt-5.5"] * 4
    assert reasons(report) == {"not valid JSON": 1}


def test_a_folder_with_all_of_a_home_in_it_is_read(engine: Engine) -> None:
    report = run(engine, files_at(SESSIONS), actor="test")
    assert report.files == {"claude-code": 3, "codex": 3}
    assert report.added == 7 + 6


def answer(request: str | None, output: int, name: str = "msg_1", **changes: Any) -> str:
    event = {"type": "assistant", "sessionId": "s", "timestamp": "2026-03-01T00:00:00Z"}
    usage = {"input_tokens": 10, "output_tokens": output}
    message = {"id": name, "model": "claude-opus-4-6", "usage": usage}
    told = {} if request is None else {"requestId": request}
    return json.dumps(event | told | {"message": message} | changes) + "\n"


def test_an_answer_with_and_without_its_request_counts_once(engine: Engine) -> None:
    report = import_texts(engine, answer("req_1", 5) + answer(None, 9))
    assert (report.added, [tokens(row)[3] for row in rows(engine)]) == (1, [9])


@pytest.mark.parametrize("told", [("req_1", None), (None, "req_1")])
def test_so_it_does_where_one_came_in_an_import_before(
    engine: Engine, told: tuple[str | None, str | None]
) -> None:
    import_texts(engine, answer(told[0], 5))
    dry = import_texts(engine, answer(told[1], 9), dry_run=True)
    report = import_texts(engine, answer(told[1], 9))
    assert (report.added, report.updated, dry.added, dry.updated) == (0, 1, 0, 1)
    assert [tokens(row)[3] for row in rows(engine)] == [9]
    for each in told:  # and again nothing
        again = import_texts(engine, answer(each, 5))
        assert (again.added, again.updated) == (0, 0)


def test_a_row_from_before_requests_were_known_apart_is_known_again(engine: Engine) -> None:
    import_texts(engine, answer("req_1", 5))
    former = hashlib.sha256(b"claude-code\x1fanswer\x1fmsg_1\x1freq_1").hexdigest()[:32]
    with writing(engine) as connection:
        connection.execute(update(ImportedUsage).values(external_key=former))
    assert import_texts(engine, answer("req_1", 5)).added == 0
    assert import_texts(engine, answer(None, 9)).added == 0
    assert [tokens(row)[3] for row in rows(engine)] == [9]


def test_two_requests_of_one_message_are_two(engine: Engine) -> None:
    import_texts(engine, answer(None, 7))
    report = import_texts(engine, answer("req_1", 5) + answer("req_2", 6))
    assert (report.added, report.updated, len(rows(engine))) == (1, 1, 2)
    assert import_texts(engine, answer(None, 1) + answer("req_2", 6)).added == 0


told_requests = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["r1", "r2", None])), min_size=1, max_size=8
)


@settings(max_examples=25, deadline=None)
@given(told=told_requests, cuts=st.sets(st.integers(1, 7)))
def test_a_message_is_as_many_answers_as_it_has_requests(
    ledgers: Ledgers,  # noqa: F811
    told: list[tuple[str, str | None]],
    cuts: set[int],
) -> None:
    """Whatever the order, and whichever of them came in an import before."""
    engine = ledgers.new()
    edges = [0, *sorted(cut for cut in cuts if cut < len(told)), len(told)]
    for start, end in pairwise(edges):
        import_texts(engine, "".join(answer(req, 5, name) for name, req in told[start:end]))
    wanted = sum(
        max(1, len({request for its, request in told if its == name and request is not None}))
        for name in {name for name, _ in told}
    )
    assert len(rows(engine)) == wanted
    engine.dispose()


def test_a_huge_line_and_a_damaged_one_cost_no_other(engine: Engine) -> None:
    huge = answer("req_2", 6, "msg_2").replace('"s"', '"' + "s" * (17 * 2**20) + '"')
    text = answer("req_1", 5) + huge + '{"type":"assistant"\n' + answer("req_3", 7, "msg_3")
    report = import_texts(engine, text)
    assert sorted(tokens(row)[3] or 0 for row in rows(engine)) == [5, 7]
    assert reasons(report) == {"a line of more than 16 MB": 1, "not valid JSON": 1}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig"])
def test_a_log_that_was_written_by_powershell_is_read(engine: Engine, encoding: str) -> None:
    text = answer("req_1", 5) + answer("req_2", 6, "msg_2")
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    assert import_texts(engine, (mark + text).encode(encoding)).added == 2
