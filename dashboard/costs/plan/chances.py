"""What the uncertainty of the inputs does to the scenario's break-even."""

from pydantic import ValidationError

from dashboard.costs.break_even.case import BreakEvenCase
from dashboard.costs.break_even.distributions import Distribution
from dashboard.costs.break_even.sentences import simulation_sentence
from dashboard.costs.break_even.tornado import tornado
from dashboard.costs.break_even.uncertainty import (
    TeamSpread,
    UncertainCase,
    bounds,
    simulate,
    simulate_teams,
)
from dashboard.costs.ownership.financing import Lease
from dashboard.costs.plan.figures import UncertaintyPlan
from dashboard.costs.plan.linear import teams
from dashboard.costs.scenario import Scenario
from dashboard.costs.uncertain import distributions, of_lease

TEAM_DRAWS = 2_000  # a band to draw, not a figure to quote


def uncertainty_plan(scenario: Scenario, case: BreakEvenCase) -> UncertaintyPlan | None:
    """None: nothing is uncertain. ValueError: a range that does not contain the case's value."""
    ranges = scenario.uncertainty
    if isinstance(scenario.financing, Lease):
        ranges = of_lease(ranges)
    inputs = distributions(ranges, case)
    if not inputs:
        return None
    uncertain = _uncertain(case, inputs)
    seats = simulate(uncertain)
    spreads: tuple[TeamSpread, ...] = ()
    if "developers" not in inputs:
        spreads = tuple(simulate_teams(uncertain, teams(case.developers), draws=TEAM_DRAWS))
    by_input = tornado(uncertain)
    return UncertaintyPlan(
        case=uncertain,
        seats=seats,
        api=simulate(uncertain, "api") if case.api_input_price is not None else None,
        teams=spreads,
        bounds=bounds(uncertain),
        tornado=by_input,
        sentence=simulation_sentence(seats, by_input.base),
    )


def _uncertain(case: BreakEvenCase, inputs: dict[str, Distribution]) -> UncertainCase:
    """With mistakes told by the name that they have in a scenario, a line each."""
    try:
        return UncertainCase(base=case, inputs=inputs)
    except ValidationError as error:
        said = [
            f"uncertainty.{line}"
            for one in error.errors()
            for line in one["msg"].removeprefix("Value error, ").splitlines()
        ]
        raise ValueError("\n".join(said)) from error
