"""An HTTP server that answers what a test tells it to, and can die and come back."""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from engine.energy.remote.config import MeterConfig
from engine.energy.remote.meter import RemoteMeter


@dataclass
class Page:
    """One answer. `body` may be a function, called at each request."""

    body: str | bytes | Callable[[], str]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0


class MeterServer:
    """Serves `pages` by path with query; anything else is a 404."""

    def __init__(self, pages: dict[str, Page | str]) -> None:
        self.pages = pages
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._port = 0
        self.start()

    def start(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                page = outer.pages.get(self.path, Page("no such page", 404))
                page = page if isinstance(page, Page) else Page(page)
                time.sleep(page.delay_s)
                body = page.body() if callable(page.body) else page.body
                data = body.encode() if isinstance(body, str) else body
                self.send_response(page.status)
                for name, value in page.headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in page.headers:
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

            def handle(self) -> None:
                # The client may go away, as one that is tired of waiting does.
                with contextlib.suppress(OSError):
                    super().handle()

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def url(self, path: str = "") -> str:
        return f"http://127.0.0.1:{self._port}{path}"

    def open(self, path: str = "", **options: Any) -> RemoteMeter:
        given: dict[str, Any] = {"url": self.url(path), "every_s": 0.2, "name": "m"} | options
        return RemoteMeter(MeterConfig.model_validate(given))


def wait_for(condition: Callable[[], bool], within_s: float = 8.0) -> bool:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return condition()
