"""Cookies, lock-out and the signing key."""

import stat
from pathlib import Path

import pytest

from dashboard import access


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def sessions(fingerprint: str | None = "password one") -> access.Sessions:
    return access.Sessions("secret", lambda: fingerprint)


def test_an_issued_cookie_is_valid_until_sign_out() -> None:
    door = sessions()
    token = door.issue()
    assert door.is_valid(token)
    door.revoke(token)
    assert not door.is_valid(token)


@pytest.mark.parametrize("token", [None, "", "x", "W10.aaaa.bbbb"])
def test_a_made_up_cookie_is_not_valid(token: str | None) -> None:
    assert not sessions().is_valid(token)


def test_a_cookie_signed_with_another_key_is_not_valid() -> None:
    other = access.Sessions("another secret", lambda: "password one")
    assert not sessions().is_valid(other.issue())


def test_a_new_password_ends_every_session() -> None:
    password = ["one"]
    door = access.Sessions("secret", lambda: password[0])
    token = door.issue()
    password[0] = "two"
    assert not door.is_valid(token)


def test_without_a_password_no_cookie_is_valid() -> None:
    door = sessions(None)
    assert not door.is_valid(door.issue())


def test_five_wrong_passwords_lock_an_address_out_for_a_quarter_of_an_hour() -> None:
    clock = Clock()
    lockout = access.Lockout(clock)
    for _ in range(5):
        assert lockout.seconds_left("10.0.0.1") == 0
        lockout.failed("10.0.0.1")
    assert lockout.seconds_left("10.0.0.1") == 15 * 60
    assert lockout.seconds_left("10.0.0.2") == 0
    clock.now += 15 * 60
    assert lockout.seconds_left("10.0.0.1") == 0


def test_the_right_password_forgets_the_wrong_ones() -> None:
    lockout = access.Lockout()
    for _ in range(4):
        lockout.failed("10.0.0.1")
    lockout.succeeded("10.0.0.1")
    lockout.failed("10.0.0.1")
    assert lockout.seconds_left("10.0.0.1") == 0


def test_the_signing_key_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    secret = access.signing_secret(tmp_path / "home")
    assert secret == access.signing_secret(tmp_path / "home")
    mode = (tmp_path / "home" / "session-secret").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_an_empty_signing_key_that_a_crash_left_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "session-secret").touch()
    secret = access.signing_secret(tmp_path)
    assert len(secret) == 64
    assert secret == access.signing_secret(tmp_path)


def test_the_cookie_is_found_among_others_and_nonsense_is_survived() -> None:
    assert access.cookie_of("a=1; breakeven_session=tok; b=2") == "tok"
    assert access.cookie_of("") is None
    assert access.cookie_of("\x00;;=") is None
