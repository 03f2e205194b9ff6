"""The running product behind the pages: a real service with the real model, and its gateway."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import streamlit as st
import uvicorn
from streamlit import config
from streamlit.testing.v1 import AppTest

from dashboard import access
from db import people
from db.settings import Settings
from engine.api import current
from engine.api.app import create_app
from engine.api.service import Service
from tests.conftest import make_home
from tests.dashboard.people_of_roles import Be, Somebody, make_people
from tests.engine.api.upstream_server import MODEL as UPSTREAM_MODEL
from tests.engine.api.upstream_server import UpstreamServer
from tests.product import ROOT, free_port

READY_WITHIN_S = 90


class Running:
    """A service and its gateway on a loop of their own, as in the product."""

    def __init__(self, settings: Settings, *, with_engine: bool) -> None:
        self.settings = settings
        self.service = Service(self.settings)
        self.port = free_port()
        self._with_engine = with_engine
        self._up = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> "Running":
        self._thread.start()
        assert self._up.wait(20)
        current.set_current(self.service)
        if self._with_engine:
            deadline = time.monotonic() + READY_WITHIN_S
            while self.service.state.name in ("fetching", "loading"):
                assert time.monotonic() < deadline, self.service.state
                time.sleep(0.1)
        return self

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(30)
        current.set_current(None)

    def _run(self) -> None:
        app = create_app(self.service)
        self._server = uvicorn.Server(
            uvicorn.Config(app, port=self.port, host="localhost", lifespan="off", log_level="error")
        )
        self._server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        if self._with_engine:
            await self.service.start()
        else:
            await asyncio.to_thread(self.service.ledger.open)
        self._up.set()
        await self._server.serve()
        await self.service.stop()


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Service]:
    """An empty ledger of its own, and no engine: enough for every page but Chat."""
    running = Running(Settings(home=tmp_path / "home", threads=1), with_engine=False).start()
    yield running.service
    running.stop()
    st.cache_data.clear()


@pytest.fixture(scope="module")
def product_with_engine(
    tmp_path_factory: pytest.TempPathFactory, weights_dir: Path
) -> Iterator[Service]:
    """The real model behind a real gateway, which Chat reaches over HTTP."""
    home = make_home(tmp_path_factory.mktemp("engine") / "home", weights_dir)
    running = Running(Settings(home=home, threads=1), with_engine=True).start()
    with reached_by_chat(running):
        yield running.service
    running.stop()
    st.cache_data.clear()


@pytest.fixture(scope="module")
def upstream() -> Iterator[UpstreamServer]:
    server = UpstreamServer()
    server.context = 8_192
    yield server
    server.stop()


@pytest.fixture(scope="module")
def product_with_upstreams(
    tmp_path_factory: pytest.TempPathFactory, upstream: UpstreamServer
) -> Iterator[Service]:
    """No engine here: a server with two models behind the gateway, of which it lists the first
    alone with its context, and a server that is not there."""
    folder = tmp_path_factory.mktemp("upstreams")
    (folder / "upstreams.toml").write_text(
        f"""
        [[upstream]]
        url = "{upstream.url}"
        models = ["{UPSTREAM_MODEL}", "small"]
        max_running = 4

        [[upstream]]
        url = "http://127.0.0.1:{free_port()}/v1"
        """
    )
    settings = Settings(
        home=folder / "home", model="none", upstreams=str(folder / "upstreams.toml")
    )
    running = Running(settings, with_engine=True).start()
    with reached_by_chat(running):
        yield running.service
    running.stop()
    st.cache_data.clear()


@contextmanager
def reached_by_chat(running: Running) -> Iterator[None]:
    """Chat asks the gateway at the port that Streamlit is told to listen on."""
    before = config.get_option("server.port")
    config.set_option("server.port", running.port)
    yield
    config.set_option("server.port", before)


def open_page(name: str = "overview", **query: str) -> AppTest:
    """The product's main script, on one of its pages."""
    page = AppTest.from_file(str(ROOT / "dashboard" / "main.py"), default_timeout=30)
    page.context = {"timezone": "Asia/Kolkata", "url": "http://gpu-box:8501/"}
    if name != "overview":
        page.switch_page(f"views/{name}.py")
    for parameter, value in query.items():
        page.query_params[parameter] = value
    page.run()
    assert not page.exception, page.exception
    return page


@pytest.fixture
def beyond_localhost() -> Iterator[None]:
    """As if started with `--server.address 0.0.0.0`."""
    before = config.get_option("server.address")
    config.set_option("server.address", "0.0.0.0")
    yield
    config.set_option("server.address", before)


@pytest.fixture
def everybody(product: Service) -> dict[str, Somebody]:
    return make_people(product.ledger)


@pytest.fixture
def ids(product: Service, everybody: dict[str, Somebody]) -> dict[str, int]:
    return {person.name: person.id for person in people.list_developers(product.database)}


@pytest.fixture
def as_(everybody: dict[str, Somebody], monkeypatch: pytest.MonkeyPatch) -> Be:
    """Whose browser opens pages: AppTest has none of its own to send a cookie."""

    def be(name: str) -> Somebody:
        monkeypatch.setattr(access, "page_cookie", lambda: everybody[name].cookie)
        return everybody[name]

    return be
