"""A month's electricity: kWh, the highest power, and what they cost under a tariff.

    energy = Σ over hours of power × PUE × price     demand = highest power × PUE × price per kW

A demand charge is on the highest mean of some minutes in the month. That is taken as everything
that works at all working at once: the most it can be.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType
from typing import Literal
from zoneinfo import ZoneInfo

from dashboard.costs import money
from dashboard.costs.electricity.hours import hours_between
from dashboard.costs.electricity.loads import Load
from dashboard.costs.electricity.tariffs import Flat, Hour, Tariff, TimeOfUse
from dashboard.costs.months import add_months
from dashboard.costs.strict import Strict

TYPICAL_MONTH_HOURS = 720
ALL_HOURS = "all hours"  # a flat tariff's one period


class BilledEnergy(Strict):
    """What was used in one of a tariff's periods; the costs of all add up to the bill's energy."""

    name: str
    kwh: Decimal
    price_per_kwh: Decimal
    cost: Decimal


class Bill(Strict):
    """A month's bill: `total` = `energy` + `demand` + `fixed`, in cents. kWh and kW include PUE.

    `per_kwh` is the total over the kWh (None: none were used). `basis` is None where the kWh are
    given and not a load's.
    """

    currency: str
    kwh: Decimal
    highest_kw: Decimal
    periods: tuple[BilledEnergy, ...]
    energy: Decimal
    demand: Decimal
    fixed: Decimal
    total: Decimal
    per_kwh: Decimal | None
    basis: Literal["measured", "nameplate", "mixed"] | None = None


def bill(
    tariff: Tariff,
    kwh: Mapping[str, Fraction],
    highest_kw: Fraction,
    basis: Literal["measured", "nameplate", "mixed"] | None = None,
) -> Bill:
    """The bill for kWh by period (`ALL_HOURS` of a flat tariff) and the month's highest power.

    ValueError: a period that the tariff has not.
    """
    prices = period_prices(tariff)
    for name in kwh:
        if name not in prices:
            raise ValueError(f'The tariff has no period "{name}", only {", ".join(prices)}.')
    costs = {name: kwh.get(name, Fraction(0)) * price for name, price in prices.items()}
    energy = money.cents(sum(costs.values(), Fraction(0)))
    parts = money.split(energy, list(costs.values())) if energy else [Decimal("0.00")] * len(costs)
    demand = money.cents(highest_kw * Fraction(tariff.demand_per_kw))
    fixed = money.cents(Fraction(tariff.fixed_per_month))
    used = sum(kwh.values(), Fraction(0))
    total = energy + demand + fixed
    return Bill(
        currency=tariff.currency,
        kwh=money.rounded(used, 3),
        highest_kw=money.rounded(highest_kw, 3),
        periods=tuple(
            BilledEnergy(
                name=name,
                kwh=money.rounded(kwh.get(name, Fraction(0)), 3),
                price_per_kwh=price,
                cost=part,
            )
            for (name, price), part in zip(_decimal_prices(tariff).items(), parts, strict=True)
        ),
        energy=energy,
        demand=demand,
        fixed=fixed,
        total=total,
        per_kwh=price_per_kwh(total, used),
        basis=basis,
    )


def month_bill(loads: Sequence[Load], tariff: Tariff, pue: Decimal, month: date) -> Bill:
    """The calendar month that `month` lies in, by its real hours in the tariff's time zone (UTC
    with a flat tariff)."""
    first = month.replace(day=1)
    return bill_between(loads, tariff, pue, first, add_months(first, 1))


def bill_between(
    loads: Sequence[Load], tariff: Tariff, pue: Decimal, first: date, end: date
) -> Bill:
    """As one month's bill, the days `first` ≤ day < `end` by their real hours."""
    lasted = hours_between(first, end, _zone(tariff))
    return _bill_of(loads, tariff, pue, lasted, Fraction(1))


def typical_month(loads: Sequence[Load], tariff: Tariff, pue: Decimal, year: int) -> Bill:
    """A month of 720 hours (30 days) in which weekdays and seasons have their share of `year`.

    Twelve of them are 360 days: 0.7 kW at all hours is 504 kWh.
    """
    lasted = hours_between(date(year, 1, 1), date(year + 1, 1, 1), _zone(tariff))
    part = TYPICAL_MONTH_HOURS / sum(lasted.values(), Fraction(0))
    return _bill_of(loads, tariff, pue, lasted, part)


