"""LiteLLM's proxy before the instant upstream, as its guide for production sets it up.

Its spend log goes into an SQLite file by a callback (`litellm_spend_log.py` says why). Without a
database it has no virtual keys either: the master key is used, and LiteLLM does less for a request
than it usually would (no look-up of the key's budget, no spend per key, user and team to add up).
"""

import json
import os
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

import httpx

from tests.benchmarks.instant_upstream import MODEL
from tests.benchmarks.load import Target
from tests.product import free_port

MASTER_KEY = "sk-benchmark"
READY_WITHIN_S = 180
HOW_TO_INSTALL = "python3 -m venv {0} && {0}/bin/pip install 'litellm[proxy]'"
VERSION = "from importlib.metadata import version; print('LiteLLM', version('litellm'))"


class LiteLLM:
    """One `litellm` command with its configuration and spend log in `folder`."""

    def __init__(self, venv: Path, folder: Path, upstream_port: int, workers: int) -> None:
        self.venv = venv
        self.folder = folder
        self.port = free_port()
        self.workers = workers
        self.spend_log = folder / "spend.db"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        shutil.copy(Path(__file__).with_name("litellm_spend_log.py"), folder)
        # JSON is YAML too.
        (folder / "config.yaml").write_text(json.dumps(configuration(upstream_port)))

    @property
    def target(self) -> Target:
        return Target("LiteLLM", self.port, MASTER_KEY, self.rows)

    def rows(self) -> int:
        with sqlite3.connect(self.spend_log) as file:
            return int(file.execute("select count(*) from spend").fetchone()[0])

    def version(self) -> str:
        command = [str(self.venv / "bin" / "python"), "-c", VERSION]
        return subprocess.check_output(command, text=True).strip()

    def start(self) -> None:
        environment = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOG": "ERROR",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "SPEND_LOG": str(self.spend_log),
        }
        command = [
            str(self.venv / "bin" / "litellm"),
            *("--config", "config.yaml", "--host", "127.0.0.1"),
            *("--port", str(self.port), "--num_workers", str(self.workers)),
        ]
        with (self.folder / "litellm.log").open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=log, stderr=log
            )
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            assert self._process is not None
            assert self._process.poll() is None, f"LiteLLM stopped by itself:\n{self._log()}"
            try:
                url = f"http://127.0.0.1:{self.port}/health/liveliness"
                if httpx.get(url, timeout=2).status_code == httpx.codes.OK:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.2)
        raise AssertionError(f"LiteLLM is not ready after {READY_WITHIN_S} s:\n{self._log()}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=30)

    def _log(self) -> str:
        return (self.folder / "litellm.log").read_text(errors="replace")


def configuration(upstream_port: int) -> dict[str, object]:
    """LiteLLM's `config.yaml`: one model with a price, no retries, no debug logging."""
    upstream = {
        "model": f"openai/{MODEL}",
        "api_base": f"http://127.0.0.1:{upstream_port}/v1",
        "api_key": "none",
    }
    # A price in `litellm_params` would be registered anew for each request.
    price = {"input_cost_per_token": 1e-7, "output_cost_per_token": 4e-7}
    return {
        "model_list": [{"model_name": MODEL, "litellm_params": upstream, "model_info": price}],
        "general_settings": {"master_key": MASTER_KEY},
        "litellm_settings": {
            "callbacks": ["litellm_spend_log.spend_log"],
            "request_timeout": 600,
            "set_verbose": False,
            "telemetry": False,
        },
    }
