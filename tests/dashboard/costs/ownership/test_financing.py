"""Loans and leases against published payments and the closed formula."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.costs.ownership.financing import (
    Lease,
    Loan,
    LoanSchedule,
    lease_payments,
    loan_schedule,
)

cents = st.decimals(0, 10**6, places=2)


def schedule(borrowed: Any, percent: Any, months: int) -> LoanSchedule:
    loan = Loan.model_validate({"percent_per_year": percent, "months": months})
    return loan_schedule(loan, Decimal(borrowed))


@pytest.mark.parametrize(
    ("borrowed", "percent", "months", "payment"),
    [
        # support.microsoft.com, PMT function: 8% a year, 10 months, $10,000.
        (10_000, 8, 10, "1037.03"),
        # help.claris.com, PMT: $21,000 at 6.9% over 48 months.
        (21_000, "6.9", 48, "501.90"),
        # developer.mescius.com, PMT: 6%, 15 months, 5,000.
        (5_000, 6, 15, "346.82"),
        (24_000, 0, 36, "666.67"),
    ],
)
def test_level_payments_as_published(
    borrowed: int, percent: Any, months: int, payment: str
) -> None:
    assert schedule(borrowed, percent, months).level_payment == Decimal(payment)


def test_a_loan_of_three_months_by_hand() -> None:
    # 1% a month on 1,000: payment 1,000 × 0.01 ÷ (1 − 1.01^−3) = 340.02. Interest 10.00 on 1,000,
    # 6.70 on 669.98, 3.37 on 336.66 (3.3666); the last pays 336.66 + 3.37.
    loan = schedule(1_000, 12, 3)
    assert [(row.interest, row.principal, row.balance) for row in loan.payments] == [
        (Decimal("10.00"), Decimal("330.02"), Decimal("669.98")),
        (Decimal("6.70"), Decimal("333.32"), Decimal("336.66")),
        (Decimal("3.37"), Decimal("336.66"), Decimal("0.00")),
    ]
    assert loan.payments[-1].payment == Decimal("340.03")
    assert loan.total_interest == Decimal("20.07")


@given(cents, st.decimals(0, 40, places=2), st.integers(1, 84))
def test_principal_is_paid_back_to_the_cent(
    borrowed: Decimal, percent: Decimal, months: int
) -> None:
    loan = schedule(borrowed, percent, months)
    assert sum((row.principal for row in loan.payments), Decimal(0)) == borrowed
    assert loan.payments[-1].balance == 0
    assert all(row.balance >= 0 for row in loan.payments)
    assert all(row.payment == row.interest + row.principal for row in loan.payments)
    # The last payment differs by what rounding left: under a cent a month, with interest on it.
    slack = Decimal("0.01") * months * (1 + percent / 1200) ** months
    assert abs(loan.payments[-1].payment - loan.level_payment) <= slack


@given(st.integers(10_000, 10**6), st.floats(1, 30), st.integers(2, 84))
def test_the_balance_follows_the_closed_formula(borrowed: int, percent: float, months: int) -> None:
    loan = schedule(borrowed, str(percent), months)
    i, half = percent / 1200, months // 2
    # What is owed after k of n payments: P · ((1+i)^n − (1+i)^k) ÷ ((1+i)^n − 1).
    owed = borrowed * ((1 + i) ** months - (1 + i) ** half) / ((1 + i) ** months - 1)
    assert float(loan.payments[half - 1].balance) == pytest.approx(owed, abs=0.01 * months * 3)


def test_part_of_the_cost_may_be_borrowed_but_no_more_than_all() -> None:
    part = {"percent_per_year": 5, "months": 12, "principal": {"percent": 80}}
    assert loan_schedule(Loan.model_validate(part), Decimal(25_000)).borrowed == 20_000
    more = Loan.model_validate(part | {"principal": {"amount": 25_001}})
    with pytest.raises(ValueError, match="must not exceed the hardware's cost"):
        loan_schedule(more, Decimal(25_000))


@pytest.mark.parametrize(("timing", "months"), [("advance", [0, 1, 2]), ("arrears", [1, 2, 3])])
def test_a_lease_is_paid_at_months_beginnings_or_ends(timing: str, months: list[int]) -> None:
    lease = Lease.model_validate({"payment_per_month": 800, "months": 3, "timing": timing})
    payments = lease_payments(lease)
    assert [row.month for row in payments] == months
    assert {row.payment for row in payments} == {800}
