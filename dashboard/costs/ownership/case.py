"""The case that a company decides on: hardware of its own, instead of what it pays now."""

from datetime import date
from decimal import Decimal

from pydantic import Field, model_validator

from dashboard.costs.models import MOST_PLACES, Derived
from dashboard.costs.months import add_months
from dashboard.costs.ownership.assets import Asset
from dashboard.costs.ownership.disposal import Outcome
from dashboard.costs.ownership.financing import Cash, Financing, Lease, LoanSchedule
from dashboard.costs.ownership.schedule import Schedule
from dashboard.costs.ownership.terms import Day, Figures, Input, Percent
from dashboard.costs.ownership.valuation import Irr, Payback


class Monthly(Input):
    """An amount due at each month's end that may change once a year."""

    per_month: Derived = Field(description="In the first twelve months, in currency a month.")
    growth_percent_per_year: Decimal = Field(
        default=Decimal(0),
        ge=-100,
        le=1000,
        decimal_places=MOST_PLACES,
        description="By how much it is higher after each twelve months, in percent.",
    )


class Case(Input):
    """Everything that the decision hangs on.

    Only while hardware is in service does it cost `running` and `electricity` and spare the
    `baseline`: a month partly in service counts by its days.

    The company is taken to have profits to deduct from, and to settle tax once, at its tax
    year's end.
    """

    currency: str = Field(default="USD", description="ISO code; all amounts are in it.")
    start: Day = Field(description="The first day of the first month.")
    horizon_months: int = Field(ge=1, le=600, description="How many months are looked at.")
    assets: tuple[Asset, ...] = Field(min_length=1, description="What is bought, or leased.")
    financing: Financing = Field(default=Cash(), description="How it is paid for.")
    running: Monthly = Field(
        description="Electricity, operations and all else that is deducted at once."
    )
    electricity: tuple[Derived, ...] = Field(
        default=(),
        description="Electricity of each month of the horizon, beside `running`; none: it is in "
        "`running`.",
    )
    baseline: Monthly = Field(description="What is no longer paid, such as subscriptions.")
    tax_percent: Percent = Field(default=Decimal(0), description="Tax on profits, in percent.")
    tax_year_starts_in_month: int = Field(
        default=1, ge=1, le=12, description="Month in which the tax year begins, 1 is January."
    )
    discount_percent_per_year: Percent = Field(
        default=Decimal(0), description="What money costs the company, in percent a year."
    )

    @model_validator(mode="after")
    def _fits_in_the_horizon(self) -> "Case":
        end = add_months(self.start, self.horizon_months)
        for asset in self.assets:
            if asset.in_service_date >= end:
                raise ValueError(f"{asset.name} is not in service before the horizon's end.")
            if asset.disposal and asset.disposal.on < self.start:
                raise ValueError(f"{asset.name} is disposed of before the start; leave it out.")
        if self.electricity and len(self.electricity) != self.horizon_months:
            raise ValueError("Give electricity for each month of the horizon, or for none.")
        lease = self.financing
        if isinstance(lease, Lease) and lease.months > self.horizon_months:
            raise ValueError("The lease outlasts the horizon; lengthen horizon_months.")
        return self


class CashFlow(Figures):
    """Money at one month's end (month 0: the start), by where it comes from.

    Positive is better for the company. Each is the difference that self-hosting makes against the
    baseline.
    """

    month: int
    on: date
    hardware: Decimal
    """Purchases."""
    financing: Decimal
    """Loan drawn, loan and lease payments."""
    running: Decimal
    baseline_avoided: Decimal
    depreciation_shield: Decimal
    expense_shield: Decimal
    """Tax saved by running costs, interest and lease payments."""
    baseline_tax: Decimal
    """Negative: what is not paid is not deducted either."""
    disposal: Decimal
    """Proceeds."""
    disposal_tax: Decimal
    """Negative on a gain, positive on a loss."""
    net: Decimal
    cumulative: Decimal
    present_value: Decimal
    cumulative_present_value: Decimal


class Stretch(Figures):
    """Days in service, both ends counted."""

    first_day: date
    last_day: date


class Ownership(Figures):
    """The case worked out, month by month and summed up. `totals` names the columns of a
    `CashFlow` from `hardware` to `net`.

    `in_service` is when any of the hardware serves within the horizon, and `months_in_service` how
    long that is, begun months by their days. `assumed_resale` is the part of the proceeds that no
    one has settled: what is left at the horizon's end is taken to be sold for its book value.
    `outlived` names the assets that are counted on for longer than their life. `laid_out` is the
    most own money that is out at any time; 0: none ever is.
    """

    case: Case
    hardware_cost: Decimal
    flows: tuple[CashFlow, ...]
    totals: dict[str, Decimal]
    npv: Decimal
    irr: Irr
    payback: Payback
    discounted_payback: Payback
    book_schedules: tuple[Schedule, ...]
    tax_schedules: tuple[Schedule, ...]
    loan: LoanSchedule | None
    disposals: tuple[Outcome, ...]
    in_service: tuple[Stretch, ...]
    months_in_service: Decimal
    assumed_resale: Decimal
    outlived: tuple[str, ...]
    laid_out: Decimal
    assumptions: tuple[str, ...]
