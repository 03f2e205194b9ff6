"""One scenario: everything that a plan is worked out from, in one file that people can write."""

import json
import tomllib
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import Field, model_validator

from dashboard.costs.baselines.models import Seats
from dashboard.costs.electricity.loads import Load
from dashboard.costs.electricity.tariffs import Tariff
from dashboard.costs.models import MOST_PLACES, Amount
from dashboard.costs.months import add_months
from dashboard.costs.operations import Operations
from dashboard.costs.ownership.assets import Asset
from dashboard.costs.ownership.financing import Cash, Financing, Lease
from dashboard.costs.ownership.terms import Day
from dashboard.costs.scenario_capacity import CapacityNeed
from dashboard.costs.strict import Currency, Percent, Share, Strict
from dashboard.costs.uncertain import ASSUMED, InputName, Uncertain


class SeatPrice(Strict):
    """One plan, of which every developer holds a seat."""

    kind: Literal["per_developer"]
    name: str = Field(default="Seats", min_length=1, description="What pages call it.")
    price_per_month: Amount = Field(description="Price of a seat a month, in currency.")
    annual_discount_percent: Percent = Field(
        default=Decimal(0), description="Percent off, if paid by the year; 0 if paid monthly."
    )
    source: str = Field(
        default="", description="Where the price is from (title, address, date); may be empty."
    )


class Use(Strict):
    """What the whole team uses."""

    tokens_per_day: Amount = Field(description="Tokens a day, input and output; 30 days a month.")
    input_share: Share = Field(description="Input tokens as a part of all tokens, 0 to 1.")
    cached_share: Share = Field(
        default=Decimal(0), description="Part of the input tokens that a cache holds, 0 to 1."
    )
    throughput_tokens_per_s: Amount | None = Field(
        default=None,
        gt=0,
        description="Tokens a second of all the hardware at full use, input and output in this "
        "mix. None: as predicted where capacity is given and the hardware holds the model.",
    )


class StatedPrices(Strict):
    """Prices per million tokens, in the scenario's currency."""

    kind: Literal["stated"]
    input_per_million: Amount = Field(description="A million input tokens.")
    cached_input_per_million: Amount | None = Field(
        default=None, description="A million input tokens from a cache; None: as other input."
    )
    output_per_million: Amount = Field(description="A million output tokens.")
    source: str = Field(min_length=1, description="Title, address, date read.")


class ListedPrices(Strict):
    """Prices of the list that comes with genai-prices, in US dollars."""

    kind: Literal["listed"]
    model: str = Field(min_length=1, description="The model's name, such as 'gpt-5'.")
    provider: str | None = Field(
        default=None,
        description="Whose prices, by the id in genai-prices; none: the model's own maker.",
    )
    valid_from: date = Field(description="The day whose prices these are.")


class ApiComparison(Strict):
    """A vendor's API for the same tokens."""

    name: str = Field(min_length=1, description="What pages call it.")
    prices: Annotated[StatedPrices | ListedPrices, Field(discriminator="kind")] = Field(
        description="Stated by somebody, or of the list that comes with the product."
    )


