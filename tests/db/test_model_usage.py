"""Usage by developer and model, added up here once more from the requests that were made."""

import json

from sqlalchemy import Engine

from db import people
from db.ledger import Ledger
from db.model_usage import ModelUse, imported, metered
from tests.db.importers.rows import import_files, import_texts
from tests.db.team import NOON, WAIT_S, Team, outcome

HOUR = 3_600_000
MARCH, APRIL, MAY = 1_772_323_200_000, 1_775_001_600_000, 1_777_593_600_000  # 1st, 2026, UTC


def ask(
    ledger: Ledger, team: Team, at: int, who: tuple[int, str], model: str, counts: tuple[int, ...]
) -> None:
    """A request with so many input, cached and output tokens."""
    request = team.request(
        at=at, developer_id=who[0], developer_name=who[1], model=model, input_tokens=counts[0]
    )
    ledger.admit(request).result(WAIT_S)
    done = outcome(request.id, at=at + 50, cached_input_tokens=counts[1], output_tokens=counts[2])
    ledger.finish(done).result(WAIT_S)


def test_each_developers_use_of_each_model_is_a_row(ledger: Ledger, team: Team) -> None:
    ada = (team.ada, "Ada")
    grace = (people.add_developer(ledger.engine, "Grace", "Data", actor="test").id, "Grace")
    ask(ledger, team, NOON, ada, "gpt-oss-120b", (1000, 300, 50))
    ask(ledger, team, NOON + 5 * HOUR, ada, "gpt-oss-120b", (2000, 1200, 70))
    ask(ledger, team, NOON + 7, ada, "small", (10, 0, 5))
    ask(ledger, team, NOON + HOUR, grace, "small", (20, 20, 6))
    ask(ledger, team, NOON + 9 * HOUR, grace, "small", (7, 0, 7))  # after the range
    team.admit(ledger, at=NOON + 30, model="small")  # runs: 40 input tokens so far

    assert metered(ledger.engine, NOON, NOON + 6 * HOUR) == [
        ModelUse(team.ada, "Ada", "gpt-oss-120b", 2, 3000, 1500, None, 120),
        ModelUse(team.ada, "Ada", "small", 2, 50, 0, None, 5),
        ModelUse(grace[0], "Grace", "small", 1, 20, 20, None, 6),
    ]
    assert metered(ledger.engine, NOON + 1, NOON + 8) == [
        ModelUse(team.ada, "Ada", "small", 1, 10, 0, None, 5)
    ]
    assert metered(ledger.engine, 0, NOON) == []


def test_imported_use_keeps_what_is_not_told_apart(ledger: Ledger, team: Team) -> None:
    import_files(ledger.engine, "claude_code.jsonl", "openai_cost.csv")
    label = imported(ledger.engine, MARCH, APRIL)[0].name
    assert imported(ledger.engine, MARCH, APRIL) == [
        ModelUse(None, label, "claude-haiku-4-5-20251001", 1, 1000, None, None, 50),
        ModelUse(None, label, "claude-opus-4-6", 1, 3 + 2285 + 22137, 22137, 2285, 159),
    ]
    # Costs alone, without tokens, are nothing to be priced.
    everything: Engine = ledger.engine
    assert [use.model for use in imported(everything, 0, MAY)] == [
        "claude-haiku-4-5-20251001",
        "claude-opus-4-6",
        "kimi-k2.5",
    ]
    assert metered(ledger.engine, 0, MAY) == []


def answer(name: str, **usage: int) -> str:
    counts = {"input_tokens": 10, "output_tokens": 3} | usage
    message = {"id": name, "model": "claude-opus-5", "usage": counts}
    event = {"type": "assistant", "sessionId": "s", "requestId": name, "message": message}
    return json.dumps(event | {"timestamp": "2026-03-11T02:40:20Z"}) + "\n"


def test_a_sum_never_passes_over_what_is_not_told(ledger: Ledger, team: Team) -> None:
    """Two answers that tell their cache, and one that does not."""
    cache = {"cache_read_input_tokens": 7, "cache_creation_input_tokens": 1}
    import_texts(ledger.engine, answer("a", **cache) + answer("b", **cache) + answer("c"))
    found = imported(ledger.engine, MARCH, APRIL)
    assert {
        (use.requests, use.input_tokens, use.cached_input_tokens, use.cache_write_tokens)
        for use in found
    } == {(2, 36, 14, 2), (1, 10, None, None)}


def test_imported_use_of_a_developer_has_their_name_now(ledger: Ledger, team: Team) -> None:
    import_files(ledger.engine, "claude_code.jsonl", developer="Ada")
    people.rename_developer(ledger.engine, team.ada, "Ada L.", actor="test")
    found = imported(ledger.engine, MARCH, APRIL)
    assert {(use.developer_id, use.name) for use in found} == {(team.ada, "Ada L.")}
