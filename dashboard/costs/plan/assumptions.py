"""What a plan rests on, in sentences with their sources."""

from collections.abc import Iterator
from decimal import Decimal

from dashboard.costs.baselines.models import Seats
from dashboard.costs.break_even import formulas as f
from dashboard.costs.break_even.distributions import stated_range
from dashboard.costs.capacity.load import hardware, models
from dashboard.costs.capacity.scale_out import ASSUMED_LOAD
from dashboard.costs.capacity.validation import held_out
from dashboard.costs.money import words
from dashboard.costs.ownership.financing import Lease, Loan
from dashboard.costs.plan.basis import Basis, overage_left_out
from dashboard.costs.plan.figures import (
    ApiPlan,
    Assumption,
    BreakEvenPlan,
    CapacityPlan,
    OwnershipPlan,
    UncertaintyPlan,
)
from dashboard.costs.plan.wording import number, team_of
from dashboard.costs.scenario import Scenario
from dashboard.costs.sentences import resale_words


def assumptions(
    scenario: Scenario,
    basis: Basis,
    even: BreakEvenPlan,
    ownership: OwnershipPlan,
    api: ApiPlan | None,
    uncertainty: UncertaintyPlan | None,
    capacity: CapacityPlan | None,
) -> tuple[Assumption, ...]:
    return (
        *_hardware(scenario),
        *(Assumption(text=text, source="Stated in the scenario") for text in scenario.left_out),
        *_running(scenario, basis),
        *_seats(scenario),
        *_reckoning(scenario, even),
        *_tax(ownership),
        *_tokens(scenario, api),
        *_ranges(scenario, uncertainty),
        *_capacity(scenario, capacity),
    )


def _hardware(scenario: Scenario) -> Iterator[Assumption]:
    for asset in scenario.assets:
        residual = asset.residual.percent
        returns = (
            words(asset.residual.amount or Decimal(0), scenario.currency)
            if residual is None
            else f"{number(residual)}% of its cost"
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
        text=f"Electricity is {powered}: {number(bill.kwh)} kWh in a month of 720 hours, PUE "
        f"{number(scenario.pue)} included, for {words(bill.total, scenario.currency)}.",
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
        less = f", less {number(off)}% for paying by the year" if off else ""
        yield Assumption(
            text=f"Each developer would hold a seat at {price} a month{less}.", source=seats.source
        )
        return
    held = sum(plan.developers for plan in seats.plans)
    dated = f"{seats.source} (prices of {seats.valid_from:%-d %B %Y})"
    text = f"{seats.name}: {held} seats"
    if held != scenario.developers:
        text += f", whose mix is taken for {team_of(scenario.developers)}"
    yield Assumption(text=f"{text}.", source=dated)
    if overage_left_out(scenario):
        yield Assumption(
            text="Use beyond what a seat includes is left out as far as it is not known: seats "
            "may cost more.",
            source=dated,
        )


def _reckoning(scenario: Scenario, even: BreakEvenPlan) -> Iterator[Assumption]:
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
    resale = resale_words(even.team)
    if resale:
        yield Assumption(text=f"Break-even is reckoned{resale.removeprefix(',')}.", source="")
    if even.case.depreciation_factor != 1:
        months = float(f.life(f.values_of(even.case)))
        yield Assumption(
            text="Assets have different lives: each depreciates over its own, and break-even is "
            f"held against the {months:,.1f} months in which that pays for all of them.",
            source="",
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
        yield from (Assumption(text=note, source=api.source) for note in api.notes)


def _ranges(scenario: Scenario, uncertainty: UncertaintyPlan | None) -> Iterator[Assumption]:
    if uncertainty is None:
        return
    ranges = [
        f"{name.replace('_', ' ')} from {number(low)} to {number(high)}"
        for name, (low, high) in (
            (name, stated_range(one)) for name, one in uncertainty.case.inputs.items()
        )
    ]
    yield Assumption(
        text=f"Ranges of the uncertain inputs, independent of each other: {', '.join(ranges)}.",
        source="Judgement, not measurement: each range can be set in the scenario",
    )


def _capacity(scenario: Scenario, capacity: CapacityPlan | None) -> Iterator[Assumption]:
    need = scenario.capacity
    if need is None or capacity is None:
        return
    load = need.load
    yield Assumption(
        text=f"In the busiest hour a developer makes {load.requests_per_hour:g} requests of "
        f"{load.prompt_tokens:,} prompt tokens ({load.cached_share:.0%} cached) and "
        f"{load.answer_tokens:,} answer tokens, each answered at {load.least_tokens_per_s:g} "
        "tokens a second or more.",
        source="Assumed, not measured" if load == ASSUMED_LOAD else "Stated in the scenario",
    )
    off = held_out()
    yield Assumption(
        text="Speeds are predicted: held against published ones, they were off by a factor of "
        f"{off.typical_factor:.1f} typically and {off.worst_factor:.1f} at worst, before they were "
        "corrected by the median.",
        source=f"{off.figures} published figures, listed by python -m dashboard.costs.capacity",
    )
    if capacity.serving is not None:
        yield Assumption(
            text="What serves the team instead runs at rated power in all hours; the scenario's "
            "operations are counted, taxes and resale left out, and so is hardware without a known "
            "full price.",
            source="",
        )
    for title, source in (
        (capacity.hardware, hardware()[need.hardware].source),
        (capacity.model, models()[need.model].source),
    ):
        yield Assumption(
            text=f"{title} is described as published.",
            source=f"{source.title}, {source.address}, {source.date:%-d %B %Y}",
        )
