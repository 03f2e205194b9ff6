"""Beyond localhost nothing of the pages is to be had without signing in; on it, nothing by another
name."""

import json
import re

import pytest
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.testing.v1 import AppTest

from dashboard import access
from dashboard.gate import PASSWORD as OWN_PASSWORD
from dashboard.gate import SET_UP, SIGN_IN, SIGN_OUT
from dashboard.pages import PAGES
from db import accounts, audit, people
from db.accounts import Holder
from engine.api.service import Service
from tests.dashboard.people_of_roles import ORIGIN, PASSWORD, Door, Somebody, sign_in
from tests.product import ROOT

SECRETS = ["/", "/settings", "/events/overview", "/exports/requests.csv", "/_stcore/metrics"]
FORMS = [SIGN_IN, SIGN_OUT, SET_UP, OWN_PASSWORD]


async def page(_request: Request) -> Response:
    return PlainTextResponse("the costs")


async def echo(websocket: WebSocket) -> None:
    """What the pages' connection is told."""
    await websocket.accept()
    async for message in websocket.iter_bytes():
        await websocket.send_bytes(message)


@pytest.fixture
def door(product: Service) -> Door:
    """In front of stand-ins for what Streamlit serves."""
    routes = [WebSocketRoute("/_stcore/stream", echo), Route("/{path:path}", page)]
    return Door(lambda: product.database, routes)


@pytest.fixture
def browser(door: Door) -> TestClient:
    return door.browser()


