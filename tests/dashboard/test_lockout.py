"""Guessing is slow: by account, and by address."""

from dashboard.door import lockout
from dashboard.door.lockout import LOCKED_FOR_S, LockOut


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def fail(lock: LockOut, times: int, name: str = "ada", address: str = "10.0.0.1") -> None:
    for _ in range(times):
        lock.failed(name, address)


def test_five_wrong_passwords_lock_an_account_for_a_quarter_of_an_hour_from_everywhere() -> None:
    clock = Clock()
    lock = LockOut(clock)
    fail(lock, 4)
    assert lock.seconds_left("ada", "10.0.0.1") == 0
    assert lock.failed(" ADA", "10.0.0.2") == [("account", "ada")]
    assert lock.seconds_left("Ada", "10.0.0.3") == LOCKED_FOR_S == 15 * 60
    assert lock.seconds_left("grace", "10.0.0.1") == 0
    clock.now += LOCKED_FOR_S
    assert lock.seconds_left("ada", "10.0.0.1") == 0


def test_the_lock_lasts_a_quarter_of_an_hour_also_where_the_first_failure_is_long_ago() -> None:
    clock = Clock()
    lock, begun = LockOut(clock), clock.now
    for seconds in (0, 800, 810, 820, 830):
        clock.now = begun + seconds
        lock.failed("ada", "10.0.0.1")
    clock.now = begun + 900
    assert lock.seconds_left("ada", "10.0.0.1") == 830
    clock.now = begun + 830 + 900
    assert lock.seconds_left("ada", "10.0.0.1") == 0
    assert lock.failed("ada", "10.0.0.1") == [], "it begins to count anew"


def test_twenty_wrong_passwords_lock_an_address_whatever_the_names() -> None:
    lock = LockOut()
    for number in range(19):
        assert lock.failed(f"name {number}", "10.0.0.1") == []
    assert lock.failed("another", "10.0.0.1") == [("address", "10.0.0.1")]
    assert lock.seconds_left("ada", "10.0.0.1") > 0
    assert lock.seconds_left("ada", "10.0.0.2") == 0


def test_the_right_password_makes_good_for_its_own_account_only() -> None:
    lock = LockOut()
    fail(lock, 4)
    for number in range(15):
        lock.failed(f"name {number}", "10.0.0.1")
    lock.succeeded("Ada")
    assert lock.failed("ada", "10.0.0.1") == [("address", "10.0.0.1")]


def test_a_whole_ipv6_network_is_one_address() -> None:
    lock = LockOut()
    for number in range(20):
        lock.failed(f"name {number}", f"2001:db8::{number:x}")
    assert lock.seconds_left("ada", "2001:db8::ffff:1") > 0
    assert lock.seconds_left("ada", "2001:db8:1::1") == 0


def test_made_up_names_do_not_fill_the_memory() -> None:
    lock = LockOut()
    for number in range(lockout.MOST_KNOWN + 100):
        lock.failed(f"name {number}", f"10.{number >> 8}.{number & 255}.1")
    assert len(lock._failures) == lockout.MOST_KNOWN
