"""Files in other encodings and of other shapes than the plainest one of their format."""

import codecs
import gzip
import json
from typing import Any

import pytest
from sqlalchemy import Engine

from db.importers import detect
from tests.db.importers.rows import FILES, import_texts, in_memory, reasons, rows, tokens
from tests.db.team import on_sqlite

# As a spreadsheet shows the rows of OpenAI's export of a day, with all of its columns.
EXPORT = (
    "start_time\tend_time\tstart_time_iso\tend_time_iso\tproject_id\tnum_model_requests\tuser_id\t"
    "api_key_id\tmodel\tbatch\tservice_tier\tinput_tokens\toutput_tokens\tinput_cached_tokens\t"
    "input_uncached_tokens\tinput_text_tokens\toutput_text_tokens\tinput_audio_tokens\r\n"
    "1759622400\t1759708800\t2025-10-05T00:00:00+00:00\t2025-10-06T00:00:00+00:00\tproj_1\t10\t"
    "user-zoë\tkey_1\tgpt-5-mini-2025-08-07\tFALSE\tdefault\t59200\t10646\t5760\t53440\t59200\t"
    "10646\t0\r\n"
)
# What is read here, and not what a database makes of it.
pytestmark = on_sqlite

SPEND: dict[str, Any] = {
    "request_id": "chatcmpl-1",
    "call_type": "acompletion",
    "api_key": "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b",
    "spend": 0.0045,
    "total_tokens": 1200,
    "prompt_tokens": 1000,
    "completion_tokens": 200,
    "startTime": "2026-06-30T23:59:59.500Z",
    "endTime": "2026-07-01T00:00:05Z",
    "completionStartTime": "2026-07-01T00:00:01Z",
    "model": "gpt-5-mini",
    "model_id": "d4a1",
    "model_group": "gpt-5-mini",
    "custom_llm_provider": "openai",
    "api_base": "https://api.openai.com",
    "user": "ada@example.com",
    "metadata": {"user_api_key_alias": "ada"},
    "cache_hit": "False",
    "cache_key": "off",
    "request_tags": ["User-Agent: cline"],
    "team_id": None,
    "end_user": "",
    "requester_ip_address": "",
    "messages": [{"role": "user", "content": "Hi"}],
    "response": {"object": "chat.completion", "data": [{"rows": []}]},
    "session_id": "s1",
    "status": "success",
    "mcp_namespaced_tool_name": None,
}
SECOND = SPEND | {"request_id": "chatcmpl-2", "prompt_tokens": 7}
BUCKET = json.loads((FILES / "openai_usage.json").read_text())["data"][0]
LATER = BUCKET | {"start_time": 1759708800, "end_time": 1759795200}
WEEK = json.loads((FILES / "anthropic_usage.json").read_text())["data"][0]


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF16_LE + EXPORT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + EXPORT.encode("utf-16-be"),
        codecs.BOM_UTF8 + EXPORT.replace("\t", ";").encode(),
        codecs.BOM_UTF8 + EXPORT.replace("start_time\t", '"start_time"\t', 1).encode(),
        gzip.compress(codecs.BOM_UTF16_LE + EXPORT.encode("utf-16-le")),
    ],
    ids=["utf-16-le", "utf-16-be", "utf-8 and semicolons", "utf-8 and quotes", "packed"],
)
def test_what_a_spreadsheet_saves_is_read(engine: Engine, data: bytes) -> None:
    assert detect(in_memory("export.txt", data)) == "openai"
    report = import_texts(engine, data)
    (row,) = rows(engine)
    assert tokens(row) == (59200, 5760, None, 10646)
    assert (row["person"], reasons(report)) == ("user-zoë", {})
    assert import_texts(engine, EXPORT).added == 0  # the same as from the vendor itself


def test_a_table_in_utf16_that_was_cut_off_keeps_its_whole_rows(engine: Engine) -> None:
    data = codecs.BOM_UTF16_LE + (EXPORT + EXPORT.splitlines()[1][:40]).encode("utf-16-le")
    report = import_texts(engine, data + b"\x41")  # and half a letter
    assert report.added == 1
    assert reasons(report) == {"a row with more or fewer cells than the header": 1}
    packed = gzip.compress(data)
    assert import_texts(engine, packed[:5]).added == 0


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda items: items,
        lambda items: {"data": items, "total": 2, "page": 1},
        lambda items: {"results": items},
        lambda items: {"rows": items},
        lambda items: {"meta": {"data": "none", "by": ["ada"]}, "count": 2, "records": items},
    ],
    ids=["bare", "data", "results", "rows", "after other members"],
)
@pytest.mark.parametrize(
    ("kind", "items"),
    [("litellm", [SPEND, SECOND]), ("openai", [BUCKET, LATER]), ("anthropic", [WEEK])],
)
def test_a_list_is_found_where_it_is(
    engine: Engine, kind: str, items: list[Any], wrap: Any, indent: int | None
) -> None:
    text = json.dumps(wrap(items), indent=indent)
    assert detect(in_memory("file", text)) == kind
    report = import_texts(engine, text)
    assert (report.added, reasons(report)) == (len(items), {})


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("first", [BUCKET, dict(sorted(BUCKET.items())), SPEND])
def test_records_one_after_the_other_are_read(
    engine: Engine, first: dict[str, Any], indent: int | None
) -> None:
    second = SECOND if "spend" in first else LATER
    text = json.dumps(first, indent=indent) + "\n" + json.dumps(second, indent=indent)
    report = import_texts(engine, text)
    assert (report.added, reasons(report)) == (2, {})


@pytest.mark.parametrize("indent", [None, 2])
def test_a_list_of_another_name_is_told(engine: Engine, indent: int | None) -> None:
    text = json.dumps({"spending": [SPEND, SECOND]}, indent=indent)
    ((reason, count),) = reasons(import_texts(engine, text)).items()
    assert "data, items, logs, records, results, rows" in reason
    assert count == 1
    ((reason, count),) = reasons(import_texts(engine, text, kind="litellm")).items()
    assert "data, items, logs, records, results, rows" in reason
    assert count == 1
    assert rows(engine) == []


@pytest.mark.parametrize("shape", ["list", "lines", "document"])
def test_a_first_record_of_any_length_is_known(engine: Engine, shape: str) -> None:
    long = {"messages": [{"role": "user", "content": "x" * 300_000}]} | SPEND
    long["messages"] = [{"role": "user", "content": "x" * 300_000}]
    text = {
        "list": json.dumps([long, SECOND]),
        "lines": json.dumps(long) + "\n" + json.dumps(SECOND),
        "document": json.dumps({"data": [long, SECOND]}),
    }[shape]
    report = import_texts(engine, text)
    assert (report.files, report.added, reasons(report)) == ({"litellm": 1}, 2, {})


def test_a_spend_log_of_all_columns_as_psql_writes_it(engine: Engine) -> None:
    """`\\copy "LiteLLM_SpendLogs" to … csv header`: JSON columns are text, times have no zone."""
    row = SPEND | {"startTime": "2026-06-30 23:59:59.5", "endTime": "2026-07-01 00:00:05"}
    cells = [
        "" if value is None else json.dumps(value) if isinstance(value, dict | list) else str(value)
        for value in row.values()
    ]
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in cells]
    text = ",".join(row) + "\n" + ",".join(quoted) + "\n"
    assert import_texts(engine, json.dumps(SPEND)).added == 1
    report = import_texts(engine, text)
    assert (report.added, report.updated, report.unchanged, reasons(report)) == (0, 0, 1, {})