@pytest.mark.usefixtures("beyond_localhost", "everybody")
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
        assert "Password" in browser.get(SIGN_IN).text

    def test_a_stranger_cannot_open_the_connection_that_pages_live_on(
        self, browser: TestClient
    ) -> None:
        with (
            pytest.raises(WebSocketDisconnect),
            browser.websocket_connect("/_stcore/stream") as websocket,
        ):
            websocket.receive_bytes()

    def test_signing_in_opens_every_door_until_sign_out(self, browser: TestClient) -> None:
        answer = sign_in(browser, "Ada", to="/settings")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/settings"
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "max-age=43200" in cookie
        assert "secure" not in cookie, "over http a browser would not send it back"
        assert browser.get("/settings").text == "the costs"
        with browser.websocket_connect("ws://gpu-box:8501/_stcore/stream") as websocket:
            websocket.send_bytes(b"hello")
            assert websocket.receive_bytes() == b"hello"

        stolen = browser.cookies[access.COOKIE]
        browser.post(SIGN_OUT, headers={"Origin": ORIGIN})
        assert browser.get("/settings").status_code == 401
        kept = browser.get("/settings", headers={"Cookie": f"{access.COOKIE}={stolen}"})
        assert kept.status_code == 401, "a cookie that was signed out must not work again"

    def test_over_https_the_cookie_never_goes_over_http(self, door: Door) -> None:
        browser = door.browser("https://gpu-box")
        answer = sign_in(browser, "ada", origin="https://gpu-box")
        assert "; secure" in answer.headers["set-cookie"].lower()

    @pytest.mark.parametrize(
        ("name", "password"),
        [
            ("ada", "a wrong password"),
            ("nobody", PASSWORD),
            ("", ""),
            ("max", PASSWORD),  # is disabled below
            ("ada", PASSWORD + "x" * 2000),
            ("' OR '1'='1", "' OR '1'='1"),
        ],
    )
    def test_whatever_is_wrong_the_answer_is_the_same(
        self, browser: TestClient, product: Service, name: str, password: str
    ) -> None:
        account = accounts.find_account(product.database, "max")
        assert account is not None
        accounts.disable_account(product.database, account.id, actor="test")
        known = sign_in(browser, "lea", "a wrong password")
        answer = sign_in(browser, name, password)
        assert (answer.status_code, answer.text) == (401, known.text)
        assert "set-cookie" not in answer.headers
        assert browser.get("/").status_code == 401

    @pytest.mark.parametrize("name", ["ada", "nobody"])
    def test_after_five_wrong_passwords_even_the_right_one_has_to_wait(
        self, browser: TestClient, name: str
    ) -> None:
        for _ in range(5):
            assert sign_in(browser, name, "a wrong password").status_code == 401
        answer = sign_in(browser, name)
        assert answer.status_code == 429
        assert "Try again in 15 min." in answer.text

    def test_a_lock_out_is_on_the_trail_but_no_name_that_is_no_accounts(
        self, browser: TestClient, product: Service
    ) -> None:
        for name in ("Ada", "my secret password"):
            for _ in range(5):
                sign_in(browser, name, "a wrong password")
        found = audit.entries(product.database, action="sign-in locked")
        ada = accounts.find_account(product.database, "ada")
        assert ada is not None
        assert [entry.detail for entry in found] == [{"what": "account ada", "id": ada.id}]
        everything = [json.dumps(entry.detail) for entry in audit.entries(product.database)]
        assert not any("secret" in detail for detail in everything)

    def test_a_lock_out_is_written_after_the_answer(self, door: Door, product: Service) -> None:
        """Else the time that it takes would tell that there is such an account."""
        written: list[int] = []

        class Watched:
            async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
                async def watched(message: Message) -> None:
                    await send(message)
                    found = audit.entries(product.database, action="sign-in locked")
                    written.append(len(found))

                await door.app(scope, receive, watched)

        browser = TestClient(Watched(), base_url=ORIGIN)
        for _ in range(5):
            sign_in(browser, "ada", "a wrong password")
        assert set(written) == {0}
        assert len(audit.entries(product.database, action="sign-in locked")) == 1

    @pytest.mark.parametrize("path", FORMS)
    @pytest.mark.parametrize("origin", ["http://evil.example", "null", ""])
    def test_a_form_of_another_site_does_nothing(
        self, browser: TestClient, product: Service, path: str, origin: str
    ) -> None:
        sign_in(browser, "ada")
        form = {
            "username": "amy",
            "password": PASSWORD,
            "present": PASSWORD,
            "again": PASSWORD,
        }
        before = rows_of(product)
        answer = browser.post(path, data=form, headers={"Origin": origin})
        assert answer.status_code == 403
        assert rows_of(product) == before

    @pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil"])
    def test_after_sign_in_one_stays_on_this_site(self, browser: TestClient, target: str) -> None:
        assert sign_in(browser, "ada", to=target).headers["location"] == "/"

    @pytest.mark.parametrize("end", ["disabled", "archived", "password", "expired"])
    def test_a_session_ends_at_once(
        self, browser: TestClient, product: Service, everybody: dict[str, Somebody], end: str
    ) -> None:
        ada, database = everybody["Ada"], product.database
        assert browser.get("/", headers=ada.headers).status_code == 200
        if end == "disabled":
            accounts.disable_account(database, ada.account_id, actor="test")
        elif end == "archived":
            people.archive_developer(database, ada.developer_id, actor="test")
        elif end == "password":
            accounts.set_password(database, ada.account_id, "another password", actor="test")
        else:
            with database.begin() as connection:
                connection.execute(text("UPDATE sessions SET expires_at = 1"))
        assert browser.get("/", headers=ada.headers).status_code == 401

    def test_on_an_open_page_nothing_can_be_done_once_its_reader_is_signed_out(
        self, browser: TestClient, product: Service, everybody: dict[str, Somebody]
    ) -> None:
        """A fragment's run, or a button's: it becomes a run of the page, which says so."""
        press = BackMsg()
        press.rerun_script.page_script_hash = "hash of the page"
        press.rerun_script.fragment_id = "a dialog"
        press.rerun_script.widget_states.widgets.add(id="Erase it", trigger_value=True)
        ada = everybody["Ada"]
        with browser.websocket_connect("/_stcore/stream", headers=ada.headers) as websocket:
            websocket.send_bytes(press.SerializeToString())
            assert websocket.receive_bytes() == press.SerializeToString()
            accounts.disable_account(product.database, ada.account_id, actor="test")
            websocket.send_bytes(press.SerializeToString())
            told = BackMsg()
            told.ParseFromString(websocket.receive_bytes())
        expected = BackMsg()
        expected.rerun_script.page_script_hash = "hash of the page"
        assert told == expected


