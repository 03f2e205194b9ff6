"""Runs the product as a user would: a process of its own, a home of its own, a free port."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import httpx
import psutil

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN_S = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Product:
    """`streamlit run dashboard/app.py` or `python -m engine serve` on a home folder.

    `variables` are set in its environment; `prefix` is a command that runs it, such as `setpriv`.
    """

    def __init__(
        self,
        home: Path,
        kind: Literal["dashboard", "serve"] = "dashboard",
        *,
        variables: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        self.home = home
        self.kind = kind
        self.variables = dict(variables or {})
        self._prefix = prefix
        self.port = free_port()
        self.log_path = home / f"{kind}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "BREAKEVEN_HOME": str(self.home), **self.variables}

    def start(self, *options: str) -> "Product":
        """Start it and wait until the engine answers."""
        self.launch(*options)
        self.wait_until_ready()
        return self

    def launch(self, *options: str) -> "subprocess.Popen[bytes]":
        """Start it without waiting for anything."""
        commands = {
            "dashboard": ["streamlit", "run", "dashboard/app.py", "--server.port", str(self.port)],
            "serve": ["engine", "serve", "--port", str(self.port)],
        }
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._prefix, sys.executable, "-m", *commands[self.kind], *options],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self._process

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            assert self._process is not None
            assert self._process.poll() is None, f"it stopped by itself:\n{self.log()}"
            try:
                if httpx.get(f"{self.url}/health", timeout=2).json().get("state") == "ready":
                    return
            except (httpx.HTTPError, ValueError):
                pass
            time.sleep(0.1)
        raise AssertionError(f"not ready after {READY_WITHIN_S} s:\n{self.log()}")

    def wait_until_answering(self) -> None:
        """Until the pages can be opened, whether or not there is an engine."""
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            assert self._process is not None
            assert self._process.poll() is None, f"it stopped by itself:\n{self.log()}"
            try:
                if httpx.get(f"{self.url}/_stcore/health", timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"not answering after {READY_WITHIN_S} s:\n{self.log()}")

    def processes(self) -> list[psutil.Process]:
        """The product's process and all that it started, parents first."""
        assert self._process is not None
        parent = psutil.Process(self._process.pid)
        return [parent, *parent.children(recursive=True)]

    def kill_all(self) -> None:
        """SIGKILL to every process of the product at once, as a power cut would."""
        victims = self.processes()
        for victim in victims:
            victim.send_signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()
        psutil.wait_procs(victims, timeout=10)

    def stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        children = self.processes()
        self._process.terminate()
        _, alive = psutil.wait_procs(children, timeout=15)
        for process in alive:
            process.kill()
        self._process.wait()

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def run(self, *arguments: str) -> str:
        """A command of the product on the same home: `run("db", "check")`."""
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{arguments} failed:\n{done.stdout}\n{done.stderr}"
        return done.stdout
