"""A plan's key figures as tiles and as rows to compare."""

from dataclasses import dataclass
from decimal import Decimal

from dashboard import formats
from dashboard.costs.break_even.uncertainty import Spread
from dashboard.costs.plan import Plan

NEVER = "never"


@dataclass(frozen=True, slots=True)
class Tile:
    label: str
    value: str
    note: str
    explain: str


def tiles(plan: Plan) -> list[Tile]:
    """What stands below the headline."""
    return [
        _break_even(plan),
        _saving(plan),
        _developer(plan),
        _npv(plan),
        _irr(plan),
        _chance(plan),
    ]


def months(value: Decimal | None) -> str:
    return NEVER if value is None else f"{value:,.1f} months"


def interval(spread: Spread) -> str:
    """`19.6 to 36.2 months`, `55.0 months to never`."""
    if spread.low is None:
        return NEVER
    if spread.high is None:
        return f"{spread.low:,.1f} months to never"
    return f"{spread.low:,.1f} to {spread.high:,.1f} months"


def key_figures(plan: Plan) -> dict[str, str]:
    """What is compared, side by side."""
    scenario, currency, month = plan.scenario, plan.scenario.currency, plan.month
    chances = plan.uncertainty
    return {
        "Developers": f"{scenario.developers:,}",
        "Hardware": _money(plan.hardware.cost, currency),
        "Running costs a month": _money(month.running, currency),
        "Seats a month": _money(month.seats, currency),
        "Saving a month": _money(month.saving, currency),
        "Break-even": months(plan.break_even.team.months),
        "Break-even, 5 to 95%": interval(chances.seats.months) if chances else formats.UNKNOWN,
        "Chance of never": formats.share(chances.seats.probability_never)
        if chances
        else formats.UNKNOWN,
        "Developers needed": "never enough"
        if plan.break_even.smallest_team is None
        else f"{plan.break_even.smallest_team:,}",
        "Per developer, fully loaded": _money(plan.costs.fully_loaded_per_developer, currency),
        "NPV": f"{_money(plan.ownership.evaluation.npv, currency)} in {scenario.horizon_months} "
        "months",
        "IRR a year": _irr_value(plan),
        "Serves the team": _serves(plan),
    }


def _break_even(plan: Plan) -> Tile:
    team, chances = plan.break_even.team, plan.uncertainty
    note = team.reason or ""
    if chances is not None:
        note = f"5 to 95%: {interval(chances.seats.months)}"
    return Tile(
        "Break-even",
        months(team.months),
        note,
        "After how many months the savings have paid for the hardware: linear, without tax and "
        "discounting. The interval is where 90% of 10,000 draws of the unsure inputs lie.",
    )


def _saving(plan: Plan) -> Tile:
    month, currency = plan.month, plan.scenario.currency
    return Tile(
        "Saving a month",
        _money(month.saving, currency),
        f"seats {_money(month.seats, currency)} less running {_money(month.running, currency)}",
        "Seats that are not paid, less electricity and operations. The hardware's price is not in "
        "it: the saving is what pays that back.",
    )


def _developer(plan: Plan) -> Tile:
    costs, currency = plan.costs, plan.scenario.currency
    return Tile(
        "Per developer",
        _money(costs.fully_loaded_per_developer, currency),
        f"fully loaded, a month; a seat is {_money(costs.seat_per_developer, currency)}",
        "Fully loaded: depreciation, electricity and operations of all the hardware, used or not, "
        "over all developers.",
    )


def _npv(plan: Plan) -> Tile:
    scenario = plan.scenario
    tax = f"after {_percent(scenario.tax_percent)} tax" if scenario.tax_percent else "before tax"
    rate = _percent(scenario.discount_percent_per_year)
    return Tile(
        "NPV",
        _money(plan.ownership.evaluation.npv, scenario.currency),
        f"{scenario.horizon_months} months, {tax}, discounted at {rate}",
        "Net present value: what all cash flows are worth on the first day. Above zero, hosting "
        "yourself is cheaper than the seats over this time.",
    )


def _irr(plan: Plan) -> Tile:
    reason = plan.ownership.evaluation.irr.reason
    return Tile(
        "IRR",
        _irr_value(plan),
        reason or "a year; against what else the money could earn",
        "Internal rate of return: the yearly interest that the money put into the hardware earns.",
    )


def _chance(plan: Plan) -> Tile:
    chances = plan.uncertainty
    if chances is None:
        return Tile(
            "Chance of never", formats.UNKNOWN, "nothing is unsure in this scenario", _CHANCE
        )
    within = formats.share(chances.seats.probability_within_life)
    return Tile(
        "Chance of never",
        formats.share(chances.seats.probability_never),
        f"{within} within its life of {plan.hardware.life_months} months",
        _CHANCE,
    )


_CHANCE = (
    "In how many of 10,000 draws of the unsure inputs the hardware never pays for itself. The "
    "ranges are assumed: see How unsure the inputs are."
)


def _irr_value(plan: Plan) -> str:
    rate = plan.ownership.evaluation.irr.percent_per_year
    if rate is None:
        return "none"
    return "over 1,000%" if rate > 1000 else f"{rate:,.1f}%"


def _serves(plan: Plan) -> str:
    if plan.capacity is None:
        return "not checked"
    if not plan.capacity.holds:
        return "no: the model does not fit"
    return "yes" if plan.capacity.serves else "no: too slow for the team"


def _money(amount: Decimal | None, currency: str) -> str:
    """Whole amounts from 10,000 on: cents say nothing there."""
    if amount is not None and abs(amount) >= 10_000:
        return formats.money(amount.quantize(Decimal(1)), currency).removesuffix(".00")
    return formats.money(amount, currency)


def _percent(value: Decimal) -> str:
    return f"{value.normalize():f}%"