def rows_of(product: Service) -> list[str]:
    with product.database.connect() as connection:
        return [
            str(connection.execute(text(f"SELECT * FROM {table}")).all())
            for table in ("accounts", "sessions", "audit")
        ]


@pytest.mark.usefixtures("beyond_localhost", "everybody")
class TestOnesOwnPassword:
    def change(self, browser: TestClient, present: str, new: str, again: str | None = None) -> int:
        form = {"present": present, "password": new, "again": new if again is None else again}
        return browser.post(OWN_PASSWORD, data=form, headers={"Origin": ORIGIN}).status_code

    def test_is_changed_here_and_signs_out_everywhere_else(self, door: Door) -> None:
        here, there = door.browser(), door.browser()
        sign_in(here, "ada")
        sign_in(there, "ada")
        assert self.change(here, PASSWORD, "battery staple") == 303
        assert here.get("/").status_code == 200
        assert there.get("/").status_code == 401
        assert sign_in(there, "ada").status_code == 401
        assert sign_in(there, "ada", "battery staple").status_code == 303

    @pytest.mark.parametrize(
        ("present", "new", "again", "status"),
        [
            ("a wrong password", "battery staple", "battery staple", 401),
            (PASSWORD, "battery staple", "battery stapler", 400),
            (PASSWORD, "short", "short", 400),
            (PASSWORD, PASSWORD, PASSWORD, 400),
        ],
    )
    def test_is_left_as_it_is_where_something_is_wrong(
        self, browser: TestClient, present: str, new: str, again: str, status: int
    ) -> None:
        sign_in(browser, "ada")
        assert self.change(browser, present, new, again) == status
        assert sign_in(browser, "ada").status_code == 303

    def test_cannot_be_guessed_from_a_stolen_session(self, browser: TestClient) -> None:
        sign_in(browser, "ada")
        for _ in range(5):
            assert self.change(browser, "a wrong password", "battery staple") == 401
        assert self.change(browser, PASSWORD, "battery staple") == 429

    def test_one_that_somebody_else_chose_opens_nothing_but_its_change(
        self, browser: TestClient, product: Service, everybody: dict[str, Somebody]
    ) -> None:
        accounts.set_password(
            product.database,
            everybody["Ada"].account_id,
            "one-time password",
            actor="test",
            must_change=True,
        )
        answer = sign_in(browser, "ada", "one-time password", to="/requests")
        assert answer.headers["location"] == OWN_PASSWORD
        for path in SECRETS:
            assert browser.get(path).status_code == 401
        sent = browser.get("/", headers={"Accept": "text/html"})
        assert sent.headers["location"] == OWN_PASSWORD
        assert "Somebody else chose your password" in browser.get(OWN_PASSWORD).text
        assert self.change(browser, "one-time password", "battery staple") == 303
        assert browser.get("/").status_code == 200


