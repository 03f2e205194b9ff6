"""Does the hardware hold the model and serve the team, and if not, what does."""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from dashboard.costs.capacity import sentence as told
from dashboard.costs.capacity.against_seats import CURRENCY
from dashboard.costs.capacity.deployment import Deployment
from dashboard.costs.capacity.load import hardware
from dashboard.costs.capacity.memory import most_sequences, weight_bytes
from dashboard.costs.capacity.planning import correction_sentence, planning_speed
from dashboard.costs.capacity.running import Ownership
from dashboard.costs.capacity.scale_out import Asked, Load, Row, limit, scale_out
from dashboard.costs.capacity.speed import Speed
from dashboard.costs.capacity.validation import correction, interval
from dashboard.costs.plan.basis import Basis, as_decimal, life_months
from dashboard.costs.plan.figures import (
    CapacityPlan,
    Grown,
    Holding,
    Predicted,
    Serving,
    SpeedPlan,
)
from dashboard.costs.scenario import Scenario, Use
from dashboard.costs.scenario_capacity import CapacityNeed

GB = 1e9


@dataclass(frozen=True, slots=True)
class Placed:
    """What a scenario names, laid out on its hardware. `fast`: what is planned with, predictions
    corrected; None: it does not fit."""

    need: CapacityNeed
    deployment: Deployment
    fast: Speed | None


def placed(need: CapacityNeed) -> Placed:
    deployment, load = need.deployment(), need.load
    fast = None
    if most_sequences(deployment, load.context_tokens):
        fast = planning_speed(
            deployment, load.prompt_tokens, load.answer_tokens, load.cached_tokens
        )
    return Placed(need, deployment, fast)


def throughput(found: Placed, use: Use) -> Decimal | None:
    """Tokens a second at full use, input and output in the team's mix; None: it does not fit.

    1 ÷ (fresh input ÷ reading rate + output × step ÷ batch), with the most answers in time.
    """
    if found.fast is None:
        return None
    at_once, _ = limit(found.fast, found.need.load)
    batch = max(1, at_once)
    seconds = float(use.input_share * (1 - use.cached_share)) / found.fast.prefill_tokens_per_s
    seconds += float(1 - use.input_share) * found.fast.step_s(batch) / batch
    return Decimal(f"{1 / seconds:.1f}") if seconds else None


def capacity_plan(scenario: Scenario, basis: Basis, found: Placed) -> CapacityPlan:
    need, deployment = found.need, found.deployment
    model, precision = deployment.model, deployment.precision
    speeds = None if found.fast is None else _speeds(found.fast, need.load)
    reason = _why_not(scenario, found, speeds)
    serving = serving_plan(scenario, basis, deployment)
    held = told.what_holds_it(model, precision, need.load.context_tokens)
    return CapacityPlan(
        hardware=deployment.title,
        model=model.title,
        precision=precision.name,
        weights_gb=weight_bytes(model, precision) / GB,
        memory_gb=_memory_bytes(deployment) / GB,
        holds=found.fast is not None,
        serves=reason is None,
        reason=reason,
        speed=speeds,
        speed_correction=correction(),
        holding=tuple(
            Holding(title=one.title, price=one.hardware.cost(one.accelerators)) for one in held
        ),
        serving=serving,
        grown=_grown(deployment, need.asked, ownership_of(scenario))
        if scenario.currency == CURRENCY
        else (),
        sentences=tuple(_sentences(scenario, basis, found, speeds, reason, serving)),
    )


