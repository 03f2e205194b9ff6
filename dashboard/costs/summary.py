"""A plan as text for a terminal: the sentences, and the tables that matter most."""

from collections.abc import Iterator
from decimal import Decimal

from dashboard.costs.money import words
from dashboard.costs.plan.figures import Plan
from dashboard.costs.plan.wording import team_of
from dashboard.costs.sentences import months_words

_TEAMS = (1, 2, 3, 5, 10, 20, 50, 100, 200)


def summary(plan: Plan) -> str:
    parts = [
        [plan.headline],
        list(_month(plan)),
        list(_break_even(plan)),
        list(_ownership(plan)),
        list(_shields(plan)),
        list(_costs(plan)),
        list(plan.api.sentences) if plan.api else [],
        [plan.uncertainty.sentence, *_tornado(plan)] if plan.uncertainty else [],
        list(plan.capacity.sentences) if plan.capacity else [],
        list(_grown(plan)),
        [plan.queue.sentence] if plan.queue else [],
        ["It rests on:", *_assumptions(plan)],
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _month(plan: Plan) -> Iterator[str]:
    month = plan.month
    yield f"A month of 30 days, with {team_of(plan.scenario.developers)}"
    for name, amount in (
        ("Electricity", month.electricity),
        ("Operations", month.operations),
        ("Depreciation", month.depreciation),
        ("Self-hosted, fully loaded", month.self_hosted),
        ("Seats", month.seats),
        ("Saved before the hardware", month.saving),
    ):
        yield f"  {name:<28}{_money(plan, amount):>14}"


def _break_even(plan: Plan) -> Iterator[str]:
    yield f"{plan.break_even.sentence} {plan.break_even.smallest_team_sentence}"
    for row in plan.break_even.by_developers:
        if row.developers in {*_TEAMS, plan.scenario.developers}:
            months = "never" if row.months is None else months_words(row.months)
            yield f"  {team_of(row.developers):<28}{months:>14}"


def _ownership(plan: Plan) -> Iterator[str]:
    owned = plan.ownership.evaluation
    yield f"Over {plan.scenario.horizon_months} months, taxes and financing included"
    yield f"  {'Net present value':<28}{_money(plan, owned.npv):>14}"
    irr = owned.irr.percent_per_year
    rate = "none" if irr is None else f"{round(irr, 2) + 0:,.2f}%"  # + 0: no minus before nought
    yield f"  {'Internal rate of return':<28}{rate:>14}{_because(owned.irr.reason)}"
    for name, back in (
        ("Payback", owned.payback),
        ("Payback, discounted", owned.discounted_payback),
    ):
        months = "never" if back.months is None else months_words(back.months)
        yield f"  {name:<28}{months:>14}{_because(back.reason)}"
    yield f"  {'Tax shield, first year':<28}{_money(plan, plan.ownership.first_year_shield):>14}"


def _shields(plan: Plan) -> Iterator[str]:
    """To the end of every schedule, which a sale at the horizon's end cuts short."""
    if plan.ownership.shields:
        yield "Depreciation for tax, if kept to the end of each schedule"
    for one in plan.ownership.shields:
        yield f"  {one.asset}"
        for year in one.years:
            amounts = f"{_money(plan, year.deducted):>14}{_money(plan, year.saved):>14} saved"
            yield f"    {year.year}{amounts}"


def _costs(plan: Plan) -> Iterator[str]:
    costs = plan.costs
    yield "A developer and month"
    for name, amount in (
        ("Fully loaded", costs.fully_loaded_per_developer),
        ("Marginal (electricity)", costs.marginal_per_developer),
        ("Seat", costs.seat_per_developer),
        ("A million tokens, loaded", costs.fully_loaded_per_million_tokens),
        ("A million tokens, marginal", costs.marginal_per_million_tokens),
    ):
        yield f"  {name:<28}{'unknown' if amount is None else _fine(plan, amount):>14}"
    if costs.utilisation is not None:
        yield f"  {'Utilisation':<28}{f'{costs.utilisation:.1%}':>14}"
    yield from (f"  {why}" for why in costs.basis)


def _tornado(plan: Plan) -> Iterator[str]:
    for row in plan.uncertainty.tornado.rows if plan.uncertainty else ():
        ends = " to ".join(
            "never" if months is None else f"{months:,.1f}"
            for months in (row.result_at_low, row.result_at_high)
        )
        yield f"  {row.input.replace('_', ' '):<32}{ends:>20} months"


def _grown(plan: Plan) -> Iterator[str]:
    grown = plan.capacity.grown if plan.capacity else ()
    if plan.capacity and grown:
        yield f"{plan.capacity.model} for larger teams, on paper, in US dollars"
    for row in grown:
        yield (
            f"  {f'{row.developers:,} developers':<20}{f'${row.price:,.0f}':>16}"
            f"{f'{row.kilowatts:,.0f} kW':>12}"
            f"{f'${row.cost_per_developer:,.2f} each a month':>26}  {row.title}"
        )


def _assumptions(plan: Plan) -> Iterator[str]:
    queue = plan.queue.assumptions if plan.queue else ()
    for one in (*plan.assumptions, *queue):
        yield f"  - {one.text}" + (f" [{one.source}]" if one.source else "")


def _because(reason: str | None) -> str:
    return "" if reason is None else f" ({reason})"


def _fine(plan: Plan, amount: Decimal) -> str:
    """Less than a unit with all the places that it has: `USD 0.0111`."""
    small = 0 < abs(amount) < 1
    return f"{plan.scenario.currency} {amount}" if small else _money(plan, amount)


def _money(plan: Plan, amount: Decimal) -> str:
    return words(amount, plan.scenario.currency)
