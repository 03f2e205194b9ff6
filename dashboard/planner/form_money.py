"""Money's part of the planner's form: tax, interest, financing, depreciation for tax."""

from decimal import Decimal
from typing import Any

from dashboard.planner.inputs import Inputs

Raw = dict[str, Any]
FINANCING = {"cash": "Paid at once", "loan": "Loan", "lease": "Lease"}
METHODS = {
    "straight_line": "Straight line",
    "declining_balance": "Declining balance",
    "macrs": "US: MACRS",
    "german_linear": "Germany: linear AfA",
    "german_degressive": "Germany: degressive AfA",
    "uk_writing_down": "UK: writing-down allowance",
}
CONVENTIONS = {"auto": "As the law says", "half_year": "Half-year", "mid_quarter": "Mid-quarter"}
FIRST_YEAR = {
    "none": "None",
    "full_expensing": "Full expensing",
    "annual_investment": "Annual investment allowance",
    "main_rate_40": "40% of 2026",
}
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


def depreciation(raw: Raw, inputs: Inputs) -> None:
    asset = raw["assets"][0]
    before = asset["tax_depreciation"]
    method = inputs.choice(
        "depreciation",
        "Depreciation for tax",
        list(METHODS),
        before["method"],
        "How the price is deducted from taxed profits over the years. Without a tax rate it "
        "changes nothing.",
        words=METHODS,
    )
    chosen = before if before["method"] == method else {"method": method}
    asset["tax_depreciation"] = chosen | _OPTIONS.get(method, _no_options)(chosen, inputs)
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


def _no_options(_chosen: Raw, _inputs: Inputs) -> Raw:
    return {}


def _declining(chosen: Raw, inputs: Inputs) -> Raw:
    factor = inputs.number(
        "factor",
        "Times the straight-line rate",
        chosen.get("factor", Decimal(2)),
        "2 is double declining balance.",
        low=1,
        high=10,
        step=0.5,
        digits=1,
    )
    return {"factor": factor}


def _macrs(chosen: Raw, inputs: Inputs) -> Raw:
    years = inputs.choice(
        "macrs-class",
        "Property class",
        ["3", "5"],
        str(chosen.get("class_years", 5)),
        "In years, of IRS Publication 946. Computers and peripherals are 5.",
    )
    convention = inputs.choice(
        "macrs-convention",
        "Convention",
        list(CONVENTIONS),
        chosen.get("convention", "auto"),
        "When in the year it counts as placed in service. Mid-quarter where over 40% of the year's "
        "purchases come in its last quarter.",
        words=CONVENTIONS,
    )
    bonus = chosen.get("bonus", Decimal(0))
    by_law = inputs.yes(
        "macrs-bonus-law",
        "Bonus depreciation by law",
        bonus == "by_law",
        "The full share that the purchase's date allows: 100% for property acquired after "
        "19 January 2025.",
    )
    share: Decimal | str = "by_law"
    if not by_law:
        share = inputs.number(
            "macrs-bonus",
            "Bonus depreciation, %",
            Decimal(0) if bonus == "by_law" else bonus,
            "Deducted in the first year, of what Section 179 leaves.",
            high=100,
        )
    return {
        "class_years": int(years),
        "convention": convention,
        "bonus": share,
        "section_179": _section_179(chosen.get("section_179"), inputs),
    }


def _section_179(before: Raw | None, inputs: Inputs) -> Raw | None:
    part = "amount" if before and before["amount"] is not None else "percent"
    value = inputs.number(
        "macrs-179",
        "Section 179, %" if part == "percent" else "Section 179",
        before[part] if before else Decimal(0),
        "Expensed at once, of the price; cut to the year's limit.",
        high=100 if part == "percent" else 1e12,
    )
    return {part: value} if value else None


def _german_linear(chosen: Raw, inputs: Inputs) -> Raw:
    at_once = inputs.yes(
        "afa-digital",
        "Computer hardware: one year",
        chosen.get("digital_one_year", False),
        "All is deducted in the year of purchase (BMF letter of 22 February 2022).",
    )
    return {"digital_one_year": at_once}


def _uk(chosen: Raw, inputs: Inputs) -> Raw:
    relief = inputs.choice(
        "uk-first-year",
        "First-year relief",
        list(FIRST_YEAR),
        chosen.get("first_year", "none"),
        "What may be deducted in the first year before the reducing balance begins.",
        words=FIRST_YEAR,
    )
    return {"first_year": relief}


_OPTIONS = {
    "declining_balance": _declining,
    "macrs": _macrs,
    "german_linear": _german_linear,
    "uk_writing_down": _uk,
}
