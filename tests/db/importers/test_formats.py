"""Each format's file with totals counted by hand from what stands in it."""

import gzip
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import Engine, select

from db import people
from db.importers import UsageFile, detect
from db.schema import Base
from tests.db.importers.rows import (
    FILES,
    import_files,
    import_texts,
    in_memory,
    reasons,
    rows,
    tokens,
)


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("claude_code.jsonl", "claude-code"),
        ("rollout-codex.jsonl", "codex"),
        ("rollout-codex-old.jsonl", "codex"),
        ("litellm.json", "litellm"),
        ("litellm.csv", "litellm"),
        ("openai_usage.csv", "openai"),
        ("openai_cost.csv", "openai"),
        ("openai_usage.json", "openai"),
        ("anthropic_usage.csv", "anthropic"),
        ("anthropic_cost.csv", "anthropic"),
        ("anthropic_usage.json", "anthropic"),
        ("anthropic_cost.json", "anthropic"),
    ],
)
def test_a_format_is_known_by_its_content(name: str, kind: str) -> None:
    data = (FILES / name).read_bytes()
    assert detect(UsageFile.at(FILES / name)) == kind
    assert detect(in_memory("holiday.jpg", gzip.compress(data))) == kind
    assert detect(in_memory("with-bom", b"\xef\xbb\xbf" + data)) == kind


@pytest.mark.parametrize("text", ["", "{}", "[1, 2]", "a,b\n1,2\n", '{"type": "user"}', "\x00\xff"])
def test_what_is_no_format_is_said_to_be_none(engine: Engine, text: str) -> None:
    assert detect(in_memory("file", text)) is None
    report = import_texts(engine, text)
    ((reason, count),) = reasons(report).items()
    assert (reason.startswith("not a format that can be imported"), count) == (True, 1)
    assert rows(engine) == []


def test_claude_code_counts_each_answer_once_at_its_largest(engine: Engine) -> None:
    report = import_files(engine, "claude_code.jsonl")
    opus, haiku, kimi = rows(engine)
    assert tokens(opus) == (3 + 2285 + 22137, 22137, 2285, 159)
    assert tokens(haiku) == (1000, None, None, 50)  # it tells no cache, which is not none
    assert tokens(kimi) == (100, 0, 0, 12)
    assert (haiku["cost"], haiku["currency"]) == (Decimal("0.0123"), "USD")
    assert (opus["cost"], kimi["cost"]) == (None, None)
    assert {row["basis"] for row in rows(engine)} == {"lower bound"}
    assert opus["at"] == ms("2026-03-11T02:40:21.204")
    assert (report.read, report.added, report.input_tokens) == (5, 3, 24425 + 1000 + 100)
    assert (report.output_tokens, report.lower_bound) == (159 + 50 + 12, True)


def test_claude_code_names_what_it_skips_and_where(engine: Engine) -> None:
    report = import_files(engine, "claude_code.jsonl")
    assert reasons(report) == {
        "made by Claude Code itself, not by a model": 1,
        "an error message, not an answer": 1,
        "the time has no zone": 1,
        "input_tokens is negative or absurdly large": 2,
        "input_tokens is not a number": 2,
        "not valid JSON": 1,
    }
    assert report.skipped["not valid JSON"].places == ["claude_code.jsonl:15"]


def test_no_prompt_and_no_path_is_kept(engine: Engine, url: str) -> None:
    names = ("claude_code.jsonl", "rollout-codex.jsonl", "litellm.json")
    import_files(engine, *names)
    with engine.connect() as connection:
        everything = "".join(
            str(row)
            for table in Base.metadata.sorted_tables
            for row in connection.execute(select(table))
        )
    assert "claude_code.jsonl" in everything
    assert "secret" not in everything
    assert "/home" not in everything


def test_codex_counts_what_each_answer_took_and_no_repeat_of_an_event(engine: Engine) -> None:
    report = import_files(engine, "rollout-codex.jsonl")
    first, second = rows(engine)
    assert (first["model"], tokens(first)) == ("gpt-5-codex", (1000, 600, 0, 100))
    assert (second["model"], tokens(second)) == ("gpt-5.5", (2000, 1400, 0, 200))
    assert {row["basis"] for row in rows(engine)} == {"exact"}
    assert report.added == 2
    assert reasons(report) == {"input_tokens is not a number": 1}


@pytest.mark.parametrize("backwards", [False, True])
def test_a_fork_of_a_codex_session_adds_only_its_own_answers(
    engine: Engine, backwards: bool
) -> None:
    names = ["rollout-codex.jsonl", "rollout-codex-fork.jsonl"]
    import_files(engine, *names[:: -1 if backwards else 1])
    assert [tokens(row) for row in rows(engine)] == [
        (1000, 600, 0, 100),
        (2000, 1400, 0, 200),
        (500, 400, 0, 50),
    ]
    assert [row["model"] for row in rows(engine)] == ["gpt-5-codex", "gpt-5.5", "gpt-5.5"]


def test_an_old_codex_session_counts_what_its_total_grew_by(engine: Engine) -> None:
    report = import_files(engine, "rollout-codex-old.jsonl")
    assert [tokens(row) for row in rows(engine)] == [(500, 0, 0, 50), (700, 300, 0, 30)]
    assert {row["model"] for row in rows(engine)} == {None}
    assert sum(tally.count for tally in report.remarks.values()) == 2


