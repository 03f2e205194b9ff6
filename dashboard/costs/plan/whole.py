"""All of a scenario's figures but the simulated queue (`Plan.queue` is None)."""

from dashboard.costs import money
from dashboard.costs.ownership.assets import cost, residual_value
from dashboard.costs.plan.api import api_plan, price_of, with_api
from dashboard.costs.plan.assumptions import assumptions
from dashboard.costs.plan.basis import (
    Basis,
    basis_of,
    case_of,
    life_months,
    resale_month,
    to_recover,
)
from dashboard.costs.plan.capacity import capacity_plan, placed, throughput
from dashboard.costs.plan.chances import uncertainty_plan
from dashboard.costs.plan.figures import AssetLine, HardwarePlan, MonthPlan, Plan
from dashboard.costs.plan.headline import headline
from dashboard.costs.plan.linear import break_even_plan
from dashboard.costs.plan.owned import ownership_plan
from dashboard.costs.plan.units import unit_costs
from dashboard.costs.scenario import Scenario


def plan(scenario: Scenario) -> Plan:
    """In some 50 milliseconds.

    ValueError: a tax rule that the dates do not allow, a loan above the hardware's cost, or a
    range of an uncertain input that does not contain its value.
    """
    basis, use = basis_of(scenario), scenario.use
    found = placed(scenario.capacity) if scenario.capacity else None
    made = use.throughput_tokens_per_s if use else None
    if made is None and use and found:
        made = throughput(found, use)
    case = case_of(scenario, basis, made)
    api = None
    if scenario.api and use:
        price = price_of(scenario.api, use)
        case = with_api(case, price, use)
        api = api_plan(scenario.api, price, case)
    even = break_even_plan(case, resale_month(scenario))
    owned = ownership_plan(scenario, basis)
    chances = uncertainty_plan(scenario, case)
    capacity = capacity_plan(scenario, basis, found) if found else None
    costs = unit_costs(case, basis)
    return Plan(
        headline=headline(scenario, even, owned, costs, capacity),
        scenario=scenario,
        hardware=_hardware(scenario, basis),
        electricity=basis.bill,
        operations=basis.operations,
        month=_month(basis),
        break_even=even,
        ownership=owned,
        costs=costs,
        api=api,
        uncertainty=chances,
        capacity=capacity,
        assumptions=assumptions(scenario, basis, even, owned, api, chances, capacity),
    )


def _hardware(scenario: Scenario, basis: Basis) -> HardwarePlan:
    return HardwarePlan(
        assets=tuple(
            AssetLine(
                name=asset.name,
                count=asset.count,
                unit_price=asset.unit_price,
                cost=cost(asset),
                residual_value=residual_value(asset),
                life_months=asset.life_months,
                purchase_date=asset.purchase_date,
                in_service_date=asset.in_service_date,
                source=asset.source,
            )
            for asset in scenario.assets
        ),
        cost=basis.hardware_cost,
        residual_value=basis.residual_value,
        to_recover=to_recover(scenario, basis),
        life_months=life_months(scenario),
    )


def _month(basis: Basis) -> MonthPlan:
    depreciation = money.cents(basis.depreciation)
    return MonthPlan(
        electricity=basis.bill.total,
        operations=basis.operations.total,
        running=basis.running,
        depreciation=depreciation,
        self_hosted=basis.running + depreciation,
        seats=basis.seats_per_month,
        saving=basis.seats_per_month - basis.running,
        electricity_rising_with_use=basis.rising,
    )
