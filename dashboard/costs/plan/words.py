"""The headline, and what everything rests on, in sentences with their sources."""

from collections.abc import Iterator
from decimal import Decimal

from dashboard.costs.baselines.models import Seats
from dashboard.costs.break_even.distributions import stated_range
from dashboard.costs.capacity import sentence as told
from dashboard.costs.capacity.load import hardware, models
from dashboard.costs.money import words
from dashboard.costs.ownership.financing import Lease, Loan
from dashboard.costs.plan.basis import Basis, overage_left_out
from dashboard.costs.plan.capacity import ownership_of
from dashboard.costs.plan.figures import (
    ApiPlan,
    Assumption,
    BreakEvenPlan,
    CapacityPlan,
    OwnershipPlan,
    UncertaintyPlan,
)
from dashboard.costs.scenario import Scenario


def headline(
    scenario: Scenario,
    even: BreakEvenPlan,
    ownership: OwnershipPlan,
    capacity: CapacityPlan | None,
) -> str:
    """The one sentence a manager reads."""
    if capacity is None or capacity.serves:
        return f"{even.sentence.removesuffix('.')}; {_worth(scenario, ownership)}."
    team = _team(scenario.developers)
    why = capacity.reason or ""
    if capacity.holds:
        why = f"{capacity.hardware} does not serve {team} with {capacity.model}: {why}"
    price = words(even.team.hardware_price, scenario.currency)
    paper = f"on paper {price} {_after(even.team.months, 'would have paid', 'would never pay')}"
    return f"{why}; {paper} with {team}, {_instead(capacity)}."


def assumptions(
    scenario: Scenario,
    basis: Basis,
    ownership: OwnershipPlan,
    api: ApiPlan | None,
    uncertainty: UncertaintyPlan | None,
    capacity: CapacityPlan | None,
) -> tuple[Assumption, ...]:
    return (
        *_hardware(scenario),
        *_running(scenario, basis),
        *_seats(scenario),
        *_reckoning(scenario),
        *_tax(ownership),
        *_tokens(scenario, api),
        *_ranges(scenario, uncertainty),
        *_capacity(scenario, basis, capacity),
    )


def _worth(scenario: Scenario, ownership: OwnershipPlan) -> str:
    npv = ownership.evaluation.npv
    amount = words(abs(npv), scenario.currency)
    tax = f"after {_number(scenario.tax_percent)}% tax" if scenario.tax_percent else "before tax"
    rate = scenario.discount_percent_per_year
    discounted = f", discounted at {_number(rate)}% a year" if rate else ""
    more = "less" if npv >= 0 else "more"
    return (
        f"over {scenario.horizon_months} months it costs {amount} {more} than the seats, "
        f"{tax}{discounted}"
    )


def _instead(capacity: CapacityPlan) -> str:
    serving = capacity.serving
    if serving is None:
        return "and no hardware is known here that does, with its price"
    estimated = "about " if serving.price_estimated else ""
    after = _after(serving.months, "has paid", "never pays")
    return f"but what serves them costs {estimated}{words(serving.price, 'USD')} and {after}"


def _after(months: Decimal | None, pays: str, never: str) -> str:
    return (
        f"{never} for itself" if months is None else f"{pays} for itself after {months:,.1f} months"
    )


def _hardware(scenario: Scenario) -> Iterator[Assumption]:
    for asset in scenario.assets:
        residual = asset.residual.percent
        returns = (
            words(asset.residual.amount or Decimal(0), scenario.currency)
            if residual is None
            else f"{_number(residual)}% of its cost"
        )
        yield Assumption(
            text=f"{asset.count} × {asset.name} at {words(asset.unit_price, scenario.currency)} "
            f"each, in service from {asset.in_service_date:%-d %B %Y} for {asset.life_months} "
            f"months, then worth {returns}.",
            source=asset.source or "",
        )


def _running(scenario: Scenario, basis: Basis) -> Iterator[Assumption]:
    bill = basis.bill
    powered = {
        "measured": "what a meter read",
        "nameplate": "the rated power, which a real load rarely draws",
        "mixed": "partly what a meter read, partly the rated power",
        None: "no load",
    }[bill.basis]
    yield Assumption(
        text=f"Electricity is {powered}: {_number(bill.kwh)} kWh in a month of 720 hours, PUE "
        f"{_number(scenario.pue)} included, for {words(bill.total, scenario.currency)}.",
        source=scenario.tariff.source,
    )
    total = basis.operations.total
    spent = (
        f"cost {words(total, scenario.currency)} a month" if total else "are taken to cost nothing"
    )
    yield Assumption(
        text=f"Operations (people, space, contracts, spares, network) {spent}.",
        source=scenario.operations.source,
    )


