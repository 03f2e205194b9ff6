"""The other ways to get the same work done, each with the date and the source of its prices."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from dashboard.costs.models import Amount
from dashboard.costs.strict import Currency, Percent, Strict


class _Dated(Strict):
    name: str = Field(min_length=1, description="What pages call it, such as 'Claude Team seats'.")
    valid_from: date = Field(description="The day whose prices these are.")
    source: str = Field(
        min_length=1, description="Where the prices are from: title, address, date read."
    )


class TokenOverage(Strict):
    """Tokens beyond those that a seat includes."""

    kind: Literal["tokens"]
    included_per_month: int = Field(
        ge=0, le=10**15, description="Tokens in the price, per seat and month."
    )
    price_per_million: Amount = Field(description="Price per million tokens beyond.")


class RequestOverage(Strict):
    """Requests beyond those that a seat includes."""

    kind: Literal["requests"]
    included_per_month: int = Field(
        ge=0, le=10**15, description="Requests in the price, per seat and month."
    )
    price_per_request: Amount = Field(description="Price per request beyond.")


class Plan(Strict):
    """Seats of one kind."""

    name: str = Field(min_length=1, description="The plan, such as 'Team, premium'.")
    price_per_month: Amount = Field(description="Price per seat and month when paid monthly.")
    developers: int = Field(ge=0, le=1_000_000, description="How many seats of it.")
    annual_discount_percent: Percent = Field(
        default=Decimal(0), description="Percent off, if paid by the year; 0 if paid monthly."
    )
    overage: Annotated[TokenOverage | RequestOverage, Field(discriminator="kind")] | None = Field(
        default=None, description="What use beyond the seat costs; none if it has no such price."
    )


class Seats(_Dated):
    """Seats of a commercial assistant, of one plan or several."""

    kind: Literal["seats"]
    currency: Currency
    plans: tuple[Plan, ...] = Field(min_length=1, description="Each plan with its seats.")


class OwnPrice(Strict):
    """A price per million tokens that somebody states, for a model that no list has, or instead."""

    model: str = Field(min_length=1, description="The model's name in the ledger.")
    input_per_million: Amount
    cached_input_per_million: Amount | None = Field(
        default=None, description="None: cached tokens cost what others do."
    )
    cache_write_per_million: Amount | None = Field(
        default=None, description="None: tokens written to a cache cost what others do."
    )
    output_per_million: Amount
    source: str = Field(min_length=1, description="Title, address, date read.")


class _PerToken(_Dated):
    """Prices in USD, as the lists have them. `valid_from` chooses among a model's past prices."""

    currency: Literal["USD"] = "USD"
    provider: str | None = Field(
        default=None,
        description="Whose prices, by the id in genai-prices, such as 'anthropic' or 'openrouter'; "
        "none: the maker that a model's name tells.",
    )
    model: str | None = Field(
        default=None, description="Price everything as this model; none: each as itself."
    )
    own_prices: tuple[OwnPrice, ...] = Field(
        default=(), description="Stated prices, which come before those of the list."
    )


class Api(_PerToken):
    """A vendor's own models through its API."""

    kind: Literal["api"]


class Hosted(_PerToken):
    """The same open model, hosted by somebody else."""

    kind: Literal["hosted"]
    provider: str = Field(
        min_length=1, description="Who hosts it, by the id in genai-prices, such as 'openrouter'."
    )
    models: dict[str, str] = Field(
        default_factory=dict,
        description="What the provider calls a model of the ledger, by its name there; others are "
        "looked up among the known open models, then by their own name.",
    )


class Rented(_Dated):
    """GPUs by the hour."""

    kind: Literal["rented"]
    currency: Currency
    gpu: str = Field(min_length=1, description="What is rented, such as 'H100 SXM 80 GB'.")
    count: int = Field(ge=1, le=1_000_000, description="How many GPUs.")
    price_per_gpu_hour: Amount = Field(description="Price per GPU and hour.")
    hours_per_month: Amount | Literal["all"] = Field(
        description="Hours a month that they are rented, or 'all'."
    )


Baseline = Annotated[Seats | Api | Hosted | Rented, Field(discriminator="kind")]