@lru_cache(maxsize=64)
def typical_hours(tariff: Tariff, year: int) -> Mapping[str, Fraction]:
    """How many of a typical month's 720 hours (as in `typical_month`) each period has."""
    names = _period_names(tariff)
    found = dict.fromkeys(period_prices(tariff), Fraction(0))
    lasted = hours_between(date(year, 1, 1), date(year + 1, 1, 1), _zone(tariff))
    for hour, duration in lasted.items():
        found[names.get(hour, ALL_HOURS)] += duration
    part = TYPICAL_MONTH_HOURS / sum(found.values(), Fraction(0))
    return MappingProxyType({name: hours * part for name, hours in found.items()})


def period_prices(tariff: Tariff) -> dict[str, Fraction]:
    """What a kWh costs in each of the tariff's periods."""
    return {name: Fraction(price) for name, price in _decimal_prices(tariff).items()}


def metered_by_period(
    tariff: Tariff, readings: Iterable[tuple[datetime, Fraction]]
) -> dict[str, Fraction]:
    """A meter's kWh by the tariff's periods, for `bill`. Each reading is of an hour or less, and
    belongs to the period that it begins in; PUE is the caller's to multiply by."""
    zone, names = _zone(tariff), _period_names(tariff)
    kwh = dict.fromkeys(period_prices(tariff), Fraction(0))
    for begins, used in readings:
        local = begins.astimezone(zone)
        kwh[names.get((local.month, local.isoweekday(), local.hour), ALL_HOURS)] += used
    return kwh


def power_kw(loads: Sequence[Load], pue: Decimal) -> Fraction:
    """The mean power of a day at the socket, PUE included."""
    watts = sum((load.mean_w(hour) for load in loads for hour in range(24)), Fraction(0)) / 24
    return watts / 1000 * Fraction(pue)


def price_per_kwh(cost: Decimal, kwh: Fraction) -> Decimal | None:
    """What a kWh costs when so many cost so much, to a hundredth of a cent; None: none were used.

    $90 for 504 kWh is $0.1786.
    """
    return money.rounded(Fraction(cost) / kwh, 4) if kwh else None


def _bill_of(
    loads: Sequence[Load],
    tariff: Tariff,
    pue: Decimal,
    lasted: Mapping[Hour, Fraction],
    part: Fraction,
) -> Bill:
    """The bill of `part` of the time in `lasted`."""
    if pue < 1:
        raise ValueError(
            f"PUE is {pue}, but a site draws at least what its machines do: 1 or more."
        )
    kw = [sum((load.mean_w(hour) for load in loads), Fraction(0)) / 1000 for hour in range(24)]
    names = _period_names(tariff)
    time: defaultdict[tuple[str, int], Fraction] = defaultdict(Fraction)
    for hour, duration in lasted.items():
        time[(names.get(hour, ALL_HOURS), hour[2])] += duration
    kwh = dict.fromkeys(period_prices(tariff), Fraction(0))
    for (name, of_day), duration in time.items():
        kwh[name] += kw[of_day] * duration * part * Fraction(pue)
    highest = sum((load.highest_w() for load in loads), Fraction(0)) / 1000 * Fraction(pue)
    return bill(tariff, kwh, highest, _basis(loads))


def _basis(loads: Sequence[Load]) -> Literal["measured", "nameplate", "mixed"] | None:
    found = {load.basis for load in loads if load.count}
    if not found:
        return None
    return "mixed" if len(found) > 1 else found.pop()


def _zone(tariff: Tariff) -> tzinfo:
    return ZoneInfo(tariff.timezone) if isinstance(tariff, TimeOfUse) else UTC


def _period_names(tariff: Tariff) -> dict[Hour, str]:
    if isinstance(tariff, Flat):
        return {}
    return {hour: period.name for hour, period in tariff.by_hour().items()}


def _decimal_prices(tariff: Tariff) -> dict[str, Decimal]:
    if isinstance(tariff, Flat):
        return {ALL_HOURS: tariff.price_per_kwh}
    return {period.name: period.price_per_kwh for period in tariff.periods}
