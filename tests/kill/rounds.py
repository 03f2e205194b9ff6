"""Kill the product again and again under load: `python -m tests.kill.rounds --rounds 50`.

After every kill the ledger is compared with what clients were told until then. Each round prints a
line; the first rule that does not hold ends it with an AssertionError.
"""

import random
import signal
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click
import psutil
from platformdirs import user_cache_path
from sqlalchemy import select

from db.connect import connect, reading
from db.keys import create_key
from db.migrate import migrate
from db.people import add_developer
from db.schema import Request
from tests.conftest import make_home
from tests.kill.clients import STREAMED_TOKENS, Clients, Seat, Told
from tests.product import Product

Victim = Literal["worker", "gateway", "everything"]

VICTIMS: tuple[Victim, ...] = ("worker", "gateway", "everything")
SEATS = 8
DURABLE_WITHIN_S = 2.0
ANSWERED_WITHIN_S = 30.0
UNSEEN_TOKENS = 8  # of a stream: computed and on their way when it was cut
ORPHAN_ENDS_WITHIN_S = 10.0
DEAD_KNOWN_WITHIN_S = 60.0  # on a server: 30 s unseen, looked for every 15 s

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Round:
    victim: Victim
    after_s: float
    recovered_s: float
    told: int
    whole: int
    statuses: Counter[str]
    unsaved: int  # the most tokens that a client had and the ledger has not

    def __str__(self) -> str:
        ended = ", ".join(f"{count} {status}" for status, count in sorted(self.statuses.items()))
        return (
            f"{self.victim:<10} after {self.after_s:.2f} s, back in {self.recovered_s:4.1f} s:"
            f" told of {self.told:3} ({self.whole:2} whole); {ended};"
            f" at most {self.unsaved} tokens short"
        )


class Rounds:
    """One product on one ledger. `close` it."""

    def __init__(self, home: Path, database_url: str | None = None, seed: int = 20) -> None:
        self.url = database_url or f"sqlite:///{home / 'ledger.db'}"
        self.product = Product(home, "serve", variables={"BREAKEVEN_DATABASE_URL": self.url})
        self.told: dict[int, Told] = {}
        self._seats = seated(self.url)
        self._sent: Counter[int] = Counter()
        self._chance = random.Random(seed)
        self._victims: list[Victim] = []
        self.product.start()
        self._reader = connect(self.url, read_only=True)
        self._known: set[int] = set()

    def play(self, victim: Victim | None = None) -> Round:
        """Load, kill (by default whose turn it is), recover, compare."""
        clients = Clients(self.product.url, self._seats, self._chance.randrange(2**32))
        after_s = self._chance.uniform(0.2, 4.0)
        if self._chance.random() < 0.8:  # else while prompts are read or requests admitted
            clients.answered.wait(ANSWERED_WITHIN_S)
        time.sleep(after_s)
        # No client may ask anew after the kill: the threads end with what they asked before.
        clients.ask_no_more()
        victim = victim or self._next_victim()
        killed_at = time.monotonic()
        self._kill(victim)
        clients.join()
        if victim == "worker":
            self.product.wait_until_ready()
        else:
            self.product.start()
        recovered_s = time.monotonic() - killed_at
        for told in clients.told:
            assert told.request_id not in self.told, f"{told.request_id:x} was given twice"
            self.told[told.request_id] = told
        self._sent.update(clients.sent)
        rows = self._rows_once_ended(victim)
        self._compare(rows)
        unsaved = [
            _compared(told, rows[told.request_id], killed_at, victim) for told in clients.told
        ]
        new = [row for key, row in rows.items() if key not in self._known]
        self._known |= rows.keys()
        return Round(
            victim,
            after_s,
            recovered_s,
            told=len(clients.told),
            whole=sum(told.output_tokens is not None for told in clients.told),
            statuses=Counter(row["status"] for row in new),
            unsaved=max(unsaved, default=0),
        )

    def close(self) -> str:
        """Stop it; what `db check` says, which fails where a rule does not hold."""
        self._reader.dispose()
        self.product.stop()
        return self.product.run("db", "check").strip()

    def _next_victim(self) -> Victim:
        """In an order by chance, each as often as the others."""
        if not self._victims:
            self._victims = self._chance.sample(VICTIMS, len(VICTIMS))
        return self._victims.pop()

    def _kill(self, victim: Victim) -> None:
        if victim == "everything":
            self.product.kill_all()
            return
        gateway, *others = self.product.processes()
        [worker] = [it for it in others if "engine.runtime.worker" in it.cmdline()]
        if victim == "worker":
            worker.send_signal(signal.SIGKILL)
            worker.wait(ORPHAN_ENDS_WITHIN_S)
            return
        gateway.send_signal(signal.SIGKILL)
        gateway.wait(ORPHAN_ENDS_WITHIN_S)
        _, orphans = psutil.wait_procs(others, ORPHAN_ENDS_WITHIN_S)
        assert not orphans, "a worker outlived its gateway"

    def _rows_once_ended(self, victim: Victim) -> dict[int, Row]:
        """On a server other gateways may live, so that one is dead is known after a while."""
        on_server = self._reader.dialect.name == "postgresql" and victim != "worker"
        deadline = time.monotonic() + (DEAD_KNOWN_WITHIN_S if on_server else 0.0)
        while True:
            with reading(self._reader) as connection:
                r = Request
                columns = select(r.id, r.developer_id, r.status, r.output_tokens, r.energy_j)
                rows = [dict(row) for row in connection.execute(columns).mappings()]
            running = [row for row in rows if row["status"] == "running"]
            if not running or time.monotonic() >= deadline:
                break
            time.sleep(0.5)
        assert running == [], "rows left running"
        assert len({row["id"] for row in rows}) == len(rows), "rows doubled"
        return {row["id"]: row for row in rows}

    def _compare(self, rows: dict[int, Row]) -> None:
        lost = [told for key, told in self.told.items() if key not in rows]
        assert lost == [], "requests that clients were told of are lost"
        made = Counter(row["developer_id"] for row in rows.values())
        more = {of: (made[of], self._sent[of]) for of in made if made[of] > self._sent[of]}
        assert more == {}, "more rows than requests"


