"""The one sentence that a manager reads."""

from decimal import Decimal

from dashboard.costs.money import words
from dashboard.costs.ownership.assets import Asset
from dashboard.costs.ownership.premises import outlived
from dashboard.costs.plan.figures import BreakEvenPlan, CapacityPlan, OwnershipPlan, UnitCosts
from dashboard.costs.plan.wording import number, team_of
from dashboard.costs.scenario import Scenario
from dashboard.costs.sentences import months_words, resale_words

_CURRENCY = "USD"  # of the catalogue's prices


def headline(
    scenario: Scenario,
    even: BreakEvenPlan,
    ownership: OwnershipPlan,
    costs: UnitCosts,
    capacity: CapacityPlan | None,
) -> str:
    """Whether it pays, "never" if so, and outright when the hardware cannot serve the model."""
    if not scenario.developers:
        return _nobody(even)
    if (capacity is None or capacity.serves) and (costs.utilisation or 0) > 1:
        return even.sentence  # never: it cannot make the team's tokens
    if capacity is None or capacity.serves:
        return f"{even.sentence.removesuffix('.')}; {_worth(scenario, ownership)}."
    team = team_of(scenario.developers)
    why = capacity.reason or ""
    if capacity.holds:
        why = f"{capacity.hardware} does not serve {team} with {capacity.model}: {why}"
    price = words(even.team.hardware_price, scenario.currency)
    paper = f"on paper {price} {_after(even.team.months, 'would have paid', 'would never pay')}"
    resale = resale_words(even.team)
    return f"{why}; {paper} with {team}{resale}, {_instead(scenario, capacity)}."


def _nobody(even: BreakEvenPlan) -> str:
    costs = even.team.electricity_per_month + even.team.operations_per_month
    return (
        "Without developers there is no seat to replace: the hardware saves nothing, and running "
        f"it costs {words(costs, even.team.currency)} a month."
    )


def _worth(scenario: Scenario, ownership: OwnershipPlan) -> str:
    npv = ownership.evaluation.npv
    amount = words(abs(npv), scenario.currency)
    tax = f"after {number(scenario.tax_percent)}% tax" if scenario.tax_percent else "before tax"
    rate = scenario.discount_percent_per_year
    discounted = f", discounted at {number(rate)}% a year" if rate else ""
    more = "less" if npv >= 0 else "more"
    return (
        f"over {scenario.horizon_months} months it costs {amount} {more} than the seats, "
        f"{tax}{discounted}{_provided(scenario, ownership)}"
    )


def _provided(scenario: Scenario, ownership: OwnershipPlan) -> str:
    """What the horizon takes for granted: use beyond the life, and a sale at its end."""
    worn = outlived(ownership.evaluation.case)
    alone = len(scenario.assets) == 1
    provided = [_worn(worn, alone=alone)] if worn else []
    sale = ownership.evaluation.assumed_resale
    if sale:
        what = "it is" if not worn else "is" if alone else "the hardware is"
        provided.append(f"{what} then sold for {words(sale, scenario.currency)}")
    return f", if {' and '.join(provided)}" if provided else ""


def _worn(worn: list[Asset], *, alone: bool) -> str:
    if len(worn) > 1:
        return f"{', '.join(one.name for one in worn)} run on past their lives"
    who = "it" if alone else worn[0].name
    return f"{who} runs on past its life of {worn[0].life_months} months"


def _instead(scenario: Scenario, capacity: CapacityPlan) -> str:
    serving = capacity.serving
    if scenario.currency != _CURRENCY:
        return f"and what serves them is priced here in {_CURRENCY} only"
    if serving is None:
        return "and no hardware with a known price serves them"
    about = "about " if serving.price_estimated else ""
    after = _after(serving.months, "has paid", "never pays")
    late = ", past its life" if serving.months is not None and not serving.within_life else ""
    return f"but what serves them costs {about}{words(serving.price, _CURRENCY)} and {after}{late}"


def _after(months: Decimal | None, pays: str, never: str) -> str:
    if months is None:
        return f"{never} for itself"
    return f"{pays} for itself after {months_words(months)}"
