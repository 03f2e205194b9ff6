"""`python -m engine serve` as a process: how it starts, refuses and ends."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil

from tests.product import ROOT, Product


def serve(home: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "engine", "serve", *options],
        cwd=ROOT,
        env={**os.environ, "BREAKEVEN_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_beyond_this_machine_it_demands_a_password_first(home: Path) -> None:
    refused = serve(home, "--host", "0.0.0.0")

    assert refused.returncode == 1
    assert "python -m db admin set-password" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_a_port_that_is_taken_is_told_in_one_line(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = serve(home, "--host", "127.0.0.1", "--port", str(port))

    assert refused.returncode == 1
    assert refused.stderr == f"Port {port} is taken by another program; choose one with --port.\n"


def test_a_second_gateway_on_the_same_ledger_is_told_in_one_line_and_sigterm_ends_streams(
    home: Path,
) -> None:
    """Two behaviours on one running product: its start costs seconds."""
    product = Product(home, "serve").start()
    try:
        refused = serve(home, "--port", str(product.port + 1))
        assert refused.returncode == 1
        assert "Another Breakeven already runs" in refused.stderr
        assert len(refused.stderr.splitlines()) == 1

        key = product.run("db", "key", "create", "--developer", "ada").split("bk-")[1].split()[0]
        told = _stream_until_sigterm(product, f"bk-{key}")
    finally:
        product.stop()
    assert told["error"]["code"] == "gateway_stopped"
    with sqlite3.connect(home / "ledger.db") as ledger:
        rows = ledger.execute("SELECT status, output_tokens > 0 FROM requests").fetchall()
    assert rows == [("interrupted", 1)]
    assert "Breakeven answers at" in product.log()
    assert "Traceback" not in product.log()


def _stream_until_sigterm(product: Product, key: str) -> dict[str, dict[str, str]]:
    """Signal the product once its stream has told three pieces; returns the last one. Checks
    that every process is gone within 5 s."""
    body = {
        "model": "smollm2-135m-instruct",
        "messages": [{"role": "user", "content": "Tell me a long story."}],
        "stream": True,
        "temperature": 2.0,
    }
    headers = {"authorization": f"Bearer {key}"}
    address = f"{product.url}/v1/chat/completions"
    pieces: list[str] = []
    processes = product.processes()
    with httpx.stream("POST", address, json=body, headers=headers, timeout=30) as response:
        for line in response.iter_lines():
            pieces += [line.removeprefix("data: ")] if line.startswith("data: ") else []
            if len(pieces) == 3:
                signalled = time.monotonic()
                processes[0].send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(processes, timeout=5 - (time.monotonic() - signalled))
    assert not alive
    last: dict[str, dict[str, str]] = json.loads(pieces[-1])
    return last
