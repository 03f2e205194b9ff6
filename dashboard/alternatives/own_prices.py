"""Prices that a reader states, in US dollars per million tokens, and as they stand in an address:
`Our contract~3~0.3~15` (name, input, cached input or nothing, output)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from dashboard.costs.baselines import Api, OwnPrice
from db.errors import InvalidInput

MARK = "~"
MOST_NAME = 60
MOST_PRICE = Decimal(1_000_000)
SOURCE = "Stated on this page, not checked"


@dataclass(frozen=True, slots=True)
class OwnOffer:
    """`cached` None: cached tokens cost what other input does."""

    name: str
    input: Decimal
    cached: Decimal | None
    output: Decimal


def own_offer(name: str, input_price: str, cached: str, output_price: str) -> OwnOffer:
    """InvalidInput says what is wrong with it."""
    name = name.strip()
    if not name or len(name) > MOST_NAME or MARK in name:
        raise InvalidInput("name", f"The name has 1 to {MOST_NAME} characters and no {MARK}.")
    return OwnOffer(
        name,
        _price("input", input_price),
        _price("cached", cached) if cached.strip() else None,
        _price("output", output_price),
    )


def to_text(offer: OwnOffer) -> str:
    cached = "" if offer.cached is None else f"{offer.cached:f}"
    return MARK.join((offer.name, f"{offer.input:f}", cached, f"{offer.output:f}"))


def from_text(text: str) -> OwnOffer:
    """InvalidInput: it is not what `to_text` writes."""
    parts = text.split(MARK)
    if len(parts) != 4:
        raise InvalidInput(
            "own",
            f"A price in the address has four parts: name{MARK}input{MARK}cached{MARK}output.",
        )
    return own_offer(*parts)


def own_baseline(offer: OwnOffer, on: date) -> Api:
    """Everything priced as this offer has it."""
    price = OwnPrice(
        model=offer.name,
        input_per_million=offer.input,
        cached_input_per_million=offer.cached,
        output_per_million=offer.output,
        source=SOURCE,
    )
    return Api(
        kind="api",
        name=offer.name,
        valid_from=on,
        source=SOURCE,
        model=offer.name,
        own_prices=(price,),
    )


def _price(field: str, text: str) -> Decimal:
    try:
        price = Decimal(text.strip())
    except InvalidOperation:
        price = Decimal("NaN")
    if not (price.is_finite() and 0 <= price <= MOST_PRICE):
        raise InvalidInput(
            field,
            f"The {field} price is a number of dollars per million tokens, such as 3 or 0.30.",
        )
    return price
