"""Depreciation's part of the planner's form: how one piece of hardware loses its value."""

from decimal import Decimal
from typing import Any

from dashboard.planner.inputs import Inputs

Raw = dict[str, Any]
METHODS = {
    "straight_line": "Straight line",
    "declining_balance": "Declining balance",
    "macrs": "US: MACRS",
    "german_linear": "Germany: linear AfA",
    "german_degressive": "Germany: degressive AfA",
    "uk_writing_down": "UK: writing-down allowance",
}
BOOK_METHODS = {name: METHODS[name] for name in ("straight_line", "declining_balance")}
CONVENTIONS = {"auto": "As the law says", "half_year": "Half-year", "mid_quarter": "Mid-quarter"}
FIRST_YEAR = {
    "none": "None",
    "full_expensing": "Full expensing",
    "annual_investment": "Annual investment allowance",
    "main_rate_40": "40% of 2026",
}


def depreciation(asset: Raw, inputs: Inputs) -> None:
    """For tax, and in the books: what it is worth there it is taken to be sold for."""
    _method(asset, inputs, "tax", METHODS, "Depreciation for tax", _TAX)
    _method(asset, inputs, "book", BOOK_METHODS, "Depreciation in the books", _BOOK)


_TAX = (
    "How the price is deducted from taxed profits over the years. Without a tax rate it changes "
    "nothing."
)
_BOOK = (
    "What the company's own books carry it at. Hardware that lasts beyond the time looked at is "
    "taken to be sold for that."
)


def _method(
    asset: Raw, inputs: Inputs, kind: str, methods: dict[str, str], label: str, explain: str
) -> None:
    before = asset[f"{kind}_depreciation"]
    own = inputs.part(kind)
    method = own.choice("method", label, list(methods), before["method"], explain, words=methods)
    chosen = before if before["method"] == method else {"method": method}
    asset[f"{kind}_depreciation"] = chosen | _OPTIONS.get(method, _no_options)(chosen, own)


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
