"""What a manager is told about a large model: does the card hold it, what does, does that pay.

The founding argument sets a $25,000 card against $2,400 a year for a seat. It needs a model that
the card holds.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time
from decimal import Decimal

from pydantic import Field

from dashboard.costs.breakeven import break_even, smallest_team
from dashboard.costs.capacity.deployment import Deployment
from dashboard.costs.capacity.hardware import Hardware
from dashboard.costs.capacity.language_model import LanguageModel, Precision
from dashboard.costs.capacity.load import hardware as catalogue
from dashboard.costs.capacity.memory import share_held, smallest, weight_bytes
from dashboard.costs.capacity.parts import Entry
from dashboard.costs.capacity.scale_out import Load, Ownership, Row, answer_s, scale_out
from dashboard.costs.capacity.speed import speed
from dashboard.costs.capacity.validation import checks, errors, interval
from dashboard.costs.models import Amount, BreakEven, Prices
from dashboard.costs.money import words
from dashboard.costs.sentences import break_even_sentence, smallest_team_sentence

CURRENCY = "USD"
MOST_DEVELOPERS = 1_000_000


class Answer(Entry):
    """What is said to a team of one size, and the figures behind it."""

    developers: int
    row: Row
    even: BreakEven
    sentence: str = Field(description="Whole sentences, with the price, and whether it pays")


def told(
    card: Hardware,
    model: LanguageModel,
    precisions: tuple[str, ...],
    teams: Sequence[int],
    seat_price_per_month: Amount,
    load: Load,
    ownership: Ownership,
) -> list[str]:
    """All of it, in order: the card, what merely holds the model, what that does to the
    argument, each team, what is assumed.

    `precisions` are those that the model is released in; the last, which should have the fewest
    bits, is the one that is planned with.
    """
    precision = model.at(precisions[-1])
    return [
        does_it_fit(card, model, precisions),
        what_merely_holds_it(model, precision, seat_price_per_month, load, ownership),
        what_it_does_to_the_argument(card, model, precision, seat_price_per_month, load, ownership),
        *(
            answer(model, precision, developers, seat_price_per_month, load, ownership).sentence
            for developers in teams
        ),
        assumed(load, ownership),
    ]


def what_it_does_to_the_argument(
    card: Hardware,
    model: LanguageModel,
    precision: Precision,
    seat_price_per_month: Amount,
    load: Load,
    ownership: Ownership,
) -> str:
    """What has to be set against seats instead of one card, and from how many seats on it pays."""
    row = answer(model, precision, 1, seat_price_per_month, load, ownership).row
    price = words(row.price, CURRENCY)
    instead = f"So what is set against seats is {price}"
    if card.price is not None:
        times = row.price / card.price.accelerator
        instead += f", {times:,.0f} times {words(card.price.accelerator, CURRENCY)}"
    team = pays_from(model, precision, seat_price_per_month, load, ownership)
    return f"{instead}. {smallest_team_sentence(team)}"


def pays_from(
    model: LanguageModel,
    precision: Precision,
    seat_price_per_month: Amount,
    load: Load,
    ownership: Ownership,
) -> int | None:
    """The fewest developers whose seats pay for what serves them, within its life; None: none do.

    More developers may need more hardware, so the number is raised until it pays for its own.
    """
    developers = 1
    while True:
        row = answer(model, precision, developers, seat_price_per_month, load, ownership).row
        needed = smallest_team(_prices_of(row, seat_price_per_month, ownership))
        if needed is None or developers > MOST_DEVELOPERS:
            return None
        if needed <= developers:
            return developers
        developers = needed


def assumed(load: Load, ownership: Ownership) -> str:
    """What the sentences rest on."""
    price = ownership.electricity_price_per_kwh.normalize()
    off = errors(checks(use="held-out"))
    return (
        f"Assumed: {load.requests_per_hour:g} requests an hour and developer at the busiest, of "
        f"{load.prompt_tokens:,} prompt tokens ({load.cached_share:.0%} cached) and "
        f"{load.answer_tokens:,} answer tokens, at {load.least_tokens_per_s:g} tokens a second or "
        f"more; rated power in all hours at ${price:f} per kWh, PUE "
        f"{ownership.pue.normalize():f}. Working time, network, taxes and resale are left out, and "
        "hardware without a known full price is not compared. "
        f"Predicted speeds were off by a factor of {off.typical_factor:.1f} typically and "
        f"{off.worst_factor:.1f} at worst over {off.figures} published figures."
    )


def does_it_fit(card: Hardware, model: LanguageModel, precisions: tuple[str, ...]) -> str:
    """`One H100 PCIe 80 GB ($25,000) does not hold Kimi K2: …`, or that it does, and how much."""
    known = [model.at(name) for name in precisions]
    sizes = _listed(
        [f"{weight_bytes(model, each) / 1e9:,.0f} GB in {_named(each)}" for each in known]
    )
    shares = _listed([f"{share_held(card, model, each):.0%}" for each in known])
    price = f" ({words(card.price.accelerator, CURRENCY)})" if card.price else ""
    whole = [each for each in known if _holds(card, model, each)]
    if whole:
        return (
            f"One {card.title}{price} holds {model.title} in "
            f"{_listed([_named(each) for each in whole])}: its weights are {sizes}."
        )
    return (
        f"One {card.title}{price} does not hold {model.title}: its weights are {sizes}, of which "
        f"the card's memory would take {shares}."
    )


def what_holds_it(model: LanguageModel, precision: Precision, context: int) -> list[Deployment]:
    """Of each hardware, the fewest accelerators that hold it with one request; cheapest first.

    Those without a known price come last.
    """
    found = [smallest(each, model, precision, context) for each in catalogue().values()]
    held = [deployment for deployment in found if deployment is not None]
    return sorted(held, key=lambda each: (_cost(each) is None, _cost(each) or Decimal(0)))


def what_merely_holds_it(
    model: LanguageModel,
    precision: Precision,
    seat_price_per_month: Amount,
    load: Load,
    ownership: Ownership,
) -> str:
    """The cheapest hardware with a price that holds it at all, and what it is like to use."""
    held = what_holds_it(model, precision, load.context_tokens)
    if not held or _cost(held[0]) is None:
        return f"No hardware with a known price holds {model.title}."
    cheapest, cost = held[0], _cost(held[0]) or Decimal(0)
    fast = speed(cheapest, load.prompt_tokens, load.answer_tokens, load.cached_tokens)
    alone = interval(fast.tokens_per_s_of_each(1))
    asked_per_s = load.requests_per_hour / 3600 / load.busy_share
    served = int(1 / answer_s(fast, load, 1) / asked_per_s)
    watts = cheapest.hardware.rated_watts(cheapest.accelerators)
    even = break_even(
        _prices(cheapest, cost, watts, seat_price_per_month, ownership), max(1, served)
    )
    return (
        f"The cheapest that holds it at all, in {_named(precision)}, is {cheapest.title} at about "
        f"{words(cost, CURRENCY)}: about {alone.predicted:,.0f} tokens a second "
        f"({alone.low:,.0f} to {alone.high:,.0f}) for one request alone, whose first token comes "
        f"after about {fast.first_token_s(load.new_tokens):,.0f} seconds. One request after "
        f"another it keeps up with {_team(served) if served else 'not even 1 developer'}. "
        f"{break_even_sentence(even)}"
    )


def answer(
    model: LanguageModel,
    precision: Precision,
    developers: int,
    seat_price_per_month: Amount,
    load: Load,
    ownership: Ownership,
) -> Answer:
    """Of all hardware with a price, the cheapest that serves such a team, against its seats."""
    rows = scale_out(model, precision, catalogue().values(), load, ownership, (developers,))
    row = rows[0]
    even = break_even(_prices_of(row, seat_price_per_month, ownership), developers)
    return Answer(
        developers=developers,
        row=row,
        even=even,
        sentence=f"{_what_serves(row)} {break_even_sentence(even)}",
    )


def _what_serves(row: Row) -> str:
    replicas = f"{row.replicas} × " if row.replicas > 1 else ""
    more = ""
    if row.replicas_if_slow > row.replicas:
        more = f" (up to {row.replicas_if_slow} such, as far as the speed is known)"
    price = row.deployment.hardware.price
    estimated = " by estimate" if price and price.estimated else ""
    return (
        f"{row.deployment.model.title} for {_team(row.developers)} takes "
        f"{replicas}{row.deployment.title}{more}, {words(row.price, CURRENCY)}{estimated}, and up "
        f"to {row.kilowatts:,.1f} kW."
    )


def _prices_of(row: Row, seat_price_per_month: Decimal, ownership: Ownership) -> Prices:
    watts = row.kilowatts * 1000
    return _prices(row.deployment, row.price, watts, seat_price_per_month, ownership)


def _prices(
    deployment: Deployment,
    price: Decimal,
    watts: float,
    seat_price_per_month: Decimal,
    ownership: Ownership,
) -> Prices:
    hardware = deployment.hardware
    dated = (hardware.price.source if hardware.price else hardware.source).date
    return Prices(
        valid_from=datetime.combine(dated, time(), UTC),
        currency=CURRENCY,
        hardware_name=deployment.title,
        hardware_price=price,
        hardware_life_months=ownership.life_months,
        residual_value=Decimal(0),
        in_service_date=None,
        power_kw=Decimal(str(watts)) / 1000,
        pue=ownership.pue,
        electricity_price_per_kwh=ownership.electricity_price_per_kwh,
        electricity_basis="nameplate",
        operations_per_month=Decimal(0),
        seat_price_per_month=seat_price_per_month,
    )


def _team(developers: int) -> str:
    return "1 developer" if developers == 1 else f"{developers:,} developers"


def _holds(card: Hardware, model: LanguageModel, precision: Precision) -> bool:
    found = smallest(card, model, precision, context=1)
    return found is not None and found.accelerators == 1


def _cost(deployment: Deployment) -> Decimal | None:
    return deployment.hardware.cost(deployment.accelerators)


def _size(model: LanguageModel, precision: Precision) -> str:
    return f"{weight_bytes(model, precision) / 1e9:,.0f} GB in {_named(precision)}"


def _named(precision: Precision) -> str:
    return precision.name.upper()


def _listed(parts: list[str]) -> str:
    return " and ".join(parts) if len(parts) < 3 else f"{', '.join(parts[:-1])} and {parts[-1]}"
