"""A case worked out: the table of cash flows, what it is worth, and what it rests on."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate

from dashboard.costs import money
from dashboard.costs.ownership.assets import cost
from dashboard.costs.ownership.case import Case, CashFlow, Monthly, Ownership
from dashboard.costs.ownership.case_calendar import Calendar
from dashboard.costs.ownership.depreciation import book_schedule, tax_schedules
from dashboard.costs.ownership.disposal import Outcome, outcome
from dashboard.costs.ownership.financing import (
    Lease,
    Loan,
    LoanSchedule,
    lease_payments,
    loan_schedule,
)
from dashboard.costs.ownership.held import assumed_sales, hardware_cost, owned
from dashboard.costs.ownership.premises import assumptions, outlived
from dashboard.costs.ownership.schedule import Schedule
from dashboard.costs.ownership.service import in_service, shares
from dashboard.costs.ownership.tax import saved
from dashboard.costs.ownership.terms import running_cents
from dashboard.costs.ownership.valuation import (
    discounted_payback,
    every_month,
    irr,
    payback,
    present_values,
)

Columns = dict[str, list[Decimal]]


def evaluate(case: Case) -> Ownership:
    """ValueError: a tax rule that the assets' dates do not allow, or a loan above their cost."""
    calendar = Calendar(case.start, case.horizon_months, case.tax_year_starts_in_month)
    assets = owned(case)
    book = tuple(book_schedule(asset, case.tax_year_starts_in_month) for asset in assets)
    tax = tax_schedules(assets, case.tax_year_starts_in_month)
    disposals = tuple(map(outcome, assets, book, tax))
    stretches = in_service(case, assets)
    parts = shares(stretches, calendar)
    whole = hardware_cost(case)
    loan = loan_schedule(case.financing, whole) if isinstance(case.financing, Loan) else None
    columns: Columns = {
        "hardware": calendar.sums((a.purchase_date, -cost(a)) for a in assets),
        "financing": _financing(case, loan, calendar),
        "running": _outgoing(_running(case), parts),
        "baseline_avoided": [-paid for paid in _outgoing(_by_month(case, case.baseline), parts)],
        "disposal": calendar.sums((sale.on, sale.proceeds) for sale in disposals),
    }
    columns |= _taxes(case, columns, _interest(case, loan, calendar), tax, disposals, calendar)
    net = [sum(amounts, Decimal(0)) for amounts in zip(*columns.values(), strict=True)]
    flows = every_month(net)
    worth, npv = present_values(flows, case.discount_percent_per_year)
    table = _table(columns, net, worth, calendar)
    return Ownership(
        case=case,
        hardware_cost=whole,
        flows=table,
        totals={name: sum(amounts, Decimal(0)) for name, amounts in columns.items()}
        | {"net": sum(net, Decimal(0))},
        npv=npv,
        irr=irr(flows),
        payback=payback(flows),
        discounted_payback=discounted_payback(flows, case.discount_percent_per_year),
        book_schedules=book,
        tax_schedules=tax,
        loan=loan,
        disposals=disposals,
        in_service=stretches,
        months_in_service=money.rounded(sum(parts, Fraction(0)), 4),
        assumed_resale=sum((sale.proceeds for sale in assumed_sales(case, disposals)), Decimal(0)),
        outlived=tuple(asset.name for asset in outlived(case)),
        laid_out=max(Decimal(0), -min(flow.cumulative for flow in table)),
        assumptions=assumptions(case, tax, disposals, stretches),
    )


def _outgoing(amounts: list[Fraction], parts: list[Fraction]) -> list[Decimal]:
    """Paid at each month's end, of a month partly in service that part."""
    exact = [-amount * part for amount, part in zip(amounts, parts, strict=True)]
    return [Decimal(0), *running_cents(exact)]


def _by_month(case: Case, monthly: Monthly) -> list[Fraction]:
    """Dearer (or cheaper) from each thirteenth month on."""
    growth = 1 + Fraction(monthly.growth_percent_per_year) / 100
    years = [month // 12 for month in range(case.horizon_months)]
    return [Fraction(monthly.per_month) * growth**year for year in years]


def _running(case: Case) -> list[Fraction]:
    months = _by_month(case, case.running)
    bills = case.electricity or [Decimal(0)] * len(months)
    return [amount + Fraction(bill) for amount, bill in zip(months, bills, strict=True)]


def _financing(case: Case, loan: LoanSchedule | None, calendar: Calendar) -> list[Decimal]:
    """What a loan still owes at the horizon's end is paid back then."""
    column = calendar.empty()
    if loan:
        column[0] += loan.borrowed
        for row in loan.payments[: calendar.months]:
            column[row.month] -= row.payment
        column[calendar.months] -= loan.payments[: calendar.months][-1].balance
    for month, payment in _leased(case):
        column[month] -= payment
    return column


def _leased(case: Case) -> list[tuple[int, Decimal]]:
    if not isinstance(case.financing, Lease):
        return []
    return [(row.month, row.payment) for row in lease_payments(case.financing)]


def _interest(case: Case, loan: LoanSchedule | None, calendar: Calendar) -> list[Decimal]:
    """What of the financing is deducted: interest, or lease payments. Negative, as it goes out."""
    column = calendar.empty()
    for row in loan.payments[: calendar.months] if loan else ():
        column[row.month] -= row.interest
    for month, payment in _leased(case):
        column[month] -= payment
    return column


def _taxes(
    case: Case,
    columns: Columns,
    interest: list[Decimal],
    schedules: Iterable[Schedule],
    disposals: Iterable[Outcome],
    calendar: Calendar,
) -> Columns:
    """The tax on each part, settled at the end of its tax year or of the horizon."""
    expenses = [one + other for one, other in zip(columns["running"], interest, strict=True)]
    depreciation = calendar.at_year_ends(
        (row.last_day, row.depreciation) for schedule in schedules for row in schedule.rows
    )
    gains = calendar.at_year_ends((sale.on, -sale.tax_gain) for sale in disposals)
    deducted = {
        "depreciation_shield": depreciation,
        "expense_shield": calendar.at_year_ends(calendar.days([-sum_ for sum_ in expenses])),
        "baseline_tax": calendar.at_year_ends(
            calendar.days([-sum_ for sum_ in columns["baseline_avoided"]])
        ),
        "disposal_tax": gains,
    }
    return {name: saved(amounts, case.tax_percent) for name, amounts in deducted.items()}


def _table(
    columns: Columns, net: list[Decimal], worth: list[Decimal], calendar: Calendar
) -> tuple[CashFlow, ...]:
    cumulative, worth_so_far = list(accumulate(net)), list(accumulate(worth))
    return tuple(
        CashFlow(
            month=month,
            on=day,
            **{name: amounts[month] for name, amounts in columns.items()},
            net=net[month],
            cumulative=cumulative[month],
            present_value=worth[month],
            cumulative_present_value=worth_so_far[month],
        )
        for month, day in enumerate(calendar.ends)
    )
