"""Importing again, taking back, and telling the same usage in another way."""

import json
import threading
import time
from decimal import Decimal

import pytest
from sqlalchemy import Engine, select

from db import imported, people
from db.connect import writing
from db.errors import InvalidInput
from db.importers import undo
from db.schema import Audit, Import
from tests.db.importers.rows import FILES, import_files, import_texts, reasons, rows, tokens

EVERYTHING = sorted(path.name for path in FILES.iterdir())
DAYS = (FILES / "openai_usage.csv").read_text()


def answer(name: str, output: int, at: str = "2026-03-01T00:00:00Z", **usage: int) -> str:
    counts = {"input_tokens": 1, "output_tokens": output} | usage
    message = {"id": name, "model": "claude-opus-5", "usage": counts}
    event = {"type": "assistant", "sessionId": "s", "requestId": "r", "timestamp": at}
    return json.dumps(event | {"message": message}) + "\n"


def test_a_second_import_of_everything_adds_nothing(engine: Engine) -> None:
    first = import_files(engine, *EVERYTHING)
    before = rows(engine)
    second = import_files(engine, *reversed(EVERYTHING))
    assert first.added == len(before) > 10
    assert (second.added, second.updated, second.unchanged) == (0, 0, first.added)
    assert rows(engine) == before
    assert second.input_tokens == first.input_tokens


def test_a_dry_run_tells_the_same_and_writes_nothing(engine: Engine) -> None:
    dry = import_files(engine, *EVERYTHING, dry_run=True)
    assert rows(engine) == []
    assert imported.past_imports(engine) == []
    wet = import_files(engine, *EVERYTHING)
    assert (dry.added, dry.read, dry.cost) == (wet.added, wet.read, wet.cost)
    assert reasons(dry) == reasons(wet)


def test_a_session_that_went_on_is_brought_up_to_date(engine: Engine) -> None:
    import_texts(engine, answer("a", 5))
    report = import_texts(engine, answer("a", 90, cache_read_input_tokens=7) + answer("b", 1))
    assert (report.added, report.updated, report.unchanged) == (1, 1, 0)
    first, second = rows(engine)
    assert {tokens(first)[3], tokens(second)[3]} == {90, 1}
    report = import_texts(engine, answer("a", 5))  # the shorter file again
    assert (report.added, report.updated, report.unchanged) == (0, 0, 1)


def test_a_bucket_that_has_grown_since_is_replaced(engine: Engine) -> None:
    import_texts(engine, DAYS)
    report = import_texts(engine, DAYS.replace(",10.0,", ",12.0,").replace("59200.0", "60000.0"))
    assert (report.added, report.updated, report.unchanged) == (0, 1, 1)
    assert (rows(engine)[0]["requests"], tokens(rows(engine)[0])[0]) == (12, 60000)


def test_the_same_days_grouped_differently_do_not_count_twice(engine: Engine) -> None:
    import_texts(engine, DAYS)
    before = rows(engine)
    by_model = DAYS.replace("user-ada", "").replace("key_1", "")
    dry = import_texts(engine, by_model, dry_run=True)
    report = import_texts(engine, by_model)
    assert (report.added, rows(engine)) == (0, before)
    ((reason, count),) = [item for item in reasons(report).items() if "grouped" in item[0]]
    assert "undo that import" in reason
    assert count == 2
    assert reasons(dry) == reasons(report)


def test_of_two_groupings_in_one_run_one_counts(engine: Engine) -> None:
    by_model = DAYS.replace("user-ada", "").replace("key_1", "")
    report = import_texts(engine, by_model, DAYS)
    assert report.added == 2
    assert sum(row["requests"] for row in rows(engine)) == 19


def test_costs_and_usage_of_the_same_days_do_not_clash(engine: Engine) -> None:
    report = import_files(engine, "openai_usage.csv", "openai_cost.csv")
    assert report.added == 2 + 3


def test_undoing_removes_exactly_the_rows_that_an_import_added(engine: Engine) -> None:
    kept = import_texts(engine, answer("a", 5))
    before = rows(engine)
    report = import_texts(engine, "".join(answer(f"b{n}", n) for n in range(1, 500)))
    assert undo(engine, report.import_id or 0, actor="ada") == 499
    assert rows(engine) == before
    past = {one.id: one for one in imported.past_imports(engine)}
    assert past[kept.import_id or 0].undone_at is None
    assert past[report.import_id or 0].undone_at is not None


def test_undoing_twice_or_nothing_is_refused(engine: Engine) -> None:
    report = import_texts(engine, answer("a", 5))
    undo(engine, report.import_id or 0, actor="ada")
    with pytest.raises(InvalidInput, match="was undone before"):
        undo(engine, report.import_id or 0, actor="ada")
    with pytest.raises(InvalidInput, match="no import with id 99"):
        undo(engine, 99, actor="ada")


def test_imports_and_undoing_are_on_the_audit_trail(engine: Engine) -> None:
    report = import_texts(engine, answer("a", 5))
    undo(engine, report.import_id or 0, actor="ada")
    with engine.connect() as connection:
        trail = connection.execute(select(Audit.actor, Audit.action).order_by(Audit.id)).all()
    assert [tuple(row) for row in trail] == [
        ("test", "import begun"),
        ("test", "import finished"),
        ("ada", "import undone"),
    ]


