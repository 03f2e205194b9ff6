"""The one sentence that a manager reads."""

from decimal import Decimal

from dashboard.costs.capacity import sentence as told
from dashboard.costs.money import words
from dashboard.costs.plan.figures import BreakEvenPlan, CapacityPlan, OwnershipPlan, UnitCosts
from dashboard.costs.plan.wording import number, team_of
from dashboard.costs.scenario import Scenario


def headline(
    scenario: Scenario,
    even: BreakEvenPlan,
    ownership: OwnershipPlan,
    costs: UnitCosts,
    capacity: CapacityPlan | None,
) -> str:
    """Whether it pays, "never" if so, and outright when the hardware cannot serve the model."""
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
    return f"{why}; {paper} with {team}, {_instead(scenario, capacity)}."


def _worth(scenario: Scenario, ownership: OwnershipPlan) -> str:
    npv = ownership.evaluation.npv
    amount = words(abs(npv), scenario.currency)
    tax = f"after {number(scenario.tax_percent)}% tax" if scenario.tax_percent else "before tax"
    rate = scenario.discount_percent_per_year
    discounted = f", discounted at {number(rate)}% a year" if rate else ""
    more = "less" if npv >= 0 else "more"
    return (
        f"over {scenario.horizon_months} months it costs {amount} {more} than the seats, "
        f"{tax}{discounted}"
    )


def _instead(scenario: Scenario, capacity: CapacityPlan) -> str:
    serving = capacity.serving
    if scenario.currency != told.CURRENCY:
        return f"and what serves them is priced here in {told.CURRENCY} only"
    if serving is None:
        return "and no hardware with a known price serves them"
    about = "about " if serving.price_estimated else ""
    after = _after(serving.months, "has paid", "never pays")
    late = ", past its life" if serving.months is not None and not serving.within_life else ""
    return f"but what serves them costs {about}{words(serving.price, 'USD')} and {after}{late}"


def _after(months: Decimal | None, pays: str, never: str) -> str:
    return (
        f"{never} for itself" if months is None else f"{pays} for itself after {months:,.1f} months"
    )
