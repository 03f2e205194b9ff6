"""The slow part of a plan: how large a team is answered in time, found by simulation."""

from dashboard.costs.capacity import sentence as told
from dashboard.costs.capacity.deployment import Deployment
from dashboard.costs.capacity.planning import correction_sentence, planning_speed
from dashboard.costs.capacity.scale_out import Load
from dashboard.costs.capacity.speed import Speed
from dashboard.costs.plan.basis import as_decimal, seat_per_month
from dashboard.costs.plan.capacity import Placed, ownership_of, placed
from dashboard.costs.plan.figures import Assumption, QueuePlan
from dashboard.costs.plan.progress import Course, Tell, nobody
from dashboard.costs.plan.wording import team_of
from dashboard.costs.queueing.arrivals import PoissonArrivals, Workload
from dashboard.costs.queueing.limits import (
    HardwareStep,
    TeamLimit,
    curve,
    most_runs,
    next_step,
    saturating_team,
    team_limit,
)
from dashboard.costs.queueing.simulation import REPLICATIONS
from dashboard.costs.queueing.tokens import LognormalTokens
from dashboard.costs.scenario import Scenario
from dashboard.costs.scenario_capacity import CapacityNeed

P95_TO_MEAN = 2.5  # of prompts and of answers, where none were observed: assumed
# What is simulated, in this order.
HARDWARE = "Looking for hardware that serves the team"
LIMIT = "Looking for the largest team that is served in time"
CURVE = "Waiting time by team size"
LOADS = (0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9)  # of the team that saturates the hardware


def queue(scenario: Scenario, tell: Tell = nobody) -> QueuePlan:
    """Takes seconds, and tells how far it is. The same scenario gives the same figures."""
    need = scenario.capacity
    if need is None:
        return _none("no model and hardware are named")
    found = placed(need)
    work = need.workload or workload_of(need.load)
    tries = _tries(scenario, need, found)
    saturated_at = saturating_team(found.fast, work) if found.fast else None
    points = sorted({max(1, round(share * (saturated_at or 1))) for share in LOADS})
    course = Course(
        tell,
        {
            HARDWARE: len(tries) * REPLICATIONS,
            LIMIT: most_runs(saturated_at) if saturated_at else 0,
            CURVE: len(points) * REPLICATIONS if found.fast else 0,
        },
    )
    steps = tuple(
        next_step(
            tries, work, scenario.developers, need.first_token_limit_s, watch=course.of(HARDWARE)
        )
    )
    assumed = tuple(_assumed(need))
    if found.fast is None:
        reason = f"{found.deployment.title} does not hold {found.deployment.model.title}"
        return QueuePlan(
            reason=reason,
            limit=None,
            curve=(),
            steps=steps,
            sentence=f"No team is served: {reason}. {_step_sentence(steps, scenario, need)}",
            assumptions=assumed,
        )
    limit = team_limit(found.fast, work, need.first_token_limit_s, watch=course.of(LIMIT))
    return QueuePlan(
        reason=limit.reason,
        limit=limit,
        curve=tuple(curve(found.fast, work, points, watch=course.of(CURVE))),
        steps=steps,
        sentence=f"{_limit_sentence(limit, found)} {_step_sentence(steps, scenario, need)}",
        assumptions=assumed,
    )


def workload_of(load: Load) -> Workload:
    """The stated load as if the busiest hour lasted, with lengths spread lognormally."""
    return Workload(
        arrivals=PoissonArrivals(per_developer_hour=load.requests_per_hour),
        tokens=LognormalTokens(
            prompt_mean=load.prompt_tokens,
            prompt_p95=load.prompt_tokens * P95_TO_MEAN,
            cached_share=load.cached_share,
            answer_mean=load.answer_tokens,
            answer_p95=load.answer_tokens * P95_TO_MEAN,
        ),
    )


def _tries(scenario: Scenario, need: CapacityNeed, found: Placed) -> list[tuple[str, Speed]]:
    """Hardware with a known price from the cheapest on, then more of what serves such a team."""
    if not scenario.developers:
        return []
    return [
        (title, _speed(deployment, need.load, replicas))
        for _, title, deployment, replicas in sorted(
            _choices(scenario, need, found), key=lambda choice: choice[0]
        )
    ]


def _choices(
    scenario: Scenario, need: CapacityNeed, found: Placed
) -> list[tuple[float, str, Deployment, int]]:
    """Price, name, replica, and how many of them."""
    model, precision = found.deployment.model, found.deployment.precision
    choices = []
    for one in told.what_holds_it(model, precision, need.load.context_tokens):
        price = one.hardware.cost(one.accelerators)
        if price is not None:
            choices.append((float(price), one.title, one, 1))
    try:
        row = told.answer(
            model,
            precision,
            scenario.developers,
            as_decimal(seat_per_month(scenario)),
            need.asked,
            ownership_of(scenario),
        ).row
    except ValueError:  # none is fast enough
        return choices
    for replicas in (row.replicas, 2 * row.replicas, 4 * row.replicas):
        price = row.deployment.hardware.cost(row.deployment.accelerators * replicas)
        name = row.deployment.title if replicas == 1 else f"{replicas} × {row.deployment.title}"
        if price is not None and name not in {choice[1] for choice in choices}:
            choices.append((float(price), name, row.deployment, replicas))
    return choices


def _speed(deployment: Deployment, load: Load, replicas: int) -> Speed:
    return planning_speed(
        deployment, load.prompt_tokens, load.answer_tokens, load.cached_tokens, replicas=replicas
    )


def _limit_sentence(limit: TeamLimit, found: Placed) -> str:
    title = found.deployment.title
    if limit.developers is None:
        return f"There is no limit to the team: {limit.reason}."
    if not limit.developers:
        return f"{title} answers nobody within {limit.limit_s:g} seconds: {limit.reason}."
    return (
        f"{title} gives 95% of requests their first token within {limit.limit_s:g} seconds up to "
        f"about {limit.developers:,} developers."
    )


def _step_sentence(steps: tuple[HardwareStep, ...], scenario: Scenario, need: CapacityNeed) -> str:
    if not steps:
        return "There is no developer to serve."
    within = f"{team_of(scenario.developers)} within {need.first_token_limit_s:g} seconds"
    if not steps[-1].holds:
        return f"None of the hardware with a known price answers {within}."
    return f"The cheapest hardware that answers {within} is {steps[-1].name}."


def _assumed(need: CapacityNeed) -> list[Assumption]:
    text = (
        "The busiest hour of the week is simulated as if it lasted; requests come independently "
        "of each other."
    )
    found = [
        Assumption(text=text, source=""),
        Assumption(
            text=correction_sentence(),
            source="Published figures, listed by python -m dashboard.costs.capacity",
        ),
    ]
    if need.workload is None:
        found.append(
            Assumption(
                text="Lengths of prompts and answers are lognormal, with 95% of them below "
                f"{P95_TO_MEAN:g} times the mean.",
                source="Judgement, not measurement: a ledger's own requests can be given instead",
            )
        )
    return found


def _none(reason: str) -> QueuePlan:
    return QueuePlan(
        reason=reason,
        limit=None,
        curve=(),
        steps=(),
        sentence=f"Waiting times are unknown: {reason}.",
        assumptions=(),
    )
