"""Money's part of the planner's form: tax, interest, financing."""

from decimal import Decimal
from typing import Any

from dashboard.planner.inputs import Inputs

Raw = dict[str, Any]
FINANCING = {"cash": "Paid at once", "loan": "Loan", "lease": "Lease"}
_NEW_LOAN = {
    "kind": "loan",
    "principal": {"amount": None, "percent": Decimal(100)},
    "percent_per_year": Decimal(8),
    "months": 36,
}
_NEW_LEASE = {
    "kind": "lease",
    "payment_per_month": Decimal(0),
    "months": 36,
    "timing": "advance",
    "buyout": None,
}


def more_money(raw: Raw, inputs: Inputs) -> None:
    raw["tax_percent"] = inputs.number(
        "tax",
        "Tax rate, %",
        raw["tax_percent"],
        "Tax on profits. Costs lower it: depreciation by and by, seats at once. US federal: 21.",
        high=100,
    )
    raw["discount_percent_per_year"] = inputs.number(
        "discount",
        "Discount rate, % a year",
        raw["discount_percent_per_year"],
        "What money costs the company: later money is worth less by this much a year. NPV and the "
        "discounted payback use it.",
        high=100,
    )


def financing(raw: Raw, inputs: Inputs) -> None:
    before = raw["financing"]
    kind = inputs.choice(
        "financing",
        "Financing",
        list(FINANCING),
        before["kind"],
        "Whether the hardware is paid at once, from a loan, or leased from somebody else.",
        words=FINANCING,
    )
    if kind == "loan":
        raw["financing"] = _loan(before if before["kind"] == "loan" else _NEW_LOAN, inputs)
    elif kind == "lease":
        fresh = _NEW_LEASE | {"months": min(36, raw["horizon_months"])}
        raw["financing"] = _lease(before if before["kind"] == "lease" else fresh, inputs)
    else:
        raw["financing"] = {"kind": "cash"}


def _loan(loan: Raw, inputs: Inputs) -> Raw:
    principal = dict(loan["principal"])
    part = "percent" if principal["amount"] is None else "amount"
    principal[part] = inputs.number(
        "loan-part",
        "Borrowed, % of the price" if part == "percent" else "Borrowed",
        principal[part],
        "How much of the hardware's price the loan pays.",
        high=100 if part == "percent" else 1e12,
    )
    interest = inputs.number(
        "loan-interest",
        "Interest, % a year",
        loan["percent_per_year"],
        "Nominal interest a year; a twelfth of it is charged each month.",
        high=100,
        step=0.25,
        digits=2,
    )
    months = inputs.number(
        "loan-months", "Payments, months", loan["months"], "How many level payments.", low=1
    )
    return loan | {
        "principal": principal,
        "percent_per_year": interest,
        "months": int(months),
    }


def _lease(lease: Raw, inputs: Inputs) -> Raw:
    payment = inputs.number(
        "lease-payment",
        "Lease, a month",
        lease["payment_per_month"],
        "For all the hardware together.",
        step=50,
        digits=2,
    )
    months = inputs.number(
        "lease-months", "Lease, months", lease["months"], "How many payments.", low=1, high=600
    )
    timing = inputs.choice(
        "lease-timing",
        "Paid",
        ["advance", "arrears"],
        lease["timing"],
        "At each month's beginning, or at its end.",
        words={"advance": "In advance", "arrears": "In arrears"},
    )
    buyout = inputs.optional(
        "lease-buyout",
        "Bought at the end for",
        lease["buyout"],
        "Price at which the hardware is taken over after the last month. Empty: it goes back.",
    )
    return lease | {
        "payment_per_month": payment,
        "months": int(months),
        "timing": timing,
        "buyout": buyout,
    }


def tax_year(raw: Raw, inputs: Inputs) -> None:
    raw["tax_year_starts_in_month"] = int(
        inputs.number(
            "tax-year",
            "Tax year begins in month",
            raw["tax_year_starts_in_month"],
            "1 is January. Tax is settled at the tax year's end.",
            low=1,
            high=12,
        )
    )
