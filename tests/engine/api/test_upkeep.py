"""The gateway deletes by itself what retention does not keep."""

import time
from pathlib import Path

from db import retention
from db.connect import connect
from db.ids import now_ms
from db.ledger import Ledger
from db.migrate import migrate
from db.retention import Retention
from db.spans import DAY_MS
from engine.api.upkeep import Upkeep
from tests.db.energy_rows import developer, request, write
from tests.db.team import rows

WITHIN_S = 10


def test_old_rows_go_by_themselves_again_and_again(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    ledger.open()
    ada = developer(ledger.engine, "Ada")
    retention.set_retention(ledger.engine, Retention(requests_days=30), actor="test")
    upkeep = Upkeep(lambda: ledger.engine, first_after_s=0, every_s=0.05)
    upkeep.start()
    try:
        for _ in range(2):
            old, new = now_ms() - 31 * DAY_MS, now_ms()
            write(ledger.engine, requests=[request(ada, at=old), request(ada, at=new)])
            deadline = time.monotonic() + WITHIN_S
            while any(it["started_at"] == old for it in rows(ledger.engine, "requests")):
                assert time.monotonic() < deadline
                time.sleep(0.02)
        assert len(rows(ledger.engine, "requests")) == 2
    finally:
        upkeep.stop()
        ledger.close()


def test_it_outlives_a_ledger_that_cannot_be_used_and_stops_at_once(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'ledger.db'}")
    upkeep = Upkeep(lambda: engine, first_after_s=0, every_s=0.02)
    upkeep.start()  # there are no tables yet
    time.sleep(0.1)
    migrate(engine)
    ada = developer(engine, "Ada")
    retention.set_retention(engine, Retention(requests_days=1), actor="test")
    write(engine, requests=[request(ada, at=0)])
    deadline = time.monotonic() + WITHIN_S
    while rows(engine, "requests"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    began = time.monotonic()
    upkeep.stop()
    assert time.monotonic() - began < 2
    engine.dispose()


def test_one_that_never_started_can_be_stopped(tmp_path: Path) -> None:
    Upkeep(lambda: connect(f"sqlite:///{tmp_path / 'ledger.db'}")).stop()