def _compared(told: Told, row: Row, killed_at: float, victim: Victim) -> int:
    """The tokens that a client has and the row has not."""
    assert row["developer_id"] == told.developer_id
    has: int = row["output_tokens"]
    if told.output_tokens is not None:
        assert (row["status"], has) == ("ok", told.output_tokens), (told, row)
        return 0
    assert row["status"] in ("ok", "error", "interrupted"), row
    # The gateway that lives on has counted all that it sent.
    promised = (
        told.tokens if victim == "worker" else told.tokens_until(killed_at - DURABLE_WITHIN_S)
    )
    assert promised <= has <= min(told.tokens + UNSEEN_TOKENS, STREAMED_TOKENS), (told, row)
    lost: int = max(told.tokens - has, 0)
    return lost


def seated(url: str) -> list[Seat]:
    """Developers with a key each on a ledger, made where there is none."""
    engine = connect(url)
    migrate(engine)
    seats = []
    for number in range(SEATS):
        person = add_developer(engine, f"developer {number}", actor="test")
        seats.append(Seat(person.id, create_key(engine, person.id, "kill", actor="test")[1]))
    engine.dispose()
    return seats


@click.command(help=__doc__)
@click.option("--rounds", "count", type=click.IntRange(1), default=50, show_default=True)
@click.option("--database", help="URL of an empty database. Default: a file of its own.")
@click.option("--seed", type=int, default=20, show_default=True)
def main(count: int, database: str | None, seed: int) -> None:
    weights = user_cache_path("breakeven-tests", appauthor=False) / "weights"
    with tempfile.TemporaryDirectory() as folder:
        rounds = Rounds(make_home(Path(folder) / "home", weights), database, seed)
        try:
            for number in range(1, count + 1):
                click.echo(f"{number:3} {rounds.play()}")
            told = rounds.told.values()
            click.echo(
                f"{len(told)} requests told of, {sum(t.tokens for t in told)} tokens received"
            )
        finally:
            click.echo(rounds.close())


if __name__ == "__main__":
    main()
