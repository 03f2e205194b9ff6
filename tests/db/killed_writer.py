"""Run by test_kill: admits, checkpoints, meters and finishes requests until it is killed.

Prints a line for every promise the ledger made it, once the promise was made.
"""

import itertools
import sys
import threading
import time
from concurrent.futures import Future
from typing import Any

from db import people
from db.ids import new_id, now_ms
from db.ledger import Ledger
from db.records import EnergyRecord, NewRequest, RequestOutcome

WAIT_S = 20
CLIENTS = 8
RESERVED_TOKENS = 1_000

_output = threading.Lock()


def promised(*words: object) -> None:
    with _output:
        sys.stdout.write(" ".join(map(str, words)) + "\n")
        sys.stdout.flush()


def client(ledger: Ledger, developer_id: int) -> None:
    """One client's requests, one after the other; every third is cancelled."""
    for number in itertools.count():
        request_id, started = new_id(), now_ms()
        new = NewRequest(
            request_id, started, developer_id, "Ada", None, "model", "engine", "chat", True, 10,
            reserved_tokens=RESERVED_TOKENS,
        )  # fmt: skip
        ledger.admit(new).result(WAIT_S)
        promised("admitted", request_id)
        ledger.first_token(request_id, now_ms())
        for token in range(1, 6):
            ledger.progress(request_id, token, now_ms())
            time.sleep(0.001)
        share: Future[Any] = ledger.record_energy(
            EnergyRecord(started, now_ms(), 0.01, 3.0, 1.0, {request_id: 2.0}, "measured", "meter")
        )
        share.result(WAIT_S)
        promised("metered", request_id)
        status = "cancelled" if number % 3 == 2 else "ok"
        done = RequestOutcome(request_id, status, now_ms(), 10.0, 5)  # type: ignore[arg-type]
        ledger.finish(done).result(WAIT_S)
        promised("finished", request_id, status)


def main() -> None:
    ledger = Ledger(sys.argv[1])
    ledger.open()
    ada = people.find_developer(ledger.engine, "Ada") or people.add_developer(
        ledger.engine, "Ada", actor="test"
    )
    promised("opened", ledger.interrupted_at_open)
    threads = [threading.Thread(target=client, args=(ledger, ada.id)) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