def serving_plan(scenario: Scenario, basis: Basis, deployment: Deployment) -> Serving | None:
    """The cheapest hardware that serves the team, in US dollars.

    None: none with a known price does, there is nobody to serve, or prices in US dollars cannot be
    held against the scenario's.
    """
    need, developers = scenario.capacity, scenario.developers
    if need is None or not developers or scenario.currency != CURRENCY:
        return None
    try:
        answer = told.answer(
            deployment.model,
            deployment.precision,
            developers,
            as_decimal(basis.seat),
            need.asked,
            ownership_of(scenario),
        )
    except ValueError:  # none is fast enough
        return None
    row = answer.row
    price = row.deployment.hardware.price
    return Serving(
        developers=developers,
        title=_title(row),
        price=row.price,
        price_estimated=bool(price and price.estimated),
        kilowatts=row.kilowatts,
        months=answer.even.months,
        within_life=answer.even.within_life,
        sentence=answer.sentence,
    )


@lru_cache(maxsize=64)
def _grown(deployment: Deployment, asked: Asked, ownership: Ownership) -> tuple[Grown, ...]:
    """Kept, because most changes of a scenario leave it as it is."""
    model, precision = deployment.model, deployment.precision
    try:
        rows = scale_out(model, precision, hardware().values(), asked, ownership)
    except ValueError:  # none is fast enough
        return ()
    return tuple(
        Grown(
            developers=row.developers,
            title=_title(row),
            layout=row.deployment.layout,
            replicas=row.replicas,
            replicas_if_slow=row.replicas_if_slow,
            replicas_if_fast=row.replicas_if_fast,
            accelerators=row.accelerators,
            nodes=row.nodes,
            price=row.price,
            kilowatts=row.kilowatts,
            cost_per_month=row.cost_per_month,
            cost_per_developer=row.cost_per_developer,
        )
        for row in rows
    )


def _title(row: Row) -> str:
    replicas = f"{row.replicas:,} × " if row.replicas > 1 else ""
    return f"{replicas}{row.deployment.title}"


def ownership_of(scenario: Scenario) -> Ownership:
    """The scenario's own life, tariff, PUE and operations, for other hardware in its place."""
    return Ownership(
        life_months=life_months(scenario),
        tariff=scenario.tariff,
        pue=scenario.pue,
        operations=scenario.operations,
        year=scenario.start.year,
    )


def developers_served(rate: float, load: Load) -> int:
    """How many developers' busiest hour so many requests a second are."""
    return int(rate * load.busy_share * 3600 / load.requests_per_hour)


def _speeds(fast: Speed, load: Load) -> SpeedPlan:
    at_once, rate = limit(fast, load)
    likely = interval(rate) if rate else None
    return SpeedPlan(
        one_alone_tokens_per_s=_predicted(fast.tokens_per_s_of_each(1)),
        all_tokens_per_s=_predicted(rate * load.answer_tokens),
        read_tokens_per_s=_predicted(fast.prefill_tokens_per_s),
        first_token_s=fast.first_token_s(load.new_tokens),
        most_at_once=fast.most_at_once,
        at_once=at_once,
        developers_served=developers_served(rate, load),
        developers_served_if_slow=developers_served(likely.low, load) if likely else 0,
        developers_served_if_fast=developers_served(likely.high, load) if likely else 0,
    )


def _predicted(value: float) -> Predicted:
    likely = interval(value)
    return Predicted(low=likely.low, predicted=likely.predicted, high=likely.high)


def _why_not(scenario: Scenario, found: Placed, speeds: SpeedPlan | None) -> str | None:
    """Why it does not serve the team; None: it does."""
    need, deployment = found.need, found.deployment
    if speeds is None:
        weights = weight_bytes(deployment.model, deployment.precision) / GB
        return (
            f"{deployment.title} does not hold {deployment.model.title}: its weights are "
            f"{weights:,.0f} GB in {deployment.precision.name.upper()}, and the memory has "
            f"{_memory_bytes(deployment) / GB:,.0f} GB, of which a tenth is kept free"
        )
    if not speeds.at_once:
        alone = speeds.one_alone_tokens_per_s.predicted
        return (
            f"even one answer alone comes at about {alone:,.0f} tokens a second, prompts read in "
            f"between, and {need.load.least_tokens_per_s:g} are asked for"
        )
    if speeds.first_token_s > need.first_token_limit_s:
        return (
            f"the first token takes about {_seconds(speeds.first_token_s)} without any waiting, "
            f"and {need.first_token_limit_s:g} are allowed"
        )
    if speeds.developers_served < scenario.developers:
        return (
            f"it serves about {speeds.developers_served:,} developers "
            f"({speeds.developers_served_if_slow:,} to {speeds.developers_served_if_fast:,}), not "
            f"{scenario.developers:,}"
        )
    return None


