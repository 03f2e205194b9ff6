"""Break-even of one case, exactly: by month, developers, utilisation and tokens a day."""

import math
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from dashboard.costs import money
from dashboard.costs.break_even import formulas as f
from dashboard.costs.break_even.case import Against, Answer, BreakEvenCase, Quantity

_DIGITS: dict[Quantity, int] = {
    "months": 4,
    "developers": 0,
    "utilisation": 6,
    "tokens_per_day": 0,
}


def by_months(case: BreakEvenCase, against: Against = "seats") -> Answer:
    """After how many months the savings have paid for the hardware.

    Against an API, tokens past what the hardware can make stay with the API on both sides. Against
    seats that is no break-even: the team would not be served. ValueError: prices are missing.
    """
    f.require(case, against)
    return _months(case, f.values_of(case), against)


def months_by_developers(case: BreakEvenCase, most: int) -> list[Answer]:
    """`by_months` against seats for 1 to `most` developers, each with the case's own use a head."""
    f.require(case, "seats")
    values = f.values_of(case)
    return [_months(case, of_team(values, number), "seats") for number in range(1, most + 1)]


def by_developers(case: BreakEvenCase) -> Answer:
    """The fewest developers whose seats pay for the hardware within its life, each with the case's
    own use a head. ValueError: the seat's price is missing."""
    f.require(case, "seats")
    values = f.values_of(case)
    millions = f.millions_per_month(of_team(values, 1)["tokens_per_day"])
    of_each = values["seat_price_per_month"] - values["electricity_per_million_tokens"] * millions
    if of_each <= 0:
        return _never("developers", "a seat costs no more than the electricity of its tokens")
    number = max(1, math.ceil(f.fixed(values) / of_each))
    team = of_team(values, number)
    if f.saving(team, "seats", team["tokens_per_day"]) <= 0:
        number += 1  # free hardware whose running costs exactly the seats saves nothing
    most = f.most_per_day(values)
    if most is not None and of_team(values, number)["tokens_per_day"] > most:
        return _never("developers", f"it takes {number:,}, and the hardware cannot serve so many")
    return _found("developers", Fraction(number))


def by_tokens_per_day(case: BreakEvenCase) -> Answer:
    """Tokens a day from which owning costs no more than the API over the hardware's life.
    ValueError: the API's prices are missing."""
    f.require(case, "api")
    values = f.values_of(case)
    tokens = _tokens_to_pay(values)
    if tokens is None:
        return _never("tokens_per_day", _api_too_cheap(case, values))
    most = f.most_per_day(values)
    if most is not None and tokens > most:
        return _never("tokens_per_day", _beyond(tokens, most))
    return _found("tokens_per_day", tokens)


def by_utilisation(case: BreakEvenCase) -> Answer:
    """The share of full use, in all hours, at which a token costs what the API asks for it.
    ValueError: the API's prices or the throughput are missing."""
    f.require(case, "api")
    values = f.values_of(case)
    most = f.most_per_day(values)
    if not most:
        raise ValueError("To find a share of full use, set throughput_tokens_per_s in the case.")
    tokens = _tokens_to_pay(values)
    if tokens is None:
        return _never("utilisation", _api_too_cheap(case, values))
    if tokens > most:
        return _never("utilisation", _beyond(tokens, most))
    return _found("utilisation", tokens / most)


def cost_per_million_tokens(case: BreakEvenCase, utilisation: Fraction) -> Decimal | None:
    """Fully loaded, at this share of full use in all hours; None where nothing is made."""
    values = f.values_of(case)
    most = f.most_per_day(values)
    if not most or not utilisation:
        return None
    per_million = values["electricity_per_million_tokens"]
    fixed = f.fixed(values) / f.millions_per_month(most * utilisation)
    return money.rounded(fixed + per_million, 4)


def exact_months(values: Mapping[str, Fraction], against: Against) -> Fraction | None:
    """Months to break-even, None: never; the reason is `by_months`'s to tell."""
    tokens, most = values["tokens_per_day"], f.most_per_day(values)
    if most is not None and tokens > most:
        if against == "seats":
            return None
        tokens = most
    return f.payback(f.to_recover(values), f.saving(values, against, tokens))


def of_team(values: Mapping[str, Fraction], developers: int) -> dict[str, Fraction]:
    """The same with so many developers, who use what those of the case do a head."""
    before = values["developers"]
    tokens = values["tokens_per_day"] * developers / before if before else _NIL
    return {**values, "developers": Fraction(developers), "tokens_per_day": tokens}


_NIL = Fraction(0)


def _months(case: BreakEvenCase, values: Mapping[str, Fraction], against: Against) -> Answer:
    months = exact_months(values, against)
    if months is None:
        return _never("months", _why_never(case, values, against))
    within = months <= f.life(values)
    return _found("months", months, within_life=within)


def _why_never(case: BreakEvenCase, values: Mapping[str, Fraction], against: Against) -> str:
    tokens, most = values["tokens_per_day"], f.most_per_day(values)
    if against == "seats" and most is not None and tokens > most:
        return _beyond(tokens, most)
    if most is not None:
        tokens = min(tokens, most)
    costs = f.running(values, f.millions_per_month(tokens))
    saved = costs + f.saving(values, against, tokens)
    return (
        f"running it costs {_words(costs, case)} a month, and the "
        f"{'seats' if against == 'seats' else 'API'} only {_words(saved, case)}"
    )


def _tokens_to_pay(values: Mapping[str, Fraction]) -> Fraction | None:
    """Tokens a day at which both sides cost the same over the life; None: none are enough."""
    margin = f.api_per_million(values) - values["electricity_per_million_tokens"]
    return f.fixed(values) / margin * f.MILLION / f.DAYS_PER_MONTH if margin > 0 else None


def _api_too_cheap(case: BreakEvenCase, values: Mapping[str, Fraction]) -> str:
    own = _words(values["electricity_per_million_tokens"], case)
    api = _words(f.api_per_million(values), case)
    return f"the electricity of a million tokens costs {own}, and the API asks {api} for them"


def _beyond(tokens: Fraction, most: Fraction) -> str:
    return (
        f"it takes {math.ceil(tokens):,} tokens a day, and the hardware makes at most "
        f"{math.floor(most):,}"
    )


def _words(amount: Fraction, case: BreakEvenCase) -> str:
    return money.words(money.cents(amount), case.currency)


def _found(quantity: Quantity, value: Fraction, *, within_life: bool = True) -> Answer:
    """Tokens a day are rounded up: fewer are not enough."""
    rounded = money.rounded(value, _DIGITS[quantity])
    if quantity == "tokens_per_day":
        rounded = Decimal(math.ceil(value))
    return Answer(quantity=quantity, value=rounded, reason=None, within_life=within_life)


def _never(quantity: Quantity, reason: str) -> Answer:
    return Answer(quantity=quantity, value=None, reason=reason, within_life=False)
