"""Somebody whose name was erased stays without one, also in what is imported later."""

import json

from sqlalchemy import Engine, select

from db import audit, erase, people
from db.schema import Base
from tests.db.importers.rows import import_texts, rows

NAMES = ("Wilhelmina Holm", "wilhelmina.holm@example.com", "claude_code_key_wilhelmina_holm_abcd")


def spend(name: str, request: str) -> str:
    return json.dumps(
        {
            "request_id": request,
            "spend": 0.5,
            "prompt_tokens": 10,
            "completion_tokens": 1,
            "startTime": "2026-07-01T09:00:00Z",
            "model": "gpt-5",
            "user": name,
        }
    )


def log(*requests: tuple[str, str]) -> str:
    return "\n".join(spend(name, request) for name, request in requests)


def dump(engine: Engine) -> str:
    with engine.connect() as connection:
        return "".join(
            str(tuple(row)).casefold()
            for table in Base.metadata.sorted_tables
            for row in connection.execute(select(table))
        )


def test_new_records_of_somebody_erased_come_without_the_name(engine: Engine) -> None:
    person = people.add_developer(engine, NAMES[0], actor="test")
    assert import_texts(engine, log((NAMES[0], "a"), (NAMES[1], "b"))).unmatched == {}
    erase.erase_developer(engine, person.id, actor="test")
    assert "wilhelmina" not in dump(engine)

    new = log(*[(name, f"new {n}") for n, name in enumerate(NAMES)], ("grace", "g"))
    text = log((NAMES[0], "a")) + "\n" + new
    dry = import_texts(engine, text, dry_run=True)
    report = import_texts(engine, text)
    assert (report.added, report.unchanged, report.erased, dry.erased) == (4, 1, 4, 4)
    assert report.unmatched == {"grace": 1}
    assert "wilhelmina" not in dump(engine)
    assert [(row["developer_id"], row["person"]) for row in rows(engine)].count(
        (person.id, erase.pseudonym(person.id))
    ) == 5


def test_a_label_that_was_theirs_stays_theirs_whoever_comes_later(engine: Engine) -> None:
    first = people.add_developer(engine, "Wilhelmina", actor="test")
    import_texts(engine, log(("Wilhelmina@example.com", "a")))
    erase.erase_developer(engine, first.id, actor="test")
    second = people.add_developer(engine, "Wilhelmina", actor="test")
    report = import_texts(engine, log(("wilhelmina@example.com", "b"), ("Wilhelmina", "c")))
    assert report.erased == 1
    assert sorted(row["developer_id"] for row in rows(engine)) == [first.id, first.id, second.id]


def test_the_audit_trail_shows_no_mark(engine: Engine) -> None:
    person = people.add_developer(engine, NAMES[0], actor="test")
    erase.erase_developer(engine, person.id, actor="test")
    entry = audit.entries(engine, limit=1)[0]
    assert len(entry.detail["marks"]) == 1
    assert audit.in_words(entry.detail) == f"id {person.id}, requests 0, audit entries 1"
