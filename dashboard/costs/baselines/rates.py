"""What a token costs at a vendor, from the price list that comes with `genai-prices`.

The list is read from the package itself and never updated over the network: the same version gives
the same figures everywhere. What it knows is as old as its release; `list_date` says how old.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

import genai_prices
from genai_prices.data import providers
from genai_prices.data_snapshot import DataSnapshot
from genai_prices.types import (
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

from dashboard.costs.baselines.models import OwnPrice
from dashboard.costs.baselines.usage import ModelUsage

MILLION = 10**6
# The packaged list: not the shared one, which another part may have updated.
_PRICE_LIST = DataSnapshot(providers=providers, from_auto_update=False)
# Prices change at whole and half hours (DeepSeek's discount began at 16:30 UTC).
_HALF_HOURS = [timedelta(minutes=30 * number) for number in range(48)]


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices per token in USD, exact. None: no such price, so such tokens cost as other input.

    `long_prompt_from`: a request with more input tokens costs more than this. `by_hour`: these are
    means of a day on which the price changes. `listed` False: somebody states them.
    """

    provider: str
    model: str
    input: Fraction
    output: Fraction | None
    cached_input: Fraction | None = None
    cache_write: Fraction | None = None
    per_request: Fraction = Fraction(0)
    long_prompt_from: int | None = None
    by_hour: bool = False
    listed: bool = True

    def cost(self, usage: ModelUsage) -> Fraction | None:
        """What the usage costs; None where the tokens or their price are unknown."""
        if usage.input_tokens is None or usage.output_tokens is None:
            return None
        if usage.output_tokens and self.output is None:
            return None
        if self.per_request and usage.requests is None:
            return None
        cached, written = usage.cached_input_tokens or 0, usage.cache_write_tokens or 0
        return (
            (usage.input_tokens - cached - written) * self.input
            + cached * (self.input if self.cached_input is None else self.cached_input)
            + written * (self.input if self.cache_write is None else self.cache_write)
            + usage.output_tokens * (self.output or 0)
            + (usage.requests or 0) * self.per_request
        )


def stated(price: OwnPrice) -> Rates:
    """A price that somebody states."""
    cached, written = price.cached_input_per_million, price.cache_write_per_million
    return Rates(
        provider=price.source,
        model=price.model,
        input=_per(price.input_per_million, MILLION),
        output=_per(price.output_per_million, MILLION),
        cached_input=None if cached is None else _per(cached, MILLION),
        cache_write=None if written is None else _per(written, MILLION),
        listed=False,
    )


@lru_cache(maxsize=4096)
def listed(model: str, provider: str | None, on: date) -> Rates | None:
    """The list prices in force on `on`; None: the list does not know the model, or has no price
    for its tokens."""
    try:
        found, info = _PRICE_LIST.find_provider_model(model, None, provider, None)
    except LookupError:
        return None
    midnight = datetime.combine(on, time(), UTC)
    if not _has_hours(info):
        return _rates(found.id, info.id, info.get_prices(midnight))
    of_day = [_rates(found.id, info.id, info.get_prices(midnight + at)) for at in _HALF_HOURS]
    return _mean([rates for rates in of_day if rates is not None])


def list_name() -> str:
    return f"genai-prices {genai_prices.__version__}"


@lru_cache(maxsize=64)
def list_date(on: date) -> date | None:
    """The latest price change up to `on` that the list knows: it is no older than that."""
    changes = [
        price.constraint.start_date
        for provider in providers
        for model in provider.models
        for price in _conditional(model)
        if isinstance(price.constraint, StartDateConstraint) and price.constraint.start_date <= on
    ]
    return max(changes, default=None)


def _conditional(model: ModelInfo) -> list[ConditionalPrice]:
    return model.prices if isinstance(model.prices, list) else []


def _has_hours(model: ModelInfo) -> bool:
    return any(isinstance(each.constraint, TimeOfDateConstraint) for each in _conditional(model))


def _rates(provider: str, model: str, price: ModelPrice) -> Rates | None:
    """Of tiers, the first: which tier a request is in cannot be told from a sum of requests."""
    if price.input_mtok is None:
        return None
    kinds = (price.input_mtok, price.output_mtok, price.cache_read_mtok, price.cache_write_mtok)
    long = [each.tiers[0].start for each in kinds if isinstance(each, TieredPrices) and each.tiers]
    given = [None if each is None else _per(_base(each), MILLION) for each in kinds]
    per_request = price.requests_kcount
    return Rates(
        provider=provider,
        model=model,
        input=given[0] or Fraction(0),
        output=given[1],
        cached_input=given[2],
        cache_write=given[3],
        per_request=Fraction(0) if per_request is None else _per(_base(per_request), 1000),
        long_prompt_from=min(long, default=None),
    )


def _mean(rates: list[Rates]) -> Rates | None:
    if not rates:
        return None

    def mean(values: list[Fraction | None]) -> Fraction | None:
        known = [value for value in values if value is not None]
        return sum(known, Fraction(0)) / len(known) if len(known) == len(rates) else None

    first = rates[0]
    return Rates(
        provider=first.provider,
        model=first.model,
        input=mean([each.input for each in rates]) or Fraction(0),
        output=mean([each.output for each in rates]),
        cached_input=mean([each.cached_input for each in rates]),
        cache_write=mean([each.cache_write for each in rates]),
        per_request=mean([each.per_request for each in rates]) or Fraction(0),
        long_prompt_from=first.long_prompt_from,
        by_hour=len(set(rates)) > 1,
    )


def _base(price: Decimal | TieredPrices) -> Decimal:
    return price.base if isinstance(price, TieredPrices) else price


def _per(price: Decimal, units: int) -> Fraction:
    return Fraction(price) / units
