"""What a scenario comes to in a month, exactly: the numbers that all its answers start from."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from dashboard.costs import money
from dashboard.costs.baselines.models import RequestOverage, Seats, TokenOverage
from dashboard.costs.break_even.case import BreakEvenCase
from dashboard.costs.break_even.formulas import DAYS_PER_MONTH, MILLION
from dashboard.costs.electricity.bill import Bill, typical_month
from dashboard.costs.operations import OperationsMonth, operations_per_month
from dashboard.costs.ownership.assets import cost, residual_value
from dashboard.costs.ownership.financing import Lease
from dashboard.costs.ownership.held import worth_at_buyout
from dashboard.costs.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Basis:
    """`seat` is the price of one more seat a month; `rising` what of the electricity bill is not
    due when all loads idle; `depreciation` that of a month, each asset over its own life, or a
    lease's payments over its term."""

    hardware_cost: Decimal
    residual_value: Decimal
    bill: Bill
    rising: Decimal
    depreciation: Fraction
    operations: OperationsMonth
    seat: Fraction
    seats_per_month: Decimal

    @property
    def running(self) -> Decimal:
        return self.bill.total + self.operations.total


def basis_of(scenario: Scenario) -> Basis:
    whole = sum((cost(asset) for asset in scenario.assets), Decimal(0))
    bill = _bill(scenario, idle=False)
    seat = seat_per_month(scenario)
    return Basis(
        hardware_cost=whole,
        residual_value=sum((residual_value(asset) for asset in scenario.assets), Decimal(0)),
        bill=bill,
        rising=_rising(scenario, bill),
        depreciation=_depreciation(scenario),
        operations=operations_per_month(scenario.operations, whole),
        seat=seat,
        seats_per_month=money.cents(seat * scenario.developers),
    )


def seat_per_month(scenario: Scenario) -> Fraction:
    """One seat, exactly; of several plans the mean of their seats, with what use beyond them
    costs. 0 where no plan has a seat."""
    seats = scenario.seats
    if not isinstance(seats, Seats):
        return _discounted(seats.price_per_month, seats.annual_discount_percent)
    held = sum(plan.developers for plan in seats.plans)
    if not held:
        return Fraction(0)
    tokens = tokens_per_seat(scenario)
    total = Fraction(0)
    for plan in seats.plans:
        price = _discounted(plan.price_per_month, plan.annual_discount_percent)
        if isinstance(plan.overage, TokenOverage) and tokens is not None:
            beyond = max(Fraction(0), tokens - plan.overage.included_per_month)
            price += beyond * Fraction(plan.overage.price_per_million) / MILLION
        total += price * plan.developers
    return total / held


def tokens_per_seat(scenario: Scenario) -> Fraction | None:
    """Tokens of one developer a month, all alike; None: not known."""
    if scenario.use is None or not scenario.developers:
        return None
    return Fraction(scenario.use.tokens_per_day) * DAYS_PER_MONTH / scenario.developers


def overage_left_out(scenario: Scenario) -> bool:
    """Whether a plan prices use beyond its seats, and that use is not known."""
    if not isinstance(scenario.seats, Seats):
        return False
    kinds = [plan.overage for plan in scenario.seats.plans if plan.overage is not None]
    by_request = any(isinstance(kind, RequestOverage) for kind in kinds)
    return by_request or bool(kinds and tokens_per_seat(scenario) is None)


def life_months(scenario: Scenario) -> int:
    """What savings have to pay within: a lease's term, else the shortest life among the assets."""
    if isinstance(scenario.financing, Lease):
        return scenario.financing.months
    return min(asset.life_months for asset in scenario.assets)


def resale_month(scenario: Scenario) -> int | None:
    """When the last asset that is worth something then has reached the end of its life, in months
    of service; None: nothing is sold."""
    if isinstance(scenario.financing, Lease):
        return None
    lives = [one.life_months for one in scenario.assets if residual_value(one)]
    return max(lives, default=None)


def to_recover(scenario: Scenario, basis: Basis) -> Decimal:
    """What savings have to pay: cost less resale, or a lease's payments with its buyout."""
    lease = scenario.financing
    if isinstance(lease, Lease):
        return _lease_total(scenario, lease)
    return basis.hardware_cost - basis.residual_value


def case_of(scenario: Scenario, basis: Basis, throughput: Decimal | None) -> BreakEvenCase:
    """The break-even's own case, against seats; the API's prices are added where it is one."""
    leased = isinstance(scenario.financing, Lease)
    price = to_recover(scenario, basis) if leased else basis.hardware_cost
    back = Decimal(0)
    if not leased and basis.residual_value:
        back = basis.residual_value / basis.hardware_cost
    tokens = scenario.use.tokens_per_day if scenario.use else Decimal(0)
    rising = basis.rising if tokens else Decimal(0)
    millions = Fraction(tokens) * DAYS_PER_MONTH / MILLION
    return BreakEvenCase(
        currency=scenario.currency,
        hardware_price=price,
        residual_share=back,
        life_months=life_months(scenario),
        depreciation_factor=_factor(scenario, basis),
        electricity_idle_per_month=basis.bill.total - rising,
        electricity_per_million_tokens=as_decimal(Fraction(rising) / millions)
        if rising
        else Decimal(0),
        operations_per_month=basis.operations.total,
        developers=scenario.developers,
        seat_price_per_month=as_decimal(basis.seat),
        tokens_per_day=tokens,
        throughput_tokens_per_s=throughput,
    )


def as_decimal(value: Fraction) -> Decimal:
    """To 28 digits: exact for all that people write, and far below a cent for the rest."""
    return Decimal(value.numerator) / value.denominator


def _factor(scenario: Scenario, basis: Basis) -> Decimal:
    """Depreciation over what it were if every asset lasted only as long as the shortest."""
    recover = Fraction(to_recover(scenario, basis))
    if not recover:
        return Decimal(1)
    return as_decimal(basis.depreciation * life_months(scenario) / recover)


def _depreciation(scenario: Scenario) -> Fraction:
    if isinstance(scenario.financing, Lease):
        return Fraction(_lease_total(scenario, scenario.financing)) / scenario.financing.months
    return sum(
        (Fraction(cost(one) - residual_value(one)) / one.life_months for one in scenario.assets),
        Fraction(0),
    )


def _lease_total(scenario: Scenario, lease: Lease) -> Decimal:
    """All payments. What is bought as the horizon ends is sold again, as in the cash flow."""
    total = lease.payment_per_month * lease.months + (lease.buyout or 0)
    if lease.months == scenario.horizon_months:
        total -= worth_at_buyout(scenario.assets, lease)
    return max(total, Decimal(0))


def _rising(scenario: Scenario, bill: Bill) -> Decimal:
    if all(load.idle_w == load.active_w for load in scenario.loads):
        return Decimal("0.00")
    return bill.total - _bill(scenario, idle=True).total


def _bill(scenario: Scenario, *, idle: bool) -> Bill:
    loads = scenario.loads
    if idle:
        loads = tuple(load.model_copy(update={"active_share": Decimal(0)}) for load in loads)
    return typical_month(loads, scenario.tariff, scenario.pue, scenario.start.year)


def _discounted(price: Decimal, percent: Decimal) -> Fraction:
    return Fraction(price) * (1 - Fraction(percent) / 100)
