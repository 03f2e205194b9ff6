"""What the developers' seats would have cost, pro rata from each one's first day to the last.

Time is counted in calendar months, as `month_position` does, so that a seat's time is a difference
of two numbers, and a whole team's at any moment a look-up.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from fractions import Fraction
from itertools import accumulate

from dashboard.costs.models import Developer, Segment
from dashboard.costs.months import month_position
from dashboard.costs.self_hosted import in_service_from


@dataclass(frozen=True, slots=True)
class PricedMonths:
    """A stretch of calendar months in which a seat costs `price` a month."""

    start: Fraction
    end: Fraction
    price: Fraction


@dataclass(frozen=True, slots=True)
class Held:
    """How many months one developer held a seat, and what those cost."""

    months: Fraction
    amount: Fraction

    def __add__(self, other: "Held") -> "Held":
        return Held(self.months + other.months, self.amount + other.amount)


NOT_HELD = Held(Fraction(0), Fraction(0))


def priced_months(segments: Sequence[Segment], zone: tzinfo) -> list[PricedMonths]:
    """Where seats count, never before the hardware's first day; one stretch for each price."""
    stretches: list[PricedMonths] = []
    for segment in segments:
        first_day = in_service_from(segment.prices, zone)
        if first_day is None or first_day >= segment.end:
            continue
        start = month_position(max(segment.start, first_day), zone)
        end = month_position(segment.end, zone)
        price = Fraction(segment.prices.seat_price_per_month)
        if stretches and stretches[-1].end == start and stretches[-1].price == price:
            start = stretches.pop().start
        stretches.append(PricedMonths(start, end, price))
    return stretches


def held_by(developer: Developer, stretches: Sequence[PricedMonths], zone: tzinfo) -> Held:
    """One developer's seat over all `stretches`."""
    begins = month_position(developer.seat_from, zone)
    ends = month_position(developer.seat_until, zone) if developer.seat_until else None
    months, amount = Fraction(0), Fraction(0)
    for stretch in stretches:
        until = stretch.end if ends is None else min(stretch.end, ends)
        held = max(Fraction(0), until - max(stretch.start, begins))
        months += held
        amount += held * stretch.price
    return Held(months, amount)


class TeamSeats:
    """All seats of a team at once, for curves: each look-up takes the same time for any team."""

    def __init__(self, developers: Sequence[Developer], zone: tzinfo) -> None:
        seats = [
            person
            for person in developers
            if person.seat_until is None or person.seat_until > person.seat_from
        ]
        self._begun = sorted(month_position(person.seat_from, zone) for person in seats)
        self._ended = sorted(
            month_position(person.seat_until, zone) for person in seats if person.seat_until
        )
        self._begun_sums = list(accumulate(self._begun, initial=Fraction(0)))
        self._ended_sums = list(accumulate(self._ended, initial=Fraction(0)))

    def amount(self, stretches: Sequence[PricedMonths], until: Fraction) -> Fraction:
        """What all seats cost in `stretches` up to the month position `until`."""
        total = Fraction(0)
        for stretch in stretches:
            if stretch.start < until:
                held = self._months(min(stretch.end, until)) - self._months(stretch.start)
                total += held * stretch.price
        return total

    def _months(self, at: Fraction) -> Fraction:
        """Months that all seats together were held before `at`: Σ (at − begun) − Σ (at − ended)."""
        begun, ended = bisect_right(self._begun, at), bisect_right(self._ended, at)
        return (begun - ended) * at - self._begun_sums[begun] + self._ended_sums[ended]
