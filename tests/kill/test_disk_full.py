"""The disk is full for real while the gateway answers."""

import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from engine.api.gateway_log import GatewayLog
from tests.kill.gateway import Gateway, running

MOST_TIMES_ROOM = 50
Fault = Callable[[Gateway], AbstractContextManager[None]]


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system of 4 MB; only root may make one."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def full_disk(gateway: Gateway) -> AbstractContextManager[None]:
    return no_room_in(gateway.home)


@contextmanager
def no_room_in(folder: Path) -> Iterator[None]:
    """Until the end of the block another file takes all the room that is left."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65_536, 4_096, 1):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError:
                continue
    yield
    ballast.unlink()


@contextmanager
def full_quota(gateway: Gateway) -> Iterator[None]:
    """Until the end of the block no file of the process may grow, as on a disk with quotas."""
    pid = gateway.product.processes()[0].pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    largest = max(path.stat().st_size for path in gateway.home.glob("ledger.db*"))
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest, before[1]))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def _is_survived(gateway: Gateway, fault: Fault, says: str) -> None:
    in_flight = gateway.begin_slow_answer(pieces=12, pause_s=0.5)
    slow = [row["id"] for row in gateway.rows()]
    with fault(gateway):
        answered = refusals = 0
        while gateway.health().status_code == 200:
            more, refused = gateway.ask_until_refused()
            answered, refusals = answered + more, refusals + 1
            told = refused.json()["error"]
            assert (refused.status_code, told["code"]) == (503, "ledger_unavailable")
            assert says in told["message"]
            assert "retry-after" in refused.headers
            # SQLite's log may find room again in what is left of it, for a few rows more.
            assert refusals < MOST_TIMES_ROOM
        assert says in gateway.health().json()["ledger"]["message"]
        # Where its row cannot be completed, it is no complete answer to its client.
        text = in_flight.result().text
        assert text.count("word") == 12
        [status] = [row["status"] for row in gateway.rows() if row["id"] in slow]
        assert (status, "[DONE]" in text, "ledger_unavailable" in text) in (
            ("running", False, True),
            ("ok", True, False),  # there was room for just this
        )
        metered = [row for row in gateway.rows() if row["id"] not in slow]
        assert sum(row["status"] == "ok" for row in metered) >= answered
        # A refused one may have been admitted and computed, and only its end have been refused.
        assert len(metered) <= answered + refusals
    gateway.wait_until_recovered()
    assert gateway.ask().status_code == 200
    rows = gateway.rows()
    assert {row["status"] for row in rows} == {"ok"}
    assert [row["output_tokens"] for row in rows if row["id"] in slow] == [12]
    assert "Traceback" not in gateway.product.log()
    gateway.check()


def test_a_full_disk_is_told_and_what_it_refused_is_written_once_there_is_room(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path), running(tmp_path) as gateway:
        _is_survived(gateway, full_disk, says="the disk is full; free some space on it")


def test_a_log_that_finds_no_room_says_so_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk(tmp_path), no_room_in(tmp_path):
        log = GatewayLog(tmp_path / "gateway.log")
        log.start()
        for _ in range(100):
            log.refused(status=503)
        log.stop()
    assert capsys.readouterr().err.count("gateway.log cannot be written") == 1


def test_files_that_may_not_grow_are_told_and_survived_too(tmp_path: Path) -> None:
    with running(tmp_path) as gateway:
        _is_survived(gateway, full_quota, says="the space left on it")
