"""Who has to say who they are, and the cookie that says it."""

import pytest
from streamlit import config

from dashboard import access


def test_the_cookie_is_found_among_others_and_nonsense_is_survived() -> None:
    assert access.cookie_of("a=1; breakeven_session=tok; b=2") == "tok"
    assert access.cookie_of("") is None
    assert access.cookie_of("\x00;;=") is None


@pytest.mark.parametrize(
    ("listens_at", "is_called", "needed"),
    [
        ("localhost", None, False),
        ("127.0.0.1", None, False),
        ("::1", None, False),
        ("0.0.0.0", None, True),
        ("192.168.1.7", None, True),
        (None, None, True),
        ("localhost", "gpu-box", True),
    ],
)
def test_who_listens_beyond_this_machine_asks_who_is_there(
    listens_at: str | None, is_called: str | None, needed: bool
) -> None:
    names = ("server.address", "browser.serverAddress")
    before = [config.get_option(name) for name in names]
    try:
        for name, value in zip(names, (listens_at, is_called), strict=True):
            config.set_option(name, value)
        assert access.sign_in_needed() is needed
    finally:
        for name, value in zip(names, before, strict=True):
            config.set_option(name, value)
