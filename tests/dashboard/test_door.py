"""Beyond localhost nothing of the pages is to be had without the password; on it, nothing by
another name."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit import config
from streamlit.testing.v1 import AppTest

from dashboard import access
from dashboard.gate import SIGN_IN, SIGN_OUT, Gate
from dashboard.signin import SignIn
from db.accounts import password_fingerprint, set_admin_password
from db.connect import connect
from db.migrate import migrate
from tests.product import ROOT

PASSWORD = "correct horse battery"
ORIGIN = "http://gpu-box:8501"
VIEWS = ["overview", "requests", "alternatives", "chat", "connect", "export", "settings"]
SECRETS = ["/", "/settings", "/events/overview", "/exports/requests.csv", "/_stcore/metrics"]


async def page(_request: Request) -> Response:
    return PlainTextResponse("the costs")


async def stream(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("the costs")
    await websocket.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{tmp_path / 'ledger.db'}")
    migrate(engine)
    set_admin_password(engine, PASSWORD, actor="test")
    yield engine
    engine.dispose()


@pytest.fixture
def app(database: Engine) -> Starlette:
    """The door in front of stand-ins for what Streamlit serves."""
    sessions = access.Sessions("secret", lambda: password_fingerprint(database))
    return Starlette(
        routes=[
            *SignIn(sessions, lambda: database).routes(),
            WebSocketRoute("/_stcore/stream", stream),
            Route("/{path:path}", page),
        ],
        middleware=[Middleware(Gate, sessions=sessions)],
    )


@pytest.fixture
def browser(app: Starlette) -> TestClient:
    return TestClient(app, base_url=ORIGIN, follow_redirects=False)


@pytest.fixture
def _beyond_localhost() -> Iterator[None]:
    before = config.get_option("server.address")
    config.set_option("server.address", "0.0.0.0")
    yield
    config.set_option("server.address", before)


def sign_in(browser: TestClient, password: str = PASSWORD, origin: str = ORIGIN) -> Response:
    form = {"password": password, "to": "/settings"}
    return browser.post(SIGN_IN, data=form, headers={"Origin": origin})  # type: ignore[return-value]


@pytest.mark.usefixtures("_beyond_localhost")
class TestBeyondLocalhost:
    @pytest.mark.parametrize("path", SECRETS)
    def test_a_stranger_gets_nothing(self, browser: TestClient, path: str) -> None:
        answer = browser.get(path)
        assert answer.status_code == 401
        assert "costs" not in answer.text

    def test_a_strangers_browser_is_sent_to_the_sign_in_page(self, browser: TestClient) -> None:
        answer = browser.get("/settings", headers={"Accept": "text/html"})
        assert answer.status_code == 303
        assert answer.headers["location"] == f"{SIGN_IN}?to=/settings"
        assert "Admin password" in browser.get(SIGN_IN).text

    def test_a_stranger_cannot_open_the_connection_that_pages_live_on(
        self, browser: TestClient
    ) -> None:
        with (
            pytest.raises(WebSocketDisconnect),
            browser.websocket_connect("/_stcore/stream") as websocket,
        ):
            websocket.receive_text()

    def test_the_password_opens_every_door_until_sign_out(self, browser: TestClient) -> None:
        answer = sign_in(browser)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/settings"
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert browser.get("/settings").text == "the costs"
        with browser.websocket_connect("ws://gpu-box:8501/_stcore/stream") as websocket:
            assert websocket.receive_text() == "the costs"

        stolen = browser.cookies[access.COOKIE]
        browser.post(SIGN_OUT, headers={"Origin": ORIGIN})
        assert browser.get("/settings").status_code == 401
        kept = browser.get("/settings", headers={"Cookie": f"{access.COOKIE}={stolen}"})
        assert kept.status_code == 401, "a cookie that was signed out must not work again"

    def test_a_wrong_password_opens_nothing(self, browser: TestClient) -> None:
        assert sign_in(browser, "password").status_code == 401
        assert browser.get("/").status_code == 401

    def test_after_five_wrong_passwords_even_the_right_one_has_to_wait(
        self, browser: TestClient
    ) -> None:
        for _ in range(5):
            assert sign_in(browser, "password").status_code == 401
        assert sign_in(browser).status_code == 429

    @pytest.mark.parametrize("origin", ["http://evil.example", "null", ""])
    def test_a_form_of_another_site_signs_nobody_in(self, browser: TestClient, origin: str) -> None:
        assert sign_in(browser, origin=origin).status_code == 403
        assert browser.get("/").status_code == 401

    @pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil"])
    def test_after_sign_in_one_stays_on_this_site(self, browser: TestClient, target: str) -> None:
        form = {"password": PASSWORD, "to": target}
        answer = browser.post(SIGN_IN, data=form, headers={"Origin": ORIGIN})
        assert answer.headers["location"] == "/"

    def test_a_new_password_signs_everybody_out(
        self, browser: TestClient, database: Engine
    ) -> None:
        sign_in(browser)
        set_admin_password(database, "another password", actor="test")
        assert browser.get("/").status_code == 401


def test_on_localhost_no_one_has_to_sign_in(app: Starlette) -> None:
    with TestClient(app, base_url="http://localhost:8501") as browser:
        assert browser.get("/settings").text == "the costs"


@pytest.mark.parametrize("path", SECRETS)
def test_on_localhost_a_page_that_pretends_to_be_another_site_gets_nothing(
    app: Starlette, path: str
) -> None:
    with TestClient(app, base_url="http://127.0.0.1:8501") as browser:
        answer = browser.get(path, headers={"Host": "evil.example:8501"})
        assert answer.status_code == 403
        assert "costs" not in answer.text


def test_no_other_site_may_frame_the_pages(app: Starlette) -> None:
    with TestClient(app, base_url="http://localhost:8501") as browser:
        headers = browser.get("/").headers
        assert headers["content-security-policy"] == "frame-ancestors 'self'"
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.usefixtures("_beyond_localhost", "product")
class TestAPageWithoutASignIn:
    """Even if a page's code were reached without a cookie, it shows nothing."""

    @pytest.mark.parametrize("script", ["main", *(f"views/{name}" for name in VIEWS)])
    def test_it_says_so_and_nothing_else(self, script: str) -> None:
        page = AppTest.from_file(str(ROOT / "dashboard" / f"{script}.py"), default_timeout=30)
        page.run()
        assert not page.exception
        assert [box.value for box in page.warning] == ["You are signed out."]
        assert not page.title
        assert not page.markdown
        assert not page.dataframe
        assert not page.button
