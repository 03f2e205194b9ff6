"""What the provider vouches for opens an account once, and only soon after."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from dashboard import access
from dashboard.door.oidc import Organisation
from dashboard.gate import SIGN_IN
from db import accounts
from engine.api.service import Service
from tests.dashboard.people_of_roles import ORIGIN, Door, make_people, sign_in

pytestmark = pytest.mark.usefixtures("beyond_localhost")

COME_BACK = {"email": "max@team.example", "email_verified": True, "nonce": "1"}


@pytest.fixture
def come_back(
    product: Service, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, bool, str]]:
    """A visit to the sign-in page with Streamlit's cookie: its status, whether it signed in, and
    what the page says. Max's account has the e-mail."""
    max_ = make_people(product.ledger)["Max"]
    before = accounts.find_account(product.database, "max")
    assert before is not None
    accounts.change_account(
        product.database, max_.account_id, before.holder, "max@team.example", actor="test"
    )
    door = Door(lambda: product.database, [], Organisation(lambda: product.database, "Acme"))

    def visit(*, minutes_ago: int = 0, secret: str = "", **claims: Any) -> tuple[int, bool, str]:
        with monkeypatch.context() as then:
            moment = time.time() - 60 * minutes_ago
            then.setattr("time.time", lambda: moment)
            signed = create_signed_value(
                secret or get_cookie_secret(), USER_COOKIE_NAME, json.dumps(COME_BACK | claims)
            ).decode()
        answer = door.browser().get(SIGN_IN, headers={"Cookie": f"{USER_COOKIE_NAME}={signed}"})
        is_in = access.COOKIE in answer.headers.get("set-cookie", "")
        return answer.status_code, is_in, answer.text

    return visit


Visit = Callable[..., tuple[int, bool, str]]


def test_it_opens_the_account_with_the_e_mail_once(come_back: Visit) -> None:
    assert come_back()[:2] == (200, True)
    assert come_back()[:2] == (200, False), "the same claims again"
    assert come_back(nonce="2")[:2] == (200, True)


@pytest.mark.parametrize(("minutes", "is_in"), [(9, True), (11, False), (60 * 24, False)])
def test_it_is_good_for_ten_minutes(come_back: Visit, minutes: int, is_in: bool) -> None:
    assert come_back(minutes_ago=minutes)[1] == is_in


def test_claims_that_somebody_else_signed_are_nobodys(come_back: Visit) -> None:
    assert come_back(secret="a guess")[:2] == (200, False)


@pytest.mark.parametrize("verified", [False, None, "false", "", 0, 2])
def test_an_e_mail_that_is_not_verified_opens_nothing(come_back: Visit, verified: object) -> None:
    status, is_in, page = come_back(email_verified=verified)
    assert (status, is_in) == (403, False)
    assert "Acme did not say that your e-mail is verified" in page


@pytest.mark.parametrize("email", ["", None, "<b>@x.example", "max@other.example", "\u0000"])
def test_another_e_mail_opens_nothing_and_is_shown_as_text(
    come_back: Visit, email: str | None
) -> None:
    status, is_in, page = come_back(email=email)
    assert (status, is_in) == (403, False)
    assert "<b>" not in page


def test_where_nobody_signs_in_through_an_organisation_its_claims_are_nothing(
    product: Service,
) -> None:
    make_people(product.ledger)
    signed = create_signed_value(get_cookie_secret(), USER_COOKIE_NAME, json.dumps(COME_BACK))
    browser = Door(lambda: product.database, []).browser()
    cookie = {"Cookie": f"{USER_COOKIE_NAME}={signed.decode()}"}
    answer = browser.get(SIGN_IN, headers=cookie)
    assert access.COOKIE not in answer.headers.get("set-cookie", "")
    assert sign_in(browser, "max", origin=ORIGIN).status_code == 303
