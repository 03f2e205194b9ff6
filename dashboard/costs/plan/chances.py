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
from dashboard.costs.plan.figures import UncertaintyPlan
from dashboard.costs.scenario import Scenario
from dashboard.costs.uncertain import distributions

TEAM_DRAWS, MOST_TEAMS = 2_000, 50  # a band to draw, not a figure to quote


def uncertainty_plan(scenario: Scenario, case: BreakEvenCase) -> UncertaintyPlan | None:
    """None: nothing is uncertain. ValueError: a range that does not contain the case's value."""
    inputs = distributions(scenario.uncertainty, case)
    if not inputs:
        return None
    uncertain = _uncertain(case, inputs)
    seats = simulate(uncertain)
    teams: tuple[TeamSpread, ...] = ()
    if "developers" not in inputs:
        teams = tuple(simulate_teams(uncertain, MOST_TEAMS, draws=TEAM_DRAWS))
    return UncertaintyPlan(
        case=uncertain,
        seats=seats,
        api=simulate(uncertain, "api") if case.api_input_price is not None else None,
        teams=teams,
        bounds=bounds(uncertain),
        tornado=tornado(uncertain),
        sentence=simulation_sentence(seats),
    )


def _uncertain(case: BreakEvenCase, inputs: dict[str, Distribution]) -> UncertainCase:
    """With mistakes told by the name that they have in a scenario."""
    try:
        return UncertainCase(base=case, inputs=inputs)
    except ValidationError as error:
        said = [
            f"{'.'.join(map(str, ('uncertainty', *one['loc'])))}: "
            + one["msg"].removeprefix("Value error, ")
            for one in error.errors()
        ]
        raise ValueError("; ".join(said)) from error
