"""Figures as people read them."""

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from dashboard import formats


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (Decimal("1234.5"), "USD", "$1,234.50"),
        (Decimal("-3"), "EUR", "−€3.00"),
        (Decimal("12"), "CHF", "CHF 12.00"),
        (None, "USD", "unknown"),
    ],
)
def test_money_has_two_decimals_and_unknown_is_not_zero(
    amount: Decimal | None, currency: str, text: str
) -> None:
    assert formats.money(amount, currency) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Decimal("0.0000021"), "$0.0000021"),
        (Decimal("0.000002149"), "$0.0000021"),
        (Decimal("0.034"), "$0.034"),
        (Decimal("0.5"), "$0.50"),
        (Decimal(0), "$0.00"),
    ],
)
def test_an_amount_far_below_a_cent_keeps_two_digits(amount: Decimal, text: str) -> None:
    assert formats.small_money(amount) == text


@pytest.mark.parametrize(
    ("joules", "text"),
    [(7_200_000, "2.00 kWh"), (360_000, "0.10 kWh"), (36_000, "10.0 Wh"), (3.6, "0.001 Wh")],
)
def test_energy_is_in_kwh_and_small_energy_in_wh(joules: float, text: str) -> None:
    assert formats.energy(joules) == text


def test_large_counts_are_shortened() -> None:
    assert formats.count(999_999) == "999,999"
    assert formats.count(4_560_000) == "4.56 M"
    assert formats.count(None) == "unknown"


def test_a_time_is_the_readers_own() -> None:
    noon_utc = 1_767_268_800_000  # 2026-01-01 12:00 UTC
    assert formats.local_time(noon_utc, ZoneInfo("Asia/Kolkata")) == "2026-01-01 17:30:00"


@pytest.mark.parametrize(
    "name", ["[click](http://evil)", "<b>Ada</b>", ":material/x:", "$x$", "a\n# b"]
)
def test_a_hostile_name_keeps_nothing_that_markdown_reads(name: str) -> None:
    escaped = formats.escape(name)
    for position, letter in enumerate(escaped):
        if letter in "[]()<>:$#*_`":
            assert escaped[position - 1] == "\\"
    assert "\n" not in escaped
