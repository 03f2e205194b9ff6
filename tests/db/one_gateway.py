"""Run by test_shared_ledger: a gateway's ledger in a process of its own, told what to do by lines.

    admit N            admit N requests one after the other, each of 100 reserved tokens
    hammer N           hand in N requests at once; those that are admitted end with 100 tokens
    finish ID          end a request
    quit

Each line is answered by one of JSON.
"""

import json
import sys
from typing import Any

from db.errors import BudgetExceeded
from db.ids import now_ms
from db.ledger import Ledger
from tests.db.team import WAIT_S, Team, outcome


def answer(value: Any) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def hammer(ledger: Ledger, team: Team, requests: int) -> int:
    """How many of these the budget had room for."""
    new = [team.request(at=now_ms(), reserved_tokens=100) for _ in range(requests)]
    waiting = [ledger.admit(request) for request in new]
    admitted = 0
    for request, future in zip(new, waiting, strict=True):
        error = future.exception(WAIT_S)
        assert error is None or isinstance(error, BudgetExceeded), error
        if error is None:
            admitted += 1
            done = outcome(request.id, at=now_ms(), output_tokens=60)  # 100 with its input
            ledger.finish(done).result(WAIT_S)
    return admitted


def main() -> None:
    url, ada, key = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    ledger, team = Ledger(url), Team(ada, key)
    ledger.open()
    answer("open")
    for line in sys.stdin:
        match line.split():
            case ["admit", count]:
                answer([team.admit(ledger, at=now_ms(), reserved_tokens=100)
                        for _ in range(int(count))])  # fmt: skip
            case ["hammer", count]:
                answer(hammer(ledger, team, int(count)))
            case ["finish", request_id]:
                answer(ledger.finish(outcome(int(request_id), at=now_ms())).result(WAIT_S).status)
            case ["quit"]:
                ledger.close()
                answer("closed")
                return


if __name__ == "__main__":
    main()
