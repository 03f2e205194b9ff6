"""Everything is killed in the middle of long answers: what they took until then is kept."""

import re
import sqlite3
import threading
import time
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from tests.kill.clients import Clients, Told
from tests.kill.gateway import wait_until
from tests.kill.rounds import DURABLE_WITHIN_S, UNSEEN_TOKENS, seated
from tests.product import Product

STREAMS = 3
ANSWER_FOR_S = 10.0
WINDOWS_WITHIN_S = 2.0
TOLERANCE_J = 0.01  # /metrics rounds


class EnergyWatch:
    """What /metrics says that requests took in joules, and when it said so."""

    def __init__(self, url: str) -> None:
        self.seen: list[tuple[float, float]] = []
        self._url = url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self) -> None:
        self._stop.set()
        self._thread.join()

    def joules_until(self, moment: float) -> float:
        return max((joules for at, joules in self.seen if at <= moment), default=0.0)

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            text = httpx.get(f"{self._url}/metrics", timeout=20).text
            found = re.findall(r"^breakeven_energy_joules_total(?:{.*})? (\S+)$", text, re.M)
            self.seen.append((time.monotonic(), sum(map(float, found))))


def _runs_long(told: Told) -> bool:
    """It is in flight, and for longer than what a kill may cost it."""
    begun = told.received[0][0] if told.received else time.monotonic()
    return told.output_tokens is None and begun < time.monotonic() - 2 * DURABLE_WITHIN_S


@pytest.mark.slow
def test_a_killed_long_stream_keeps_its_tokens_and_joules_but_for_the_last_two_seconds(
    home: Path,
) -> None:
    seats = seated(f"sqlite:///{home / 'ledger.db'}")[:STREAMS]
    product = Product(home, "serve").start()
    clients = Clients(product.url, seats, seed=1, streamed_tokens=4_000, whole=0.0)
    assert clients.answered.wait(60)
    watch = EnergyWatch(product.url)
    time.sleep(ANSWER_FOR_S)
    wait_until(lambda: any(_runs_long(told) for told in clients.told), within_s=60)
    clients.ask_no_more()
    watch.end()
    killed_at = time.monotonic()
    product.kill_all()
    clients.join()
    product.start()
    product.stop()

    with sqlite3.connect(home / "ledger.db") as ledger:
        stored = ledger.execute("SELECT id, status, output_tokens, energy_j FROM requests")
        rows = {row[0]: row[1:] for row in stored.fetchall()}
    cut = [told for told in clients.told if told.output_tokens is None]
    assert any(told.tokens_until(killed_at - DURABLE_WITHIN_S) > 0 for told in cut)
    for told in cut:
        status, tokens, joules = rows[told.request_id]
        assert status == "interrupted"
        promised = told.tokens_until(killed_at - DURABLE_WITHIN_S)
        assert promised <= tokens <= told.tokens + UNSEEN_TOKENS
        assert promised == 0 or joules > 0
    known = sum(joules or 0.0 for _, _, joules in rows.values())
    assert known >= watch.joules_until(killed_at - DURABLE_WITHIN_S) - TOLERANCE_J
    # Running requests get theirs as they run, not at their end.
    changes = [at for (_, before), (at, now) in pairwise(watch.seen) if now > before]
    pauses = [later - earlier for earlier, later in pairwise(changes)]
    assert len(pauses) >= 3
    assert sorted(pauses)[len(pauses) // 2] <= WINDOWS_WITHIN_S
    assert "all rules hold" in product.run("db", "check")