class Scenario(Strict):
    """Hardware of one's own instead of seats, or of an API. Amounts are in `currency`."""

    name: str = Field(min_length=1, description="What people call it.")
    note: str = Field(default="", description="What it is about, for people.")
    left_out: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(),
        description="What its figures leave out, in whole sentences that stand among the "
        "assumptions.",
    )
    currency: Currency = "USD"
    start: Day = Field(description="The first day of the first month.")
    horizon_months: int = Field(ge=1, le=600, description="How many months are looked at.")
    developers: int = Field(
        ge=0, le=1_000_000, description="Developers whose seats the hardware replaces."
    )
    assets: tuple[Asset, ...] = Field(min_length=1, description="What is bought, or leased.")
    financing: Financing = Field(default=Cash(), description="How it is paid for.")
    tax_percent: Percent = Field(default=Decimal(0), description="Tax on profits, in percent.")
    tax_year_starts_in_month: int = Field(
        default=1, ge=1, le=12, description="Month in which the tax year begins, 1 is January."
    )
    discount_percent_per_year: Percent = Field(
        default=Decimal(0), description="What money costs the company, in percent a year."
    )
    loads: tuple[Load, ...] = Field(default=(), description="What draws power, in watts.")
    tariff: Tariff = Field(description="What the electricity's supplier asks.")
    pue: Decimal = Field(
        default=Decimal(1),
        ge=1,
        le=10,
        decimal_places=MOST_PLACES,
        allow_inf_nan=False,
        description="Power usage effectiveness: the site's power over that of its machines.",
    )
    operations: Operations = Field(description="People, space, contracts, spares, network.")
    seats: Annotated[SeatPrice | Seats, Field(discriminator="kind")] = Field(
        description="What is paid now. Several plans keep their proportions when the number of "
        "developers differs from that of their seats."
    )
    use: Use | None = Field(default=None, description="The team's tokens; none: not known.")
    api: ApiComparison | None = Field(default=None, description="An API to compare with.")
    capacity: CapacityNeed | None = Field(
        default=None, description="The model, and what is to serve it; none: not looked at."
    )
    uncertainty: dict[InputName, Uncertain] = Field(
        default_factory=lambda: dict(ASSUMED),
        description="How far off inputs may be, by their name in the break-even's formula. Left "
        "out: the assumed ranges of the product. Empty: all is certain.",
    )

    @model_validator(mode="after")
    def _one_currency(self) -> "Scenario":
        parts = {"tariff": self.tariff, "operations": self.operations, "seats": self.seats}
        for name, part in parts.items():
            currency = getattr(part, "currency", self.currency)
            if currency != self.currency:
                raise ValueError(
                    f"{name}.currency is {currency} and the scenario's {self.currency}: give all "
                    "amounts in one currency."
                )
        listed = self.api is not None and self.api.prices.kind == "listed"
        if listed and self.currency != "USD":
            raise ValueError(
                "api.prices are of a list in USD: state them in the scenario's currency instead."
            )
        return self

    @model_validator(mode="after")
    def _fits_in_the_horizon(self) -> "Scenario":
        end = add_months(self.start, self.horizon_months)
        for place, asset in enumerate(self.assets):
            if asset.in_service_date >= end:
                raise ValueError(
                    f"assets.{place}.in_service_date: {asset.name} is not in service before the "
                    "horizon's end."
                )
            if asset.disposal and asset.disposal.on < self.start:
                raise ValueError(
                    f"assets.{place}.disposal.on: {asset.name} is disposed of before the "
                    "scenario's start: leave it out."
                )
        if isinstance(self.financing, Lease):
            self._lease_fits(self.financing)
        if self.api is not None and self.use is None:
            raise ValueError("api needs the team's tokens: give use.tokens_per_day.")
        return self

    def _lease_fits(self, lease: Lease) -> None:
        if lease.months > self.horizon_months:
            raise ValueError("financing.months outlasts the horizon: lengthen horizon_months.")
        if lease.months < self.horizon_months and lease.buyout is None:
            raise ValueError(
                f"financing: the hardware goes back after {lease.months} months, and nothing "
                f"serves until the horizon's end after {self.horizon_months}: shorten "
                "horizon_months, or give a buyout."
            )


@cache
def founding() -> Scenario:
    """A $25,000 card, 0.7 kW in all hours for $90 a month, seats at $200, 5 developers."""
    return from_toml(founding_toml())


def founding_toml() -> str:
    """The same as people write it."""
    file = files("dashboard.costs").joinpath("scenarios", "founding.toml")
    return file.read_text(encoding="utf-8")


def from_toml(text: str) -> Scenario:
    """ValueError: it is no TOML, or no scenario (then a pydantic ValidationError)."""
    return Scenario.model_validate(tomllib.loads(text, parse_float=number))


def to_toml(scenario: Scenario) -> str:
    """`from_toml` of it is the same scenario. What is unknown or not set is left out."""
    return tomli_w.dumps(_plain(scenario.model_dump(exclude_none=True)), multiline_strings=False)


def number(text: str) -> Decimal:
    """As a file has it. ValueError: not even Decimal can hold its exponent."""
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text[:40]} is no number that can be worked with.") from error


def from_json(text: str) -> Scenario:
    """ValueError: as in `from_toml`."""
    return Scenario.model_validate(json.loads(text, parse_float=number))


def to_json(scenario: Scenario) -> str:
    """Amounts are strings, so that no reader takes them for binary fractions."""
    return scenario.model_dump_json(exclude_none=True)


def _plain(value: Any) -> Any:
    """Whole amounts without a decimal point, as people write them."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value
