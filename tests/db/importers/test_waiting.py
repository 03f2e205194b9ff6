"""How long a gateway's writes wait while a large import runs, on one SQLite file."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine

from db import keys, people
from db.ids import now_ms
from db.ledger import Ledger
from tests.db.importers.test_again import answer
from tests.db.team import WAIT_S, Team, on_sqlite, outcome
from tests.product import ROOT

RECORDS = 10_000


@on_sqlite
def test_a_gateways_writes_wait_for_a_batch_of_an_import_and_never_for_all_of_it(
    engine: Engine, url: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The import is a process of its own, as `python -m db import` is; the oracle is the clock."""
    log = tmp_path / "large.jsonl"
    log.write_text("".join(answer(f"m{n}", n + 1) for n in range(RECORDS)))
    ada = people.add_developer(engine, "Ada", actor="test")
    key, _ = keys.create_key(engine, ada.id, "editor", actor="test")
    ledger, team = Ledger(url), Team(ada.id, key.id)
    ledger.open()
    try:
        alone = [wait for _ in range(200) for wait in waits(ledger, team)]
        begun = time.perf_counter()
        importing = subprocess.Popen(
            [sys.executable, "-m", "db", "import", str(log)],
            cwd=ROOT,
            env=os.environ | {"BREAKEVEN_DATABASE_URL": url},
            stdout=subprocess.PIPE,
        )
        during: list[float] = []
        while importing.poll() is None:
            during += waits(ledger, team)
            time.sleep(0.002)
        took = time.perf_counter() - begun
        told = importing.communicate()[0].decode()
    finally:
        ledger.close()
    assert importing.returncode == 0
    assert f"Added             {RECORDS:,}" in told
    assert len(during) > 200
    figures = {"alone": p99(alone), "during": p99(during), "longest": max(during)}
    for name, seconds in figures.items():
        record_property(f"{name}_ms", round(seconds * 1000, 1))
    assert figures["during"] < took / 10, (figures, took)
    assert figures["longest"] < took / 3, (figures, took)


def waits(ledger: Ledger, team: Team) -> list[float]:
    """Seconds until a request that is handed in is durable, and until its end is."""
    begun = time.perf_counter()
    request_id = team.admit(ledger, at=now_ms())
    admitted = time.perf_counter()
    ledger.finish(outcome(request_id, at=now_ms())).result(WAIT_S)
    return [admitted - begun, time.perf_counter() - admitted]


def p99(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.99)]
