import random
import signal
import subprocess
import sys
import time
from collections import Counter

from db import limits, people
from db.check import check
from db.connect import connect
from db.ids import now_ms
from db.ledger import Ledger
from db.limits import Limits
from tests.db.killed_writer import RESERVED_TOKENS
from tests.db.team import WAIT_S, Team, outcome, rows

ROUNDS = 6


def test_kill_9_at_any_moment_loses_nothing_doubles_nothing_and_leaves_nothing_running(
    url: str,
) -> None:
    """Eight clients at a time on one ledger, whose process is killed again and again."""
    moments = random.Random(20)
    admitted: list[int] = []
    metered: list[int] = []
    finished: dict[int, str] = {}
    for _ in range(ROUNDS):
        for words in _promises_until_killed(url, moments.uniform(0.0, 0.8)):
            match words:
                case ["admitted", request_id]:
                    admitted.append(int(request_id))
                case ["metered", request_id]:
                    metered.append(int(request_id))
                case ["finished", request_id, status]:
                    finished[int(request_id)] = status
    assert len(finished) > ROUNDS

    ledger = Ledger(url)
    ledger.open()
    _wait_until_the_dead_are_known(ledger)
    stored = rows(ledger.engine, "requests")
    _require_that_nothing_stays_reserved(ledger)
    ledger.close()
    count = Counter(it["id"] for it in stored)
    by_id = {it["id"]: it for it in stored}
    assert [request_id for request_id in admitted if count[request_id] != 1] == []
    assert [it["id"] for it in stored if it["status"] == "running"] == []
    kept = {request_id: by_id[request_id]["status"] for request_id in finished}
    assert kept == finished
    assert {by_id[request_id]["output_tokens"] for request_id in finished} == {5}
    assert [request_id for request_id in metered if by_id[request_id]["energy_j"] != 2.0] == []
    assert check(connect(url, read_only=True)).violations == []


def _wait_until_the_dead_are_known(ledger: Ledger) -> None:
    """On a server other writers may live, so one is dead once it was not seen for half a minute."""
    deadline = time.monotonic() + 60
    while any(it["status"] == "running" for it in rows(ledger.engine, "requests")):
        assert ledger.engine.dialect.name == "postgresql"
        assert time.monotonic() < deadline
        time.sleep(0.5)


def _require_that_nothing_stays_reserved(ledger: Ledger) -> None:
    """A budget of what the rows hold and one request more has room for just that request."""
    used = sum(it["input_tokens"] + it["output_tokens"] for it in rows(ledger.engine, "requests"))
    ada = people.find_developer(ledger.engine, "Ada")
    assert ada is not None
    budget = Limits(tokens_per_month=used + RESERVED_TOKENS)
    limits.set_limits(ledger.engine, budget, developer_id=ada.id, actor="test")
    request = Team(ada.id, 0).request(at=now_ms(), api_key_id=None, reserved_tokens=RESERVED_TOKENS)
    ledger.admit(request).result(WAIT_S)
    ledger.finish(outcome(request.id, at=now_ms())).result(WAIT_S)


def _promises_until_killed(url: str, after_s: float) -> list[list[str]]:
    """What the ledger promised its clients before the process was killed, `after_s` after it
    opened. A last line that is cut short was never read by anybody."""
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.db.killed_writer", url], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    opened = writer.stdout.readline()
    assert opened.startswith("opened")
    time.sleep(after_s)
    writer.send_signal(signal.SIGKILL)
    lines = writer.stdout.read().splitlines(keepends=True)
    writer.stdout.close()
    writer.wait()
    return [line.split() for line in lines if line.endswith("\n")]