def test_an_import_that_was_cut_off_says_how_far_it_came(engine: Engine) -> None:
    class Stop(Exception):  # noqa: N818
        pass

    def progress(share: float) -> None:
        if share > 0.8:
            raise Stop

    texts = "".join(answer(f"b{n}", n) for n in range(1, 1001))
    with pytest.raises(Stop):
        import_texts(engine, texts, progress=progress)
    (past,) = imported.past_imports(engine)
    assert past.finished_at is None
    assert past.added == len(rows(engine)) > 0
    assert import_texts(engine, texts).added == 1000 - past.added


def test_progress_goes_from_nothing_to_all(engine: Engine) -> None:
    heard: list[float] = []
    import_files(engine, *EVERYTHING, progress=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 1.0


def test_logs_that_name_nobody_are_the_developers_who_was_given(engine: Engine) -> None:
    ada = people.add_developer(engine, "Ada", actor="test")
    grace = people.add_developer(engine, "Grace", actor="test")
    import_files(engine, "claude_code.jsonl", "litellm.json", developer="ada")
    found = {(row["source"], row["person"]): row["developer_id"] for row in rows(engine)}
    assert found == {
        ("claude-code", None): ada.id,
        ("litellm", "ada@example.com"): ada.id,  # by their address
        ("litellm", "grace"): grace.id,
        ("litellm", "build-bot"): None,
    }


def test_who_used_it_can_be_said_later(engine: Engine) -> None:
    assert import_texts(engine, answer("a", 5)).nobody == 1
    ada = people.add_developer(engine, "Ada", actor="test")
    report = import_texts(engine, answer("a", 5), developer="Ada")
    assert (report.updated, rows(engine)[0]["developer_id"]) == (1, ada.id)


def test_a_developer_or_kind_that_is_not_there_is_refused(engine: Engine) -> None:
    with pytest.raises(InvalidInput, match="no developer named Zoe"):
        import_texts(engine, answer("a", 5), developer="Zoe")
    with pytest.raises(InvalidInput, match="no kind excel"):
        import_texts(engine, answer("a", 5), kind="excel")
    with pytest.raises(InvalidInput, match="no file to import"):
        import_texts(engine)


def test_what_imports_add_up_to_by_month_and_model(engine: Engine) -> None:
    import_files(engine, "litellm.json", "litellm.csv", "claude_code.jsonl")
    frame = imported.by_month(engine)
    found = {
        (row["month"], row["source"], row["model"], row["currency"]): (
            row["requests"], row["input_tokens"], row["output_tokens"], row["cost"],
            row["cost_unknown"], row["lower_bound"],
        )
        for _, row in frame.iterrows()
    }  # fmt: skip
    assert found == {
        ("2026-03", "claude-code", "claude-haiku-4-5-20251001", "USD"):
            (1, 1000, 50, Decimal("0.0123"), 0, 1),
        ("2026-03", "claude-code", "claude-opus-4-6", None): (1, 24425, 159, None, 1, 1),
        ("2026-04", "claude-code", "kimi-k2.5", None): (1, 100, 12, None, 1, 1),
        ("2026-06", "litellm", "gpt-5-mini", "USD"): (1, 1000, 200, Decimal("0.0045"), 0, 0),
        # 50 tokens from LiteLLM's own cache at no cost, and chatcmpl-9
        ("2026-07", "litellm", "gpt-5-mini", "USD"): (2, 10050, 2020, Decimal("0.25"), 0, 0),
        ("2026-07", "litellm", "vertex_ai/claude-opus-5", None): (1, 500, 100, None, 1, 0),
    }  # fmt: skip


def test_costs_add_up_exactly(engine: Engine) -> None:
    head = "start_time,end_time,amount_value,amount_currency,line_item,project_id\n"
    lines = [f"1759622400,1759708800,0.1,usd,item {n},p\n" for n in range(100)]
    lines += ["1759622400,1759708800,99999.9999999999,usd,item large,p\n"]
    import_texts(engine, head + "".join(lines))
    assert sum(imported.by_month(engine)["cost"]) == Decimal("100009.9999999999")


def test_by_person_names_developers_and_keeps_other_labels(engine: Engine) -> None:
    people.add_developer(engine, "Ada", actor="test")
    import_files(engine, "litellm.json")
    frame = imported.by_person(engine)
    assert dict(zip(frame["person"], frame["developer_id"], strict=True)) == {
        "Ada": 1, "build-bot": None, "grace": None,
    }  # fmt: skip


def test_an_import_leaves_the_ledger_to_its_writer(engine: Engine) -> None:
    """A writer that takes the lock again and again while 20,000 records come in."""
    writes = 0
    done = threading.Event()

    def write() -> None:
        nonlocal writes
        while not done.is_set():
            with writing(engine) as connection:
                connection.execute(select(Import.id)).all()
            writes += 1
            time.sleep(0.001)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        import_texts(engine, "".join(answer(f"m{n}", n) for n in range(1, 20_001)))
    finally:
        during = writes
        done.set()
        writer.join()
    assert len(rows(engine)) == 20_000
    assert during > 3  # an import in one transaction lets in two at most: before it, and after
