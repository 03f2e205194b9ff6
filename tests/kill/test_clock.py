"""The machine's clock is set back by an hour while the gateway answers."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.kill.clients import MODEL
from tests.kill.gateway import running, wait_until
from tests.kill.rounds import seated
from tests.product import Product

HOUR_S = 3_600


class Clock:
    """A library to preload, and the file that says by how many seconds it shifts the wall clock."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("gcc") is None:
            pytest.skip("there is no C compiler")
        library, source = folder / "clock.so", Path(__file__).with_name("clock.c")
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        self._file = folder / "clock-shift"
        self.set_by(0)
        self.variables = {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(self._file)}

    def set_by(self, seconds: int) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.write_text(str(seconds))
        fresh.replace(self._file)


def _require_order(row: dict[str, Any]) -> None:
    times = [row["started_at"], row["first_token_at"] or row["started_at"], row["finished_at"]]
    assert times == sorted(times), row
    assert min(row["ttft_ms"] or 0, row["duration_ms"], row["queue_ms"] or 0) >= 0, row


def test_requests_go_on_and_stay_in_order_when_the_clock_is_set_back(tmp_path: Path) -> None:
    clock = Clock(tmp_path)
    with running(tmp_path, **clock.variables) as gateway:
        ids = [gateway.ask().headers["x-request-id"]]
        slow = gateway.begin_slow_answer(pieces=3, pause_s=1.0)
        clock.set_by(-HOUR_S)  # before its first token
        ids += [gateway.ask().headers["x-request-id"] for _ in range(3)]
        assert "[DONE]" in slow.result().text
        ids.insert(1, slow.result().headers["x-request-id"])
        assert ids == sorted(set(ids))
        rows = gateway.rows()
        assert [f"{row['id']:016x}" for row in rows] == ids
        assert [row["status"] for row in rows] == ["ok"] * 5
        assert rows[0]["started_at"] - rows[-1]["started_at"] > (HOUR_S - 60) * 1000
        for row in rows:
            _require_order(row)
        gateway.check()


def test_a_request_that_a_crash_cut_is_in_order_although_the_clock_was_set_back(
    tmp_path: Path,
) -> None:
    clock = Clock(tmp_path)
    with running(tmp_path, **clock.variables) as gateway:
        gateway.begin_slow_answer(pieces=100, pause_s=0.5)
        clock.set_by(-HOUR_S)
        wait_until(lambda: gateway.rows()[0]["output_tokens"] >= 2)
        gateway.product.kill_all()
        gateway.product.start()
        [row] = gateway.rows()
        assert row["status"] == "interrupted"
        assert row["output_tokens"] >= 2
        _require_order(row)
        gateway.check()


@pytest.mark.slow
def test_energy_is_conserved_over_a_clock_that_is_set_back(home: Path) -> None:
    clock = Clock(home)
    seat = seated(f"sqlite:///{home / 'ledger.db'}")[0]
    product = Product(home, "serve", variables=clock.variables).start()
    try:
        for shift in (0, -HOUR_S, 0):
            clock.set_by(shift)
            answer = httpx.post(
                f"{product.url}/v1/chat/completions",
                headers={"authorization": f"Bearer {seat.key}"},
                json={
                    "model": MODEL,
                    "messages": [{"role": "user", "content": "Tell me a story."}],
                    "max_tokens": 32,
                },
                timeout=120,
            )
            assert answer.status_code == 200
    finally:
        product.stop()
    assert "all rules hold" in product.run("db", "check")
