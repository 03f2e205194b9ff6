"""Break-even of the scenario's team, and of every other team."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from dashboard.costs import money
from dashboard.costs.break_even import formulas as f
from dashboard.costs.break_even.answers import by_developers, by_months
from dashboard.costs.break_even.case import Answer, BreakEvenCase
from dashboard.costs.models import BreakEven
from dashboard.costs.plan.basis import as_decimal
from dashboard.costs.plan.figures import BreakEvenPlan
from dashboard.costs.sentences import break_even_sentence, smallest_team_sentence

FEWEST_SHOWN, MOST_ROWS = 50, 200


def break_even_plan(case: BreakEvenCase, resale_month: int | None = None) -> BreakEvenPlan:
    """`resale_month` is when the last of the resale is due that the case counts on."""
    team = of_team(case, case.developers, resale_month)
    fewest = by_developers(case)
    smallest = None if fewest.value is None else int(fewest.value)
    return BreakEvenPlan(
        case=case,
        team=team,
        sentence=break_even_sentence(team),
        by_developers=tuple(
            of_team(case, number, resale_month) for number in teams(case.developers)
        ),
        smallest_team=smallest,
        smallest_team_reason=fewest.reason,
        smallest_team_sentence=smallest_team_sentence(smallest),
    )


def teams(developers: int) -> Sequence[int]:
    """1 to twice the team, 50 at least; of more than 200 numbers, 200 that contain the team's."""
    most = max(FEWEST_SHOWN, 2 * developers)
    if most <= MOST_ROWS:
        return range(1, most + 1)
    spread = {max(1, round(most * place / MOST_ROWS)) for place in range(1, MOST_ROWS + 1)}
    return sorted({1, *spread, developers})


def of_team(case: BreakEvenCase, developers: int, resale_month: int | None) -> BreakEven:
    """Break-even against seats, each developer using what those of the case do."""
    tokens = _tokens(case, developers)
    sized = case.model_copy(update={"developers": developers, "tokens_per_day": tokens})
    answer = by_months(sized)
    electricity = money.cents(
        Fraction(case.electricity_idle_per_month)
        + Fraction(case.electricity_per_million_tokens) * f.millions_per_month(Fraction(tokens))
    )
    seats = money.cents(Fraction(case.seat_price_per_month or 0) * developers)
    reason = answer.reason
    if reason is not None and not developers:
        reason = "there is no developer whose seat it would replace"
    return BreakEven(
        developers=developers,
        currency=case.currency,
        months=answer.value,
        reason=reason,
        within_life=answer.within_life,
        life_months=case.life_months,
        hardware_price=case.hardware_price,
        to_recover=money.cents(f.to_recover(f.values_of(case))),
        resale_month=resale_month,
        months_without_resale=_months_without_resale(sized, answer),
        seats_per_month=seats,
        electricity_per_month=electricity,
        operations_per_month=case.operations_per_month,
        saving_per_month=seats - electricity - case.operations_per_month,
    )


def _months_without_resale(case: BreakEvenCase, answer: Answer) -> Decimal | None:
    if not case.residual_share:
        return answer.value
    return by_months(case.model_copy(update={"residual_share": Decimal(0)})).value


def _tokens(case: BreakEvenCase, developers: int) -> Decimal:
    if developers == case.developers or not case.developers:
        return case.tokens_per_day
    return as_decimal(Fraction(case.tokens_per_day) * developers / case.developers)