@pytest.mark.usefixtures("beyond_localhost")
class TestTheFirstAccount:
    @pytest.fixture
    def code(self, door: Door, capsys: pytest.CaptureFixture[str]) -> str:
        door.set_up.tell()
        found = re.search(r"code ([0-9a-f]{16})$", capsys.readouterr().out.strip())
        assert found is not None
        return found[1]

    def make(self, browser: TestClient, code: str, **changes: str) -> int:
        form = {"code": code, "username": "boss", "password": PASSWORD, "again": PASSWORD}
        answer = browser.post(SET_UP, data=form | changes, headers={"Origin": ORIGIN})
        return answer.status_code

    def test_is_an_admins_and_made_by_who_can_read_the_servers_log(
        self, browser: TestClient, product: Service, code: str
    ) -> None:
        answer = browser.get(SIGN_IN)
        assert answer.headers["location"] == SET_UP
        assert code not in browser.get(SET_UP).text
        assert self.make(browser, f" {code} ") == 303
        assert browser.get("/").status_code == 200
        (account,) = accounts.list_accounts(product.database)
        assert (account.name, account.role, account.must_change) == ("boss", "admin", False)

    def test_is_not_made_by_a_stranger_who_soon_has_to_wait(
        self, browser: TestClient, product: Service, code: str
    ) -> None:
        for guess in ("", "0" * 16, code[:-1], code + "0", "ü"):
            assert self.make(browser, guess) == 401
        assert self.make(browser, code) == 429
        assert accounts.list_accounts(product.database) == []

    @pytest.mark.parametrize("wrong", [{"again": "x"}, {"password": "x"}, {"username": " "}])
    def test_is_refused_in_words_and_may_be_tried_again(
        self, browser: TestClient, product: Service, code: str, wrong: dict[str, str]
    ) -> None:
        assert self.make(browser, code, **wrong) == 400
        assert accounts.list_accounts(product.database) == []
        assert self.make(browser, code) == 303

    def test_is_made_once(self, browser: TestClient, product: Service, code: str) -> None:
        assert self.make(browser, code) == 303
        assert self.make(browser, code, username="mallory") == 303
        assert browser.get(SET_UP).headers["location"] == SIGN_IN
        assert [it.name for it in accounts.list_accounts(product.database)] == ["boss"]

    def test_a_managers_account_alone_does_not_close_the_set_up(
        self, browser: TestClient, product: Service, code: str
    ) -> None:
        accounts.add_account(
            product.database, "max", Holder(role="manager"), password=PASSWORD, actor="test"
        )
        assert browser.get(SIGN_IN).status_code == 200
        assert self.make(browser, code) == 303


def test_on_localhost_no_one_has_to_sign_in(door: Door) -> None:
    with door.browser("http://localhost:8501") as browser:
        assert browser.get("/settings").text == "the costs"
        for path in (SIGN_IN, SET_UP):
            assert browser.get(path).headers["location"] == "/"


@pytest.mark.parametrize("path", SECRETS)
def test_on_localhost_a_page_that_pretends_to_be_another_site_gets_nothing(
    door: Door, path: str
) -> None:
    with door.browser("http://127.0.0.1:8501") as browser:
        answer = browser.get(path, headers={"Host": "evil.example:8501"})
        assert answer.status_code == 403
        assert "costs" not in answer.text


def test_no_other_site_may_frame_the_pages(door: Door) -> None:
    with door.browser("http://localhost:8501") as browser:
        assert "frame-ancestors 'self'" in browser.get("/").headers["content-security-policy"]


@pytest.mark.usefixtures("beyond_localhost", "everybody")
@pytest.mark.parametrize("path", ["/", "/exports/requests.csv", SIGN_IN, "/_stcore/health"])
def test_every_answer_has_secure_headers_refusals_too(door: Door, path: str) -> None:
    for browser in (door.browser(), door.browser()):
        headers = browser.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "script-src *" not in headers["content-security-policy"]
        assert "unsafe-eval" not in headers["content-security-policy"].replace(
            "wasm-unsafe-eval", ""
        )
        assert "frame-ancestors" in headers["content-security-policy"]
        sign_in(browser, "amy")


def test_cookies_that_streamlit_sets_are_marked_over_https(product: Service) -> None:
    async def careless(_request: Request) -> Response:
        answer = PlainTextResponse("hello")
        answer.set_cookie("_streamlit_user", "x", httponly=True)
        return answer

    door = Door(lambda: product.database, [Route("/{path:path}", careless)])
    for scheme, marked in (("https", True), ("http", False)):
        answer = door.browser(f"{scheme}://localhost:8501").get("/")
        assert answer.headers["set-cookie"].endswith("; Secure") == marked


@pytest.mark.usefixtures("beyond_localhost", "product")
class TestAPageWithoutASignIn:
    """Even if a page's code were reached without a cookie, it shows nothing."""

    @pytest.mark.parametrize("script", ["main", *(f"views/{one.script}" for one in PAGES)])
    def test_it_says_so_and_nothing_else(self, script: str) -> None:
        page = AppTest.from_file(str(ROOT / "dashboard" / f"{script}.py"), default_timeout=30)
        page.run()
        assert not page.exception
        assert [box.value for box in page.warning] == ["You are signed out."]
        assert not page.title
        assert not page.markdown
        assert not page.dataframe
        assert not page.button
