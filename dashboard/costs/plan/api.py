"""Owning against a vendor's API, by tokens a day and by share of full use."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from dashboard.costs import money
from dashboard.costs.baselines.per_token import caveats
from dashboard.costs.baselines.rates import MILLION, list_name, listed
from dashboard.costs.break_even import formulas as f
from dashboard.costs.break_even.answers import (
    by_months,
    by_tokens_per_day,
    by_utilisation,
    cost_per_million_tokens,
)
from dashboard.costs.break_even.case import Answer, BreakEvenCase
from dashboard.costs.break_even.sentences import answer_sentence
from dashboard.costs.money import words
from dashboard.costs.plan.basis import as_decimal
from dashboard.costs.plan.figures import ApiPlan, AtUtilisation
from dashboard.costs.scenario import ApiComparison, ListedPrices, Use

SHARES = tuple(Fraction(percent, 100) for percent in (1, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 100))


@dataclass(frozen=True, slots=True)
class ApiPrice:
    """A million tokens: input with its cached part, and output. None: unknown, and `reason`."""

    input: Fraction | None
    output: Fraction | None
    source: str
    reason: str | None = None
    notes: tuple[str, ...] = ()


def price_of(api: ApiComparison, use: Use) -> ApiPrice:
    prices, cached_share = api.prices, Fraction(use.cached_share)
    if isinstance(prices, ListedPrices):
        return _listed(prices, cached_share)
    fresh = Fraction(prices.input_per_million)
    cached = prices.cached_input_per_million
    return ApiPrice(
        input=_mixed(fresh, None if cached is None else Fraction(cached), cached_share),
        output=Fraction(prices.output_per_million),
        source=prices.source,
    )


def with_api(case: BreakEvenCase, price: ApiPrice, use: Use) -> BreakEvenCase:
    """The case with the API's prices, as far as they are known."""
    if price.input is None or price.output is None:
        return case
    return case.model_copy(
        update={
            "api_input_price": as_decimal(price.input),
            "api_output_price": as_decimal(price.output),
            "api_input_share": use.input_share,
        }
    )


def api_plan(api: ApiComparison, price: ApiPrice, case: BreakEvenCase) -> ApiPlan:
    """`case` as `with_api` made it."""
    if price.input is None or price.output is None:
        return _unknown(api, price)
    values = f.values_of(case)
    blended = f.api_per_million(values)
    a_month = blended * f.millions_per_month(values["tokens_per_day"])
    months, tokens = by_months(case, "api"), by_tokens_per_day(case)
    share = by_utilisation(case) if f.most_per_day(values) else None
    answers = [answer for answer in (months, tokens, share) if answer is not None]
    per_million, per_month = money.rounded(blended, 4), money.cents(a_month)
    first = (
        f"{api.name} asks {words(money.cents(blended), case.currency)} for a million tokens in "
        f"this mix, {words(per_month, case.currency)} a month."
    )
    return ApiPlan(
        name=api.name,
        source=price.source,
        reason=None,
        input_per_million=money.rounded(price.input, 6),
        output_per_million=money.rounded(price.output, 6),
        per_million_tokens=per_million,
        per_month=per_month,
        by_months=months,
        by_tokens_per_day=tokens,
        by_utilisation=share,
        at_utilisation=tuple(_at_utilisation(case, values)),
        sentences=(first, *(_sentence(answer, case) for answer in answers)),
        notes=price.notes,
    )


def _sentence(answer: Answer, case: BreakEvenCase) -> str:
    said = answer_sentence(answer)
    if answer.value is None or answer.within_life:
        return said
    return f"{said.removesuffix('.')}, which is longer than its life of {case.life_months} months."


def _at_utilisation(case: BreakEvenCase, values: dict[str, Fraction]) -> Iterator[AtUtilisation]:
    most = f.most_per_day(values)
    for share in SHARES if most else ():
        cost = cost_per_million_tokens(case, share)
        if cost is not None and most is not None:
            yield AtUtilisation(
                utilisation=money.rounded(share, 2),
                tokens_per_day=money.rounded(most * share, 0),
                per_million_tokens=cost,
            )


def _unknown(api: ApiComparison, price: ApiPrice) -> ApiPlan:
    return ApiPlan(
        name=api.name,
        source=price.source,
        reason=price.reason,
        input_per_million=None,
        output_per_million=None,
        per_million_tokens=None,
        per_month=None,
        by_months=None,
        by_tokens_per_day=None,
        by_utilisation=None,
        at_utilisation=(),
        sentences=(f"What {api.name} would cost is unknown: {price.reason}.",),
    )


def _listed(prices: ListedPrices, cached_share: Fraction) -> ApiPrice:
    source = f"{list_name()}, prices of {prices.valid_from:%-d %B %Y}"
    rates = listed(prices.model, prices.provider, prices.valid_from)
    if rates is None or rates.output is None:
        reason = f"{list_name()} has no price for {prices.model}"
        return ApiPrice(input=None, output=None, source=source, reason=reason)
    if rates.per_request:
        reason = f"{prices.model} also costs by the request, and how many there are is not known"
        return ApiPrice(input=None, output=None, source=source, reason=reason)
    cached = None if rates.cached_input is None else rates.cached_input * MILLION
    return ApiPrice(
        input=_mixed(rates.input * MILLION, cached, cached_share),
        output=rates.output * MILLION,
        source=source,
        notes=tuple(caveats(prices.model, rates)),
    )


def _mixed(fresh: Fraction, cached: Fraction | None, cached_share: Fraction) -> Fraction:
    if cached is None:
        return fresh
    return fresh * (1 - cached_share) + cached * cached_share
