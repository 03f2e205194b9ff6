"""What a manager is told about a large model: does the card hold it, what does, does that pay.

The founding argument sets a $25,000 card against $2,400 a year for a seat. It needs a model that
the card holds.
"""

from collections.abc import Sequence
from decimal import Decimal

from pydantic import Field

from dashboard.costs import money
from dashboard.costs.capacity.against_seats import CURRENCY as CURRENCY
from dashboard.costs.capacity.against_seats import Offer, even_with, fewest_that_pay
from dashboard.costs.capacity.deployment import Deployment
from dashboard.costs.capacity.hardware import Hardware
from dashboard.costs.capacity.language_model import LanguageModel, Precision
from dashboard.costs.capacity.load import hardware as catalogue
from dashboard.costs.capacity.memory import share_held, smallest, weight_bytes
from dashboard.costs.capacity.parts import Entry
from dashboard.costs.capacity.planning import correction_sentence, planning_speed
from dashboard.costs.capacity.running import Ownership, mean_price_per_kwh
from dashboard.costs.capacity.scale_out import Asked, Row, answer_s, scale_out
from dashboard.costs.capacity.speed import Speed
from dashboard.costs.capacity.validation import held_out, interval
from dashboard.costs.models import Amount, BreakEven
from dashboard.costs.money import words
from dashboard.costs.sentences import break_even_sentence, smallest_team_sentence

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
    asked: Asked,
    ownership: Ownership,
) -> list[str]:
    """All of it, in order: the card, what merely holds the model, what that does to the
    argument, each team, how speeds were corrected, what is assumed.

    `precisions` are those that the model is released in; the last, which should have the fewest
    bits, is the one that is planned with.
    """
    precision = model.at(precisions[-1])
    return [
        does_it_fit(card, model, precisions),
        what_merely_holds_it(model, precision, seat_price_per_month, asked, ownership),
        what_it_does_to_the_argument(
            card, model, precision, seat_price_per_month, asked, ownership
        ),
        *(
            answer(model, precision, developers, seat_price_per_month, asked, ownership).sentence
            for developers in teams
        ),
        correction_sentence(),
        assumed(asked, ownership),
    ]


def what_it_does_to_the_argument(
    card: Hardware,
    model: LanguageModel,
    precision: Precision,
    seat_price_per_month: Amount,
    asked: Asked,
    ownership: Ownership,
) -> str:
    """What has to be set against seats instead of one card, and from how many seats on it pays."""
    row = answer(model, precision, 1, seat_price_per_month, asked, ownership).row
    price = words(row.price, CURRENCY)
    instead = f"So what is set against seats is {price}"
    if card.price is not None:
        times = row.price / card.price.accelerator
        instead += f", {times:,.0f} times {words(card.price.accelerator, CURRENCY)}"
    team = pays_from(model, precision, seat_price_per_month, asked, ownership)
    return f"{instead}. {smallest_team_sentence(team)}"


def pays_from(
    model: LanguageModel,
    precision: Precision,
    seat_price_per_month: Amount,
    asked: Asked,
    ownership: Ownership,
) -> int | None:
    """The fewest developers whose seats pay for what serves them, within its life; None: none do.

    More developers may need more hardware, so the number is raised until it pays for its own.
    """
    developers = 1
    while True:
        row = answer(model, precision, developers, seat_price_per_month, asked, ownership).row
        needed = fewest_that_pay(_offer(row), seat_price_per_month, ownership)
        if needed is None or developers > MOST_DEVELOPERS:
            return None
        if needed <= developers:
            return developers
        developers = needed


def assumed(asked: Asked, ownership: Ownership) -> str:
    """What the sentences rest on."""
    load, off = asked.load, held_out()
    tariff = ownership.tariff
    price = money.rounded(mean_price_per_kwh(ownership), 4).normalize()
    fees = " and the fees" if tariff.fixed_per_month or tariff.demand_per_kw else ""
    run, left_out = "", "Working time, network, taxes and resale"
    if ownership.operations.items:
        run = " Operations are as given, percentages being of the new price."
        left_out = "Taxes and resale"
    return (
        f"Assumed: {load.requests_per_hour:g} requests an hour and developer at the busiest, of "
        f"{load.prompt_tokens:,} prompt tokens ({load.cached_share:.0%} cached) and "
        f"{load.answer_tokens:,} answer tokens, at {load.least_tokens_per_s:g} tokens a second or "
        f"more and the first within {asked.first_token_limit_s:g} seconds; rated power in all "
        f"hours at ${price:f} per kWh{fees}, PUE {ownership.pue.normalize():f}.{run} {left_out} "
        "are left out, and hardware without a known full price is not compared. Predicted speeds "
        f"were off by a factor of {off.typical_factor:.1f} typically and {off.worst_factor:.1f} at "
        f"worst over {off.figures} published figures."
    )


