"""Budgets under random schedules, against sums over the rows in plain Python."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from db import keys, limits, people
from db.check import check
from db.errors import BudgetExceeded
from db.ledger import Ledger
from db.limits import Limits
from tests.db.team import NOON, WAIT_S, Fresh, Team, outcome, rows, window

DEVELOPER = Limits(tokens_per_month=400, energy_j_per_month=300.0)
KEY = Limits(tokens_per_month=250, energy_j_per_month=200.0)

# A request: made with the key that has a budget, another, or none; tokens in, out at most; joules.
request = st.tuples(st.integers(0, 2), st.integers(0, 60), st.integers(0, 120), st.integers(0, 150))
step = st.one_of(
    st.tuples(st.just("admit"), st.lists(request, min_size=1, max_size=5)),
    st.tuples(
        st.sampled_from(["compute", "meter", "finish"]), st.integers(0, 9), st.integers(0, 4)
    ),
    st.tuples(st.just("crash")),
)


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(step, max_size=25))
@example(steps=[("admit", [(1, 50, 100, 0)] * 5)])  # each fits by itself, all of them do not
@example(steps=[("admit", [(0, 0, 0, 150)] * 5), ("meter", 0, 4), ("crash",)])
def test_budgets_are_never_overrun_and_never_refuse_what_fits(
    fresh: Fresh, steps: list[Any]
) -> None:
    """Every request stays within what it reserved; then used and reserved stay within budgets."""
    with _office(fresh) as (ledger, team, key_ids):
        for kind, *detail in steps:
            running = [it for it in rows(ledger.engine, "requests") if it["status"] == "running"]
            if kind == "crash":
                ledger.close()
                ledger.open()
            elif kind == "admit":
                _admit_together(ledger, team, key_ids, detail[0])
            elif running:
                _advance(ledger, running[detail[0] % len(running)], kind, detail[1] / 4)
            _require_within_budgets(ledger, team)
        ledger.close()
        ledger.open()
        _require_within_budgets(ledger, team)
        used, requests = rows(ledger.engine, "monthly_use"), rows(ledger.engine, "requests")
        assert sum(it["requests"] for it in used) == len(requests)
        for name in ("input_tokens", "output_tokens", "energy_j"):
            assert sum(it[name] for it in used) == sum(it[name] or 0 for it in requests)
        assert check(ledger.engine).violations == []


@contextmanager
def _office(fresh: Fresh) -> Iterator[tuple[Ledger, Team, list[int | None]]]:
    """A developer with a budget, and the keys to ask with: one with a budget, one without, none."""
    with fresh() as url:
        ledger = Ledger(url)
        ledger.open()
        ada = people.add_developer(ledger.engine, "Ada", actor="test")
        small, _ = keys.create_key(ledger.engine, ada.id, "ci", actor="test")
        other, _ = keys.create_key(ledger.engine, ada.id, "editor", actor="test")
        limits.set_limits(ledger.engine, DEVELOPER, developer_id=ada.id, actor="test")
        limits.set_limits(ledger.engine, KEY, api_key_id=small.id, actor="test")
        try:
            yield ledger, Team(ada.id, small.id), [small.id, other.id, None]
        finally:
            ledger.close()


def _admit_together(
    ledger: Ledger, team: Team, key_ids: list[int | None], wanted: list[tuple[int, int, int, int]]
) -> None:
    """Hand in all requests at once, and foretell for each whether its budgets have room."""
    requests = [
        team.request(api_key_id=key_ids[key], input_tokens=tokens_in,
                     reserved_tokens=tokens_in + tokens_out, reserved_energy_j=float(joules))
        for key, tokens_in, tokens_out, joules in wanted
    ]  # fmt: skip
    held = {None: _held(ledger, None), team.key: _held(ledger, team.key)}
    expected = []
    for new in requests:
        assert new.reserved_tokens is not None
        assert new.reserved_energy_j is not None
        asked = [(None, DEVELOPER)] + ([(team.key, KEY)] if new.api_key_id == team.key else [])
        fits = all(
            held[whose][0] + new.reserved_tokens <= (budget.tokens_per_month or 0)
            and held[whose][1] + new.reserved_energy_j <= (budget.energy_j_per_month or 0)
            and held[whose][1] < (budget.energy_j_per_month or 0)
            for whose, budget in asked
        )
        expected.append(fits)
        for whose, _ in asked if fits else []:
            tokens, joules = held[whose]
            held[whose] = (tokens + new.reserved_tokens, joules + new.reserved_energy_j)
    with ledger.engine.execution_options(immediate=True).begin():
        waiting = [ledger.admit(new) for new in requests]
    answers = [future.exception(WAIT_S) for future in waiting]
    assert [answer is None for answer in answers] == expected
    assert {type(answer) for answer in answers} <= {type(None), BudgetExceeded}


def _advance(ledger: Ledger, running: dict[str, Any], kind: str, part: float) -> None:
    """Let a running request take a part of what it reserved, or end with that part of it."""
    tokens = int((running["reserved_tokens"] - running["input_tokens"]) * part)
    if kind == "compute":
        ledger.progress(running["id"], tokens, NOON + 500)
    elif kind == "meter":
        left = running["reserved_energy_j"] - (running["energy_j"] or 0.0)
        ledger.record_energy(window({running["id"]: float(int(left * part))})).result(WAIT_S)
    else:
        ledger.finish(outcome(running["id"], output_tokens=tokens)).result(WAIT_S)


def _held(ledger: Ledger, api_key_id: int | None) -> tuple[int, float]:
    """Tokens and joules used by what ended and reserved by what runs: of all, or of one key."""
    tokens, joules = 0, 0.0
    for it in rows(ledger.engine, "requests"):
        if api_key_id in (None, it["api_key_id"]):
            ended = it["status"] != "running"
            tokens += it["input_tokens"] + it["output_tokens"] if ended else it["reserved_tokens"]
            joules += (it["energy_j"] or 0.0) if ended else it["reserved_energy_j"]
    return tokens, joules


def _require_within_budgets(ledger: Ledger, team: Team) -> None:
    for whose, budget in ((None, DEVELOPER), (team.key, KEY)):
        tokens, joules = _held(ledger, whose)
        assert tokens <= (budget.tokens_per_month or 0)
        assert joules <= (budget.energy_j_per_month or 0)
