"""Downloads over HTTP: who may have them, what they are called, and that half a file shows."""

import logging
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard import access
from dashboard.gate import SIGN_OUT
from dashboard.reports import requests as requests_export
from dashboard.reports.routes import AT_ONCE, Downloads
from db.accounts import Holder, add_account
from engine.api.service import Service
from tests.dashboard.people_of_roles import ORIGIN, PASSWORD, Door, sign_in
from tests.dashboard.reports.books import add, at, parquet_of, person, request, rows_of
from tests.product import free_port

RANGE = "from=2025-10-01&to=2025-11-01"
FILE = f"/exports/requests.csv?{RANGE}"


@pytest.fixture
def database(product: Service) -> Engine:
    ada, _ = person(product.database, "Ada", "Platform")
    add(product.database, [request(ada, at(5))])
    return product.database


@pytest.fixture
def downloads() -> Downloads:
    return Downloads()


@pytest.fixture
def app(database: Engine, downloads: Downloads) -> Starlette:
    return Door(lambda: database, downloads.routes()).app


@pytest.fixture
def here(app: Starlette) -> TestClient:
    return TestClient(app, base_url="http://localhost:8501")


@pytest.fixture
def _boss(database: Engine) -> None:
    add_account(database, "boss", Holder(role="admin"), password=PASSWORD, actor="test")


def test_a_download_is_a_file_of_a_safe_name_that_nobody_keeps(here: TestClient) -> None:
    answer = here.get(FILE)
    assert answer.status_code == 200
    assert [row["developer"] for row in rows_of(answer.content)] == ["Ada"]
    headers = answer.headers
    assert headers["content-disposition"] == (
        'attachment; filename="breakeven-requests-2025-10-01-to-2025-10-31.csv"'
    )
    assert headers["content-type"] == "text/csv; charset=utf-8"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    focus = here.get(f"/exports/focus.parquet?{RANGE}&timezone=Europe/Berlin")
    assert parquet_of(focus.content).num_rows > 0
    assert "content-length" not in here.head(FILE).headers


@pytest.mark.usefixtures("beyond_localhost", "_boss")
class TestBeyondLocalhost:
    @pytest.mark.parametrize(
        "name",
        ["requests.csv", "usage.csv", "focus.csv", "focus.parquet", "month.pdf", "month.xlsx"],
    )
    @pytest.mark.parametrize(
        "cookie", ["", "breakeven_session=", "breakeven_session=W10.aaaa.bbbb"]
    )
    def test_a_stranger_gets_nothing(self, app: Starlette, name: str, cookie: str) -> None:
        stranger = TestClient(app, base_url=ORIGIN, follow_redirects=False)
        for method in ("GET", "HEAD"):
            answer = stranger.request(
                method,
                f"/exports/{name}?{RANGE}&month=2025-10",
                headers={"Cookie": cookie},
            )
            assert answer.status_code == 401
            assert "Ada" not in answer.text

    def test_the_route_asks_for_itself_even_if_the_gate_did_not(self, downloads: Downloads) -> None:
        bare = TestClient(Starlette(routes=downloads.routes()), base_url=ORIGIN)
        assert bare.get(FILE).status_code == 401

    def test_the_password_opens_it_until_sign_out(self, app: Starlette) -> None:
        browser = TestClient(app, base_url=ORIGIN, follow_redirects=False)
        sign_in(browser, "boss")
        assert "Ada" in browser.get(FILE).text
        stolen = browser.cookies[access.COOKIE]
        browser.post(SIGN_OUT, headers={"Origin": ORIGIN})
        kept = browser.get(FILE, headers={"Cookie": f"{access.COOKIE}={stolen}"})
        assert kept.status_code == 401


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_cannot_start_a_download(here: TestClient, site: str) -> None:
    assert here.get(FILE, headers={"Sec-Fetch-Site": site}).status_code == 403


def test_another_host_name_gets_nothing(here: TestClient) -> None:
    assert here.get(FILE, headers={"Host": "evil.example:8501"}).status_code == 403


def test_a_download_only_reads(here: TestClient) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert here.request(method, FILE).status_code == 405


@pytest.mark.parametrize(
    "address",
    [
        f"/exports/secrets.csv?{RANGE}",
        f"/exports/requests.exe?{RANGE}",
        "/exports/requests.csv",
        "/exports/requests.csv?from=2025-10-01&to=2025-10-01",
        "/exports/requests.csv?from=0001-01-01&to=9999-12-31",
        f"{FILE}&timezone=../../etc/passwd",
        f"{FILE}&ledger=other",
        f"{FILE}&developer=1%20OR%201=1",
        f"{FILE}&team=%D9%A1",
        f"{FILE}&developer={'9' * 40}",
        f"/exports/focus.csv?{RANGE}&developer=1",
    ],
)
def test_what_there_is_not_is_refused(here: TestClient, address: str) -> None:
    assert here.get(address).status_code == 400


class Site:
    """The downloads on a port of their own."""

    def __init__(self, downloads: Downloads) -> None:
        self.url = f"http://localhost:{(port := free_port())}"
        app = Starlette(routes=downloads.routes())
        self._server = uvicorn.Server(
            uvicorn.Config(app, host="localhost", port=port, log_level="critical")
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def start(self) -> "Site":
        self._thread.start()
        while not self._server.started:
            time.sleep(0.02)
        return self

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)


@pytest.fixture
def site(database: Engine, downloads: Downloads, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """With so many requests on the ledger that their file is longer than what is sent ahead."""
    monkeypatch.setattr(requests_export, "ROWS_AT_ONCE", 500)
    text = "x" * 2_000
    add(database, [request(1, at(6) + number, finish_reason=text) for number in range(6_000)])
    site = Site(downloads).start()
    yield site
    site.stop()


def test_a_download_that_is_cut_off_does_not_look_whole(
    site: Site, downloads: Downloads, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.WARNING),
        httpx.stream("GET", f"{site.url}{FILE}", timeout=20) as answer,
    ):
        pieces = answer.iter_bytes()
        next(pieces)
        downloads.close()
        with pytest.raises(httpx.RemoteProtocolError):
            list(pieces)
    assert "A download was cut off." in caplog.text


def test_only_so_many_run_at_once_and_one_that_its_reader_left_makes_room(site: Site) -> None:
    running = [httpx.Client(timeout=20) for _ in range(AT_ONCE)]
    answers = [
        client.send(client.build_request("GET", f"{site.url}{FILE}"), stream=True)
        for client in running
    ]
    assert {answer.status_code for answer in answers} == {200}
    refused = httpx.get(f"{site.url}{FILE}", timeout=20)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
    for answer, client in zip(answers, running, strict=True):
        answer.close()
        client.close()
    deadline = time.monotonic() + 20
    while httpx.get(f"{site.url}/exports/usage.csv?{RANGE}", timeout=20).status_code == 503:
        assert time.monotonic() < deadline
        time.sleep(0.1)