def does_it_fit(card: Hardware, model: LanguageModel, precisions: tuple[str, ...]) -> str:
    """`1 × H100 PCIe 80 GB ($25,000) does not hold Kimi K2: …`, or that it does, and how much."""
    known = [model.at(name) for name in precisions]
    sizes = _listed(
        [f"{weight_bytes(model, each) / 1e9:,.0f} GB in {_named(each)}" for each in known]
    )
    shares = _listed([f"{share_held(card, model, each):.0%}" for each in known])
    price = f" ({words(card.price.accelerator, CURRENCY)})" if card.price else ""
    whole = [each for each in known if _holds(card, model, each)]
    if whole:
        return (
            f"1 × {card.title}{price} holds {model.title} in "
            f"{_listed([_named(each) for each in whole])}: its weights are {sizes}."
        )
    return (
        f"1 × {card.title}{price} does not hold {model.title}: its weights are {sizes}, of which "
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
    asked: Asked,
    ownership: Ownership,
) -> str:
    """The cheapest hardware with a price that holds it at all, and what it is like to use."""
    load = asked.load
    held = what_holds_it(model, precision, load.context_tokens)
    if not held or _cost(held[0]) is None:
        return f"No hardware with a known price holds {model.title}."
    cheapest, cost = held[0], _cost(held[0]) or Decimal(0)
    fast = planning_speed(cheapest, load.prompt_tokens, load.answer_tokens, load.cached_tokens)
    alone = interval(fast.tokens_per_s_of_each(1))
    asked_per_s = load.requests_per_hour / 3600 / load.busy_share
    served = int(1 / answer_s(fast, load, 1) / asked_per_s)
    offer = Offer(cheapest, cost, cheapest.hardware.rated_watts(cheapest.accelerators))
    even = even_with(offer, max(1, served), seat_price_per_month, ownership)
    return (
        f"The cheapest that holds it at all, in {_named(precision)}, is {cheapest.title} at about "
        f"{words(cost, CURRENCY)}: about {alone.predicted:,.0f} tokens a second "
        f"({alone.low:,.0f} to {alone.high:,.0f}) for one request alone, whose first token comes "
        f"after about {fast.first_token_s(load.new_tokens):,.0f} seconds. One request after "
        f"another it keeps up with {_team(served) if served else 'not even 1 developer'}"
        f"{_but_slower(fast, asked)}. {break_even_sentence(even)}"
    )


def _but_slower(fast: Speed, asked: Asked) -> str:
    """What of the speed that is asked for one request alone does not get; empty: nothing."""
    load, missed = asked.load, []
    if load.answer_tokens / answer_s(fast, load, 1) < load.least_tokens_per_s:
        missed.append(f"the {load.least_tokens_per_s:g} tokens a second")
    if not asked.begins_in_time(fast):
        missed.append(f"the {asked.first_token_limit_s:g} seconds to the first token")
    return f", but slower than {_listed(missed)} asked for" if missed else ""


def answer(
    model: LanguageModel,
    precision: Precision,
    developers: int,
    seat_price_per_month: Amount,
    asked: Asked,
    ownership: Ownership,
) -> Answer:
    """Of all hardware with a price, the cheapest that serves such a team, against its seats."""
    rows = scale_out(model, precision, catalogue().values(), asked, ownership, (developers,))
    row = rows[0]
    even = even_with(_offer(row), developers, seat_price_per_month, ownership)
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


def _offer(row: Row) -> Offer:
    return Offer(row.deployment, row.price, row.kilowatts * 1000)


def _team(developers: int) -> str:
    return "1 developer" if developers == 1 else f"{developers:,} developers"


def _holds(card: Hardware, model: LanguageModel, precision: Precision) -> bool:
    found = smallest(card, model, precision, context=1)
    return found is not None and found.accelerators == 1


def _cost(deployment: Deployment) -> Decimal | None:
    return deployment.hardware.cost(deployment.accelerators)


def _named(precision: Precision) -> str:
    return precision.name.upper()


def _listed(parts: list[str]) -> str:
    return " and ".join(parts) if len(parts) < 3 else f"{', '.join(parts[:-1])} and {parts[-1]}"