def test_litellm_keeps_a_spend_of_zero_as_unknown_unless_its_cache_answered(
    engine: Engine,
) -> None:
    report = import_files(engine, "litellm.json")
    paid, unpriced, cached = rows(engine)
    assert tokens(paid) == (1000, 300, None, 200)
    assert (paid["cost"], paid["currency"]) == (Decimal("0.0045"), "USD")
    assert paid["at"] == ms("2026-06-30T23:59:59.500")
    assert (unpriced["cost"], tokens(unpriced)) == (None, (500, None, None, 100))
    assert cached["cost"] == 0
    assert [row["person"] for row in rows(engine)] == ["ada@example.com", "grace", "build-bot"]
    (remark,) = report.remarks.values()
    assert (remark.count, remark.places) == (1, ["litellm.json:2"])
    assert reasons(report) == {
        "a request without tokens, as failed ones are": 1,
        "spend is negative or more than 100,000": 1,
        "the time cannot be read": 1,
    }
    assert report.cost == {"USD": Decimal("0.0045")}


def test_litellms_table_tells_the_same_requests_as_its_json(engine: Engine) -> None:
    import_files(engine, "litellm.json")
    report = import_files(engine, "litellm.csv")
    assert (report.added, report.unchanged) == (1, 1)  # chatcmpl-1 was there
    assert rows(engine)[-1]["cost"] == Decimal("0.25")
    assert reasons(report) == {
        "spend is not a number": 1,
        "a row with more or fewer cells than the header": 1,
    }


def test_a_table_may_be_separated_by_semicolons_or_tabs(engine: Engine) -> None:
    commas = (FILES / "openai_usage.csv").read_text()
    import_texts(engine, commas)
    for separator in (";", "\t"):
        assert import_texts(engine, commas.replace(",", separator)).unchanged == 2


def test_a_day_summed_up_by_litellm_is_refused_with_what_to_ask_instead(engine: Engine) -> None:
    report = import_texts(
        engine, '[{"startTime": "2026-07-01", "spend": 3.5, "users": {}, "models": {"x": 3.5}}]'
    )
    ((reason, count),) = reasons(report).items()
    assert "summarize=false" in reason
    assert (count, report.added) == (1, 0)


def test_openais_rows_of_one_bucket_add_up(engine: Engine) -> None:
    report = import_files(engine, "openai_usage.csv")
    first, second = rows(engine)
    assert (first["requests"], tokens(first)) == (10, (59200, 5760, None, 10646))
    assert second["requests"] == 8 + 1
    assert tokens(second) == (46264 + 5783, 8192, None, 60000 + 16000)
    assert (second["at"], second["ends_at"]) == (ms("2025-10-06"), ms("2025-10-07"))
    assert {row["basis"] for row in rows(engine)} == {"aggregate"}
    assert {row["cost"] for row in rows(engine)} == {None}
    assert reasons(report) == {"more cached input than input": 1}


def test_openais_costs_are_exact_and_by_model(engine: Engine) -> None:
    report = import_files(engine, "openai_cost.csv")
    model, day, credit = rows(engine)
    assert (model["model"], model["cost"]) == ("gpt-4o-2024-08-06", Decimal("1.002334"))
    assert (day["model"], day["cost"]) == (None, Decimal("0.56177125"))
    assert {tokens(row) for row in rows(engine)} == {(None, None, None, None)}
    assert credit["cost"] == Decimal("-0.5")
    assert report.cost == {"USD": Decimal("1.06410525")}
    assert reasons(report) == {}


def test_openais_api_tells_the_same_bucket_as_its_csv(engine: Engine) -> None:
    import_files(engine, "openai_usage.csv")
    report = import_files(engine, "openai_usage.json")
    assert (report.added, report.unchanged) == (0, 1)


def test_anthropics_usage_counts_all_kinds_of_input(engine: Engine) -> None:
    people.add_developer(engine, "Ada Lovelace", actor="test")
    report = import_files(engine, "anthropic_usage.csv")
    opus, haiku = rows(engine)
    written, cached = 15969 + 31 + 200, 5000
    assert tokens(opus) == (46981 + 1000 + written + cached, cached, written, 16932 + 68)
    assert tokens(haiku) == (50000, 0, 0, 2000)
    assert opus["developer_id"] == 1  # by the name in Claude Code's key
    assert haiku["developer_id"] is None
    assert haiku["person"] == "test-key"
    assert {row["requests"] for row in rows(engine)} == {None}  # the export does not tell
    assert reasons(report) == {
        "usage_input_tokens_no_cache is not a number": 1,
        "a row with more or fewer cells than the header": 1,
    }


def test_anthropics_costs_add_up_over_kinds_of_tokens(engine: Engine) -> None:
    import_files(engine, "anthropic_cost.csv")
    assert [(row["model"], row["cost"]) for row in rows(engine)] == [
        ("Claude Opus 5", Decimal("1.86")),
        ("Claude Haiku 4.5", Decimal("0.03")),
    ]


def test_anthropics_api_tells_costs_in_cents(engine: Engine) -> None:
    import_files(engine, "anthropic_usage.json", "anthropic_cost.json")
    usage, cost = sorted(rows(engine), key=lambda row: row["cost"] is not None)
    assert tokens(usage) == (1500 + 1500 + 200, 200, 1500, 500)
    assert cost["cost"] == Decimal("1.2378912")
