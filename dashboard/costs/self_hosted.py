"""What owning the hardware costs over time: depreciation, electricity, operations."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from fractions import Fraction

from dashboard.costs import money
from dashboard.costs.models import Prices, Segment
from dashboard.costs.months import add_months, hours, midnight, months_between, ratio

JOULES_PER_KWH = 3_600_000


@dataclass(frozen=True, slots=True)
class Spent:
    """Costs of a span. Depreciation is in cents already, so that spans add up to the price."""

    depreciation: Decimal = Decimal(0)
    electricity: Fraction = Fraction(0)
    operations: Fraction = Fraction(0)
    kwh: Fraction = Fraction(0)
    unmetered_hours: Fraction = Fraction(0)

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.depreciation + other.depreciation,
            self.electricity + other.electricity,
            self.operations + other.operations,
            self.kwh + other.kwh,
            self.unmetered_hours + other.unmetered_hours,
        )

    @property
    def total(self) -> Decimal:
        return self.depreciation + money.cents(self.electricity) + money.cents(self.operations)


def in_service_from(prices: Prices, zone: tzinfo) -> datetime | None:
    """When the hardware's first day begins."""
    return midnight(prices.in_service_date, zone) if prices.in_service_date else None


def depreciated(prices: Prices, until: datetime, zone: tzinfo) -> Decimal:
    """Straight-line depreciation from the first day to `until`, in cents.

    By exact time; nothing before the first day, price less residual value once the life has ended.
    """
    if prices.in_service_date is None:
        return Decimal(0)
    start = midnight(prices.in_service_date, zone)
    end = midnight(add_months(prices.in_service_date, prices.hardware_life_months), zone)
    used = ratio(min(max(until.astimezone(UTC), start), end) - start, end - start)
    return money.cents(Fraction(prices.hardware_price - prices.residual_value) * used)


def spent(segment: Segment, until: datetime, zone: tzinfo) -> Spent:
    """Costs of `segment` up to `until`, which lies within it.

    What was metered is taken as spread evenly over the segment, and counts from the hardware's
    first day.
    """
    prices = segment.prices
    first_day = in_service_from(prices, zone)
    until = until.astimezone(UTC)
    if first_day is None or until <= first_day:
        return Spent()
    begun = max(segment.start, first_day)
    running = hours(until - begun)
    metered_kwh, unmetered = Fraction(0), running
    metered = prices.electricity_basis == "metered" and segment.energy
    if metered and segment.energy and segment.energy.total_j is not None and until > begun:
        part = ratio(until - begun, segment.end - segment.start)
        metered_kwh = Fraction(segment.energy.total_j) / JOULES_PER_KWH * part
        covered = Fraction(segment.energy.covered_s) / 3600 * part
        unmetered = max(Fraction(0), running - covered)
    kwh = (metered_kwh + Fraction(prices.power_kw) * unmetered) * Fraction(prices.pue)
    return Spent(
        depreciation=depreciated(prices, until, zone) - depreciated(prices, begun, zone),
        electricity=kwh * Fraction(prices.electricity_price_per_kwh),
        operations=Fraction(prices.operations_per_month) * months_between(begun, until, zone),
        kwh=kwh,
        unmetered_hours=unmetered if prices.electricity_basis == "metered" else Fraction(0),
    )


def spent_by(
    segments: Sequence[Segment], points: Iterable[datetime], zone: tzinfo
) -> Iterator[Spent]:
    """What the range has cost from its start to each of `points`, in rising order within it."""
    before, place = Spent(), 0
    for at in points:
        while place < len(segments) - 1 and at >= segments[place].end:
            before += spent(segments[place], segments[place].end, zone)
            place += 1
        until = min(max(at, segments[place].start), segments[place].end)
        yield before + spent(segments[place], until, zone)


def electricity_of(energy_j: float, prices: Prices) -> Fraction:
    """What these joules cost at the socket, PUE included."""
    kwh = Fraction(energy_j) / JOULES_PER_KWH * Fraction(prices.pue)
    return kwh * Fraction(prices.electricity_price_per_kwh)
