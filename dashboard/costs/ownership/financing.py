"""How the hardware is paid for: at once, by a loan, or by a lease."""

from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from dashboard.costs import money
from dashboard.costs.ownership.terms import Cents, Figures, Input, Months, Percent, Portion


class Cash(Input):
    """Paid in full on the day of purchase."""

    kind: Literal["cash"] = "cash"


class Loan(Input):
    """Borrowed at the start, paid back in level payments at each month's end."""

    kind: Literal["loan"] = "loan"
    principal: Portion = Field(
        default=Portion(percent=Decimal(100)),
        description="What is borrowed: an amount, or a percent of the hardware's cost.",
    )
    percent_per_year: Percent = Field(
        description="Nominal interest a year; a twelfth of it is charged each month."
    )
    months: Months = Field(description="How many monthly payments.")


class Lease(Input):
    """Hardware that stays the lessor's; every payment is deducted when it is made.

    What is a purchase in truth (a buyout for next to nothing) is a loan here, as it is for tax.
    """

    kind: Literal["lease"] = "lease"
    payment_per_month: Cents = Field(description="In currency, for all the hardware together.")
    months: Months = Field(description="How many monthly payments.")
    timing: Literal["advance", "arrears"] = Field(
        default="advance", description="Paid at each month's beginning or at its end."
    )
    buyout: Cents | None = Field(
        default=None,
        description="Price at which the hardware is bought after the last month; none: it goes "
        "back to the lessor.",
    )


Financing = Annotated[Cash | Loan | Lease, Field(discriminator="kind")]


class Payment(Figures):
    """At the end of month `month`, from 1 on."""

    month: int
    payment: Decimal
    interest: Decimal
    principal: Decimal
    balance: Decimal


class LoanSchedule(Figures):
    """All payments of a loan, in cents; the last one takes what rounding left."""

    borrowed: Decimal
    level_payment: Decimal
    total_interest: Decimal
    payments: tuple[Payment, ...]


class LeasePayment(Figures):
    """At the end of month `month`; 0 is the start."""

    month: int
    payment: Decimal


def loan_schedule(loan: Loan, hardware_cost: Decimal) -> LoanSchedule:
    """ValueError: more is borrowed than the hardware costs."""
    borrowed = loan.principal.of(hardware_cost)
    if borrowed > hardware_cost:
        raise ValueError("The loan must not exceed the hardware's cost; lower its principal.")
    rate = Fraction(loan.percent_per_year) / 1200
    level = money.cents(level_payment(Fraction(borrowed), rate, loan.months))
    balance, payments = borrowed, []
    for month in range(1, loan.months + 1):
        interest = money.cents(Fraction(balance) * rate)
        repaid = balance if month == loan.months else min(balance, level - interest)
        balance -= repaid
        payments.append(
            Payment(
                month=month,
                payment=interest + repaid,
                interest=interest,
                principal=repaid,
                balance=balance,
            )
        )
    return LoanSchedule(
        borrowed=borrowed,
        level_payment=level,
        total_interest=sum((row.interest for row in payments), Decimal(0)),
        payments=tuple(payments),
    )


def level_payment(borrowed: Fraction, rate: Fraction, months: int) -> Fraction:
    """The same each month, exactly: P · i / (1 − (1 + i)^−n), or P / n without interest."""
    if rate == 0:
        return borrowed / months
    return borrowed * rate / (1 - (1 + rate) ** -months)


def lease_payments(lease: Lease) -> tuple[LeasePayment, ...]:
    """Without the buyout, which is a purchase."""
    first = 0 if lease.timing == "advance" else 1
    return tuple(
        LeasePayment(month=first + number, payment=lease.payment_per_month)
        for number in range(lease.months)
    )
