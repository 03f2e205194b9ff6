"""Cents add up."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.costs.money import cents, split, words


def test_the_cent_left_over_goes_to_whom_rounding_took_most() -> None:
    # 10.00 over 1 : 1 : 1 is 3.33 each and a cent over, to the first of equals.
    assert split(Decimal("10.00"), [Fraction(1)] * 3) == [
        Decimal("3.34"),
        Decimal("3.33"),
        Decimal("3.33"),
    ]
    # 1.00 over 2 : 1 : 0 is 66 2/3 and 33 1/3 cents: the cent left over is the first's.
    assert split(Decimal("1.00"), [Fraction(2), Fraction(1), Fraction(0)]) == [
        Decimal("0.67"),
        Decimal("0.33"),
        Decimal("0.00"),
    ]


@given(
    st.decimals(0, 10**9, places=2),
    st.lists(st.fractions(0, 10**6), min_size=1, max_size=40).filter(any),
)
def test_parts_add_up_and_are_within_a_cent_of_what_is_due(
    total: Decimal, weights: list[Fraction]
) -> None:
    parts = split(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        due = Fraction(total) * weight / sum(weights)
        assert abs(Fraction(part) - due) < Fraction(1, 100)


def test_half_a_cent_goes_to_the_even_one() -> None:
    assert [cents(Fraction(n, 1000)) for n in (5, 15, 25)] == [
        Decimal("0.00"),
        Decimal("0.02"),
        Decimal("0.02"),
    ]


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("25000.00", "USD", "$25,000"),
        ("1234.5", "USD", "$1,234.50"),
        ("-3.2", "EUR", "-€3.20"),
        ("12", "CHF", "CHF 12.00"),
    ],
)
def test_amounts_are_written_as_in_a_sentence(amount: str, currency: str, written: str) -> None:
    assert words(Decimal(amount), currency) == written
