"""What holds for any files: their order and cutting do not matter, and none makes a trace."""

import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from db.connect import connect
from db.importers import KINDS, detect
from db.migrate import migrate
from tests.db.importers.rows import (
    FILES,
    Row,
    import_texts,
    in_memory,
    reasons,
    rows,
)

ATTEMPTS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Ledgers:
    """A ledger a file, all copies of an empty one: migrating each would take too long."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._made = folder, 0
        engine = connect(f"sqlite:///{folder / 'empty.db'}")
        migrate(engine)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
        self._empty = (folder / "empty.db").read_bytes()

    def new(self) -> Engine:
        self._made += 1
        path = self._folder / f"{self._made}.db"
        path.write_bytes(self._empty)
        return connect(f"sqlite:///{path}")


@pytest.fixture(scope="module")
def ledgers() -> Iterator[Ledgers]:
    with TemporaryDirectory() as folder:
        yield Ledgers(Path(folder))


def imported(ledgers: Ledgers, *texts: str) -> list[Row]:
    engine = ledgers.new()
    import_texts(engine, *texts)
    found = rows(engine)
    engine.dispose()
    return found


counts = st.integers(0, 10**6)
claude_line = st.builds(
    lambda ids, model, second, parts: json.dumps(
        {
            "type": "assistant",
            "sessionId": "s",
            "timestamp": f"2026-03-01T00:00:{second:02}Z",
            "requestId": ids[1],
            "message": {"id": ids[0], "model": model, "usage": parts},
        }
    ),
    # A message of two requests, and a line without one, may go with either.
    st.sampled_from([("a", "r1"), ("a", None), ("b", "r1"), ("b", "r2"), ("c", None)]),
    st.sampled_from(["claude-opus-5", "claude-haiku-5"]),
    st.integers(0, 59),
    st.fixed_dictionaries(
        {"input_tokens": counts, "output_tokens": counts},
        optional={"cache_read_input_tokens": counts, "cache_creation_input_tokens": counts},
    ),
)
litellm_line = st.builds(
    lambda name, second, prompt, output, spend, user: json.dumps(
        {
            "request_id": name,
            "startTime": f"2026-03-01T00:00:{second:02}Z",
            "model": "gpt-5",
            "prompt_tokens": prompt,
            "completion_tokens": output,
            "spend": spend,
            "user": user,
        }
    ),
    st.sampled_from("abcd"),
    st.integers(0, 59),
    counts,
    counts,
    st.sampled_from([0, 0.5, 1.25]),
    st.sampled_from(["ada", "grace"]),
)
logs = st.one_of(
    st.lists(claude_line, min_size=1, max_size=20), st.lists(litellm_line, min_size=1, max_size=20)
)


@ATTEMPTS
@given(lines=logs, order=st.randoms(use_true_random=False))
def test_the_order_of_lines_does_not_matter(
    ledgers: Ledgers, lines: list[str], order: random.Random
) -> None:
    shuffled = lines.copy()
    order.shuffle(shuffled)
    assert imported(ledgers, "\n".join(shuffled)) == imported(ledgers, "\n".join(lines))


@ATTEMPTS
@given(lines=logs, cut=st.integers(0, 20))
def test_cutting_a_file_in_two_does_not_matter(
    ledgers: Ledgers, lines: list[str], cut: int
) -> None:
    whole = imported(ledgers, "\n".join(lines))
    parts = [part for part in ("\n".join(lines[:cut]), "\n".join(lines[cut:])) if part]
    assert imported(ledgers, *parts) == whole
    assert imported(ledgers, *reversed(parts)) == whole
    engine = ledgers.new()
    for part in parts:  # and neither does importing them one after the other
        import_texts(engine, part)
    assert rows(engine) == whole
    engine.dispose()


@ATTEMPTS
@given(lines=logs)
def test_repeating_lines_does_not_matter(ledgers: Ledgers, lines: list[str]) -> None:
    once = imported(ledgers, "\n".join(lines))
    assert imported(ledgers, "\n".join(lines + lines[::-1])) == once


bucket_line = st.builds(
    lambda day, model, user, requests, tokens: (
        f"{1759622400 + 86400 * day},{1759708800 + 86400 * day},{user},{model},"
        f"{requests},{tokens},{tokens}"
    ),
    st.integers(0, 3),
    st.sampled_from(["gpt-5", "gpt-5-mini"]),
    st.sampled_from(["ada", "grace"]),
    st.integers(1, 100),
    counts,
)
HEAD = "start_time,end_time,user_id,model,num_model_requests,input_tokens,output_tokens\n"


@ATTEMPTS
@given(lines=st.lists(bucket_line, min_size=1, max_size=20), day=st.integers(0, 4))
def test_an_export_can_be_cut_between_its_buckets(
    ledgers: Ledgers, lines: list[str], day: int
) -> None:
    whole = imported(ledgers, HEAD + "\n".join(lines))
    edge = 1759622400 + 86400 * day
    parts = [
        [line for line in lines if int(line.split(",")[0]) < edge],
        [line for line in lines if int(line.split(",")[0]) >= edge],
    ]
    texts = [HEAD + "\n".join(part) for part in parts if part]
    assert imported(ledgers, *reversed(texts)) == whole
    assert imported(ledgers, *texts, *texts) == whole
    assert imported(ledgers, HEAD + "\n".join(lines[::-1] + lines)) == whole


@ATTEMPTS
@given(lines=st.lists(bucket_line, min_size=1, max_size=20, unique=True))
def test_an_exports_rows_are_all_counted(ledgers: Ledgers, lines: list[str]) -> None:
    found = imported(ledgers, HEAD + "\n".join(lines))
    cells = [line.split(",") for line in lines]
    assert sum(row["requests"] for row in found) == sum(int(row[4]) for row in cells)
    assert sum(row["input_tokens"] for row in found) == sum(int(row[5]) for row in cells)


WHOLE = {path.name: path.read_bytes() for path in FILES.iterdir()}
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@ATTEMPTS
@given(data=st.binary(max_size=2000), kind=st.sampled_from([None, *KINDS]), packed=st.booleans())
def test_no_bytes_make_it_fail(
    ledgers: Ledgers, data: bytes, kind: str | None, packed: bool
) -> None:
    engine = ledgers.new()
    import_texts(engine, gzip.compress(data)[:-3] if packed else data, kind=kind)
    detect(in_memory("file", data))
    engine.dispose()


@ATTEMPTS
@given(
    name=st.sampled_from(sorted(WHOLE)),
    at=st.integers(0, 4000),
    length=st.integers(0, 40),
    noise=st.binary(max_size=40) | st.text(max_size=20).map(lambda text: text.encode("utf-8")),
    kind=st.sampled_from([None, *KINDS]),
)
def test_no_damage_to_a_real_file_makes_it_fail(
    ledgers: Ledgers, name: str, at: int, length: int, noise: bytes, kind: str | None
) -> None:
    data = WHOLE[name]
    at %= len(data)
    engine = ledgers.new()
    import_texts(engine, data[:at] + noise + data[at + length :], kind=kind)
    for row in rows(engine):
        assert all(
            row[count] is None or 0 <= row[count] <= 10**14
            for count in ("requests", "input_tokens", "cached_input_tokens", "output_tokens")
        )
        assert row["input_tokens"] is None or row["input_tokens"] >= (
            row["cached_input_tokens"] or 0
        ) + (row["cache_write_tokens"] or 0)
    engine.dispose()


def replaced(value: object, wanted: int, by: object, seen: list[int]) -> object:
    """The document with its `wanted`th value replaced."""
    seen[0] += 1
    if seen[0] == wanted:
        return by
    if isinstance(value, dict):
        return {key: replaced(inner, wanted, by, seen) for key, inner in value.items()}
    if isinstance(value, list):
        return [replaced(inner, wanted, by, seen) for inner in value]
    return value


@ATTEMPTS
@given(
    name=st.sampled_from(sorted(name for name in WHOLE if "json" in name)),
    wanted=st.integers(1, 60),
    by=json_values,
)
def test_no_value_of_another_type_makes_it_fail(
    ledgers: Ledgers, name: str, wanted: int, by: object
) -> None:
    text = WHOLE[name].decode()
    documents = [text] if name.endswith(".json") else text.splitlines()
    changed = []
    for document in documents:
        try:
            changed.append(json.dumps(replaced(json.loads(document), wanted, by, [0])))
        except ValueError:
            changed.append(document)
    engine = ledgers.new()
    import_texts(engine, "\n".join(changed))
    import_texts(engine, "\n".join(changed), kind=detect(in_memory("file", text)))
    engine.dispose()


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_lines_are_skipped_and_the_rest_is_counted(ledgers: Ledgers, kind: str) -> None:
    good = {
        "claude-code": WHOLE["claude_code.jsonl"].splitlines()[3],
        "codex": WHOLE["rollout-codex.jsonl"].splitlines()[4],
        "litellm": b'{"request_id":"r","startTime":"2026-07-01T09:00:00Z","model":"m",'
        b'"prompt_tokens":1,"completion_tokens":1,"spend":1}',
        "openai": b'{"object":"bucket","start_time":1759622400,"end_time":1759708800,"results":'
        b'[{"num_model_requests":1,"input_tokens":5,"output_tokens":2,"model":"m"}]}',
        "anthropic": b'{"starting_at":"2026-08-07T00:00:00Z","ending_at":"2026-08-08T00:00:00Z",'
        b'"results":[{"uncached_input_tokens":1,"output_tokens":2,"model":"m"}]}',
    }[kind]
    hostile = [
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"",
        b"[" * 200_000,
        b'{"usage":"assistant token_count","x":"' + b"x" * (17 * 2**20) + b'"}',
        b'{"type":"assistant","message":{"usage":{"input_tokens":1e99999999999999999999}}}',
        b'{"x":"\xff\xfe\x00\xed\xa0\x80"}',
        b'{"x":"\\ud800"}',
        b"\x00" * 1000,
    ]
    engine = ledgers.new()
    report = import_texts(engine, b"\n".join([*hostile, good]), kind=kind)
    assert len(rows(engine)) == 1, reasons(report)
    assert report.skipped["a line of more than 16 MB"].count == 1
    engine.dispose()
