"""The event stream over real HTTP, and the files that pages fetch from this server alone."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from dashboard.ledgers import engine_of
from dashboard.live.hub import Hub
from dashboard.live.routes import EVENTS, PLOTLY_JS, live_routes
from dashboard.overview import View
from dashboard.overview_words import live_payload
from db.request_pages import served
from engine.api.service import Service
from tests.dashboard.test_overview_page import use_now
from tests.product import free_port


class Site:
    """The live routes on a port of their own."""

    def __init__(self) -> None:
        self.hub: Hub[View] = Hub(lambda view: live_payload(engine_of(view.ledger), view))
        self.url = f"http://localhost:{(port := free_port())}"
        app = Starlette(routes=live_routes(self.hub))
        config = uvicorn.Config(app, host="localhost", port=port, log_level="error")
        self._server = uvicorn.Server(config)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> "Site":
        self._thread.start()
        while not self._server.started:
            time.sleep(0.02)
        return self

    def stop(self) -> None:
        self.call(self.hub.close)
        self._server.should_exit = True
        self._thread.join(10)

    def call(self, action: Any) -> None:
        self._loop.call_soon_threadsafe(action)

    def _run(self) -> None:
        self._loop.run_until_complete(self._server.serve())


@pytest.fixture
def site(product: Service) -> Iterator[Site]:
    site = Site().start()
    yield site
    site.stop()


def events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def test_a_request_is_on_the_stream_without_asking_again(site: Site, product: Service) -> None:
    with httpx.stream("GET", f"{site.url}{EVENTS}?range=hour", timeout=60) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        stream = events(response.iter_lines())
        assert next(stream)["requests"] == 0
        use_now(product)
        site.call(site.hub.announce)
        payload = next(payload for payload in stream if payload["requests"] == 1)
        assert sum(payload["chart"]["tokens"]) == 65


def test_closing_the_hub_ends_open_streams_so_that_the_server_can_stop(site: Site) -> None:
    with httpx.stream("GET", f"{site.url}{EVENTS}", timeout=10) as response:
        stream = events(response.iter_lines())
        next(stream)
        site.call(site.hub.close)
        assert list(stream) == []


@pytest.mark.parametrize(
    "query",
    [
        "ledger=other",
        "range=fortnight",
        "range=2026-05-17/2026-05-03",
        "range=2998-05-03/2998-05-17",
        "timezone=../../etc/passwd",
        "timezone=Mars/Base",
        "idle=nobody",
        "team=search",
        "team=7",
        "team=99999999999999999999",
        "model=none-such",
        "engine=none-such",
    ],
)
def test_what_there_is_not_is_refused(site: Site, query: str) -> None:
    assert httpx.get(f"{site.url}{EVENTS}?{query}").status_code == 400


def test_of_a_team_model_and_engine_that_there_are_the_figures_come(
    site: Site, product: Service
) -> None:
    use_now(product)
    there = served(product.database)
    query = {"range": "hour", "team": "0", "model": there.models[0], "engine": there.engines[0]}
    with httpx.stream("GET", f"{site.url}{EVENTS}", params=query, timeout=60) as response:
        assert next(events(response.iter_lines()))["requests"] == 1


def test_plotly_js_comes_from_this_server_and_may_be_kept(site: Site) -> None:
    answer = httpx.get(f"{site.url}{PLOTLY_JS}", timeout=20)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert b"plotly.js" in answer.content[:200]