def _seats(scenario: Scenario) -> Iterator[Assumption]:
    seats = scenario.seats
    if not isinstance(seats, Seats):
        price = words(seats.price_per_month, scenario.currency)
        off = seats.annual_discount_percent
        less = f", less {_number(off)}% for paying by the year" if off else ""
        yield Assumption(
            text=f"Each developer would hold a seat at {price} a month{less}.", source=seats.source
        )
        return
    held = sum(plan.developers for plan in seats.plans)
    dated = f"{seats.source} (prices of {seats.valid_from:%-d %B %Y})"
    text = f"{seats.name}: {held} seats"
    if held != scenario.developers:
        text += f", whose mix is taken for {_team(scenario.developers)}"
    yield Assumption(text=f"{text}.", source=dated)
    if overage_left_out(scenario):
        yield Assumption(
            text="Use beyond what a seat includes is left out as far as it is not known: seats "
            "may cost more.",
            source=dated,
        )


def _reckoning(scenario: Scenario) -> Iterator[Assumption]:
    yield Assumption(
        text="Months to break-even are linear: what has to be recovered over what a month saves, "
        "without tax and discounting. A month has 30 days. Equal models and speeds are presumed.",
        source="",
    )
    match scenario.financing:
        case Loan():
            yield Assumption(
                text="The loan's interest is in the cash flows, not in the months to break-even.",
                source="",
            )
        case Lease():
            yield Assumption(
                text="Break-even has to recover all payments of the lease, with its buyout, within "
                "its term.",
                source="",
            )
    if len({asset.life_months for asset in scenario.assets}) > 1:
        yield Assumption(
            text="Assets have different lives; break-even is held against the shortest.", source=""
        )


def _tax(ownership: OwnershipPlan) -> Iterator[Assumption]:
    schedules = ownership.tax_schedules_if_kept
    sources = {
        one.asset: "; ".join(f"{source.title}, {source.address}" for source in one.sources)
        for one in schedules
    }
    noted = set()
    for text in ownership.evaluation.assumptions:
        asset = next((name for name in sources if text.startswith(f"{name}: ")), None)
        noted.add(asset)
        yield Assumption(text=text, source=sources.get(asset or "", ""))
    for one in schedules:
        if one.asset not in noted:
            method = one.method.replace("_", " ")
            yield Assumption(
                text=f"{one.asset} depreciates for tax by {method}.", source=sources[one.asset]
            )


def _tokens(scenario: Scenario, api: ApiPlan | None) -> Iterator[Assumption]:
    use = scenario.use
    if use is not None:
        yield Assumption(
            text=f"The team uses {use.tokens_per_day:,.0f} tokens a day, {use.input_share:.0%} of "
            f"them input, and of that {use.cached_share:.0%} from a cache; a larger team in "
            "proportion.",
            source="",
        )
    if api is not None:
        yield Assumption(
            text=f"{api.name} would need the same tokens for the same work.", source=api.source
        )


def _ranges(scenario: Scenario, uncertainty: UncertaintyPlan | None) -> Iterator[Assumption]:
    if uncertainty is None:
        return
    ranges = [
        f"{name.replace('_', ' ')} from {_number(low)} to {_number(high)}"
        for name, (low, high) in (
            (name, stated_range(one)) for name, one in uncertainty.case.inputs.items()
        )
    ]
    yield Assumption(
        text=f"Ranges of the uncertain inputs, independent of each other: {', '.join(ranges)}.",
        source="Judgement, not measurement: each range can be set in the scenario",
    )


def _capacity(
    scenario: Scenario, basis: Basis, capacity: CapacityPlan | None
) -> Iterator[Assumption]:
    need = scenario.capacity
    if need is None or capacity is None:
        return
    yield Assumption(
        text=told.assumed(need.load, ownership_of(scenario, basis)).replace(
            "Assumed: ", "Capacity assumes "
        ),
        source="The product's own check against published speeds",
    )
    for title, source in (
        (capacity.hardware, hardware()[need.hardware].source),
        (capacity.model, models()[need.model].source),
    ):
        yield Assumption(
            text=f"{title} is described as published.",
            source=f"{source.title}, {source.address}, {source.date:%-d %B %Y}",
        )


def _team(developers: int) -> str:
    return "1 developer" if developers == 1 else f"{developers:,} developers"


def _number(value: Decimal) -> str:
    """`21`, `0.1786`, `1,008`: at most four places."""
    text = f"{value:,.4f}"
    return text.rstrip("0").rstrip(".")
