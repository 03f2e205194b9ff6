"""How long a gateway's writes wait while a large import runs, on one SQLite file."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db import keys, people
from db.ids import now_ms
from db.ledger import Ledger
from tests.db.importers.test_again import answer
from tests.db.team import WAIT_S, Team, on_sqlite, outcome
from tests.product import ROOT

RECORDS = 40_000


@on_sqlite
def test_a_gateways_writes_wait_only_milliseconds_for_an_import(
    engine: Engine, url: str, tmp_path: Path, record_property: pytest.RecordProperty
) -> None:
    """The import in a process of its own, as `python -m db import` is; the oracle is the clock."""
    log = tmp_path / "large.jsonl"
    log.write_text("".join(answer(f"m{n}", n + 1) for n in range(RECORDS)))
    ada = people.add_developer(engine, "Ada", actor="test")
    key, _ = keys.create_key(engine, ada.id, "editor", actor="test")
    ledger, team = Ledger(url), Team(ada.id, key.id)
    ledger.open()
    try:
        alone = _latencies(ledger, team, until=lambda: False, most=200)
        command = [sys.executable, "-m", "db", "import", str(log)]
        importing = subprocess.Popen(
            command, cwd=ROOT, env={"BREAKEVEN_DATABASE_URL": url}, stdout=subprocess.PIPE
        )
        during = _latencies(ledger, team, until=lambda: importing.poll() is not None)
        told = importing.communicate()[0].decode()
    finally:
        ledger.close()
    assert importing.returncode == 0
    assert f"{RECORDS:,}" in told
    figures = {"alone": _p99(alone), "during": _p99(during), "longest": max(during)}
    for name, seconds in figures.items():
        record_property(f"{name}_ms", round(seconds * 1000, 1))
    print({name: f"{seconds * 1000:.1f} ms" for name, seconds in figures.items()}, len(during))
    assert len(during) > 200
    assert _p99(during) < 0.1, figures
    assert max(during) < 1.0, figures


def _latencies(ledger: Ledger, team: Team, *, until, most: int = 100_000) -> list[float]:  # type: ignore[no-untyped-def]
    """Seconds from handing a request in until it is durable, and the same for its end."""
    found: list[float] = []
    while not until() and len(found) < most:
        request = team.request(at=now_ms())
        for write in (
            lambda: ledger.admit(request),
            lambda: ledger.finish(outcome(request.id, at=now_ms())),
        ):
            asked = time.perf_counter()
            write().result(WAIT_S)
            found.append(time.perf_counter() - asked)
        time.sleep(0.002)
    return found


def _p99(latencies: list[float]) -> float:
    return sorted(latencies)[int(len(latencies) * 0.99)]