def _sentences(
    scenario: Scenario,
    basis: Basis,
    found: Placed,
    speeds: SpeedPlan | None,
    reason: str | None,
    serving: Serving | None,
) -> list[str]:
    need, deployment = found.need, found.deployment
    model, precision = deployment.model, deployment.precision
    said = []
    if speeds is None:
        said.append(_does_not_fit(scenario, basis, found, reason or ""))
        if scenario.currency == CURRENCY:
            ownership, seat = ownership_of(scenario), as_decimal(basis.seat)
            said.append(told.what_merely_holds_it(model, precision, seat, need.asked, ownership))
            if serving is not None:
                said.append(_argument(deployment, seat, need.asked, ownership))
    else:
        alone = speeds.one_alone_tokens_per_s
        said.append(
            f"{deployment.title} holds {model.title} in {precision.name.upper()}: about "
            f"{alone.predicted:,.0f} tokens a second ({alone.low:,.0f} to {alone.high:,.0f}) for "
            f"one request alone, and {speeds.developers_served:,} developers "
            f"({speeds.developers_served_if_slow:,} to {speeds.developers_served_if_fast:,}) at "
            "the stated load."
        )
        if reason is not None:
            said.append(f"It does not serve this team: {reason}.")
    if reason is not None or serving is None:
        said.append(_what_serves(scenario, found, serving))
    said.append(correction_sentence())
    return said


def _what_serves(scenario: Scenario, found: Placed, serving: Serving | None) -> str:
    if serving is not None:
        return serving.sentence
    if not scenario.developers:
        return "There is no developer to serve, so nothing is chosen to serve anybody."
    if scenario.currency != CURRENCY:
        return "What else would serve it is not compared: its prices are known in USD only."
    load, limit_s = found.need.load, found.need.first_token_limit_s
    return (
        f"No hardware with a known price serves {found.deployment.model.title} at this load, with "
        f"the first token within {limit_s:g} seconds and {load.least_tokens_per_s:g} tokens a "
        "second or more."
    )


@lru_cache(maxsize=64)
def _argument(deployment: Deployment, seat: Decimal, asked: Asked, ownership: Ownership) -> str:
    """Kept, because it tries one team after another, and most changes leave it as it is."""
    card, model = deployment.hardware, deployment.model
    return told.what_it_does_to_the_argument(
        card, model, deployment.precision, seat, asked, ownership
    )


def _does_not_fit(scenario: Scenario, basis: Basis, found: Placed, reason: str) -> str:
    """One card is told with every precision that is asked for and the model's own."""
    deployment = found.deployment
    if deployment.accelerators > 1 or deployment.hardware.host is not None:
        return f"{reason}."
    card = deployment.hardware
    in_dollars = scenario.currency == CURRENCY
    if card.price is None or card.price.accelerator != basis.hardware_cost or not in_dollars:
        card = card.model_copy(update={"price": None})
    own = deployment.model.precision[0].name
    names = dict.fromkeys([own, deployment.precision.name])
    return told.does_it_fit(card, deployment.model, tuple(names))


def _seconds(value: float) -> str:
    return f"{value:,.1f} seconds" if value >= 1 else f"{value:.2g} seconds"


def _memory_bytes(deployment: Deployment) -> float:
    host = deployment.hardware.host
    card = deployment.hardware.memory_bytes * deployment.accelerators
    return card + (host.memory_bytes if host else 0.0)
