"""When the hardware will have paid for itself, if the last weeks go on: from what really happened.

Cash, as break-even by formula has it: the price is paid on the first day, and each day saves what
the seats would have cost less what running it cost. The rate is the mean of the last days, for
money adds up: a median would leave out the dear days. Its interval comes from a bootstrap in blocks
of a week, because days of a week are not alike.

Source of the bootstrap: Politis and Romano, "A circular block-resampling procedure for stationary
data", 1992.
"""

import math
from collections.abc import Sequence
from datetime import date, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from dashboard.costs import money
from dashboard.costs.break_even.formulas import Floats
from dashboard.costs.comparison import cumulative
from dashboard.costs.daily import daily
from dashboard.costs.models import Developer, Moment, Segment
from dashboard.costs.months import ratio

WINDOW_DAYS = 30
FEWEST_DAYS = 14  # two weeks: with fewer, one week's shape cannot be told from a trend
FARTHEST_DAYS = 36_525  # a century: what takes longer is told as never
BLOCK = 7
RESAMPLES = 2_000
LOW, HIGH = 0.05, 0.95
_DAY = timedelta(days=1)


class DayAmounts(BaseModel):
    """What a day (or a part of one) cost on both sides: running the hardware, and the seats."""

    model_config = ConfigDict(frozen=True)

    start: Moment
    end: Moment
    running: Decimal
    baseline: Decimal

    @model_validator(mode="after")
    def _takes_time(self) -> "DayAmounts":
        if self.end <= self.start:
            raise ValueError("A day must end after it starts.")
        return self

    @property
    def saved(self) -> Decimal:
        return self.baseline - self.running

    @property
    def days(self) -> Fraction:
        return ratio(self.end - self.start, _DAY)


class Projection(BaseModel):
    """When the hardware has paid for itself.

    `kind`: "already" on `day`; "expected" on `day`, in 90% of resamples from `earliest` to `latest`
    (None: never); "never" at this rate; "unknown", as too few days have passed. `reason` says why.
    `probability_never` is the part of the resamples in which it never happens.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["already", "expected", "never", "unknown"]
    day: date | None = None
    earliest: date | None = None
    latest: date | None = None
    probability_never: float | None = None
    saved_so_far: Decimal
    remaining: Decimal
    saved_per_day: Decimal | None = None
    window_days: int
    reason: str | None = None


def days_of(
    segments: Sequence[Segment], developers: Sequence[Developer], zone: tzinfo
) -> list[DayAmounts]:
    """The days of a range in which the hardware was in service, as `zone` has them. Electricity
    and operations, without depreciation: the price stands for itself."""
    pieces = daily(segments, zone)
    ends = [piece.end for piece in pieces]
    curve = cumulative(segments, developers, [pieces[0].start, *ends], zone) if pieces else []
    return [
        DayAmounts(
            start=piece.start,
            end=piece.end,
            running=piece.electricity + piece.operations,
            baseline=after.baseline - before.baseline,
        )
        for piece, before, after in zip(pieces, curve[:-1], curve[1:], strict=True)
        if piece.hours > 0
    ]


def project(
    days: Sequence[DayAmounts],
    price: Decimal,
    zone: tzinfo,
    window_days: int = WINDOW_DAYS,
    *,
    currency: str = "USD",
    seed: int = 0,
) -> Projection:
    """`days` since the hardware's first, in order; `price` is what has to be paid back."""
    saved = sum((day.saved for day in days), Decimal(0))
    remaining = price - saved
    paid_on = _paid_on(days, price)
    window = _window(days, window_days)
    per_day = _rate(window)
    known: dict[str, Any] = {
        "saved_so_far": saved,
        "remaining": remaining,
        "window_days": window_days,
        "saved_per_day": None if per_day is None else money.cents(per_day),
    }
    if paid_on is not None:
        return Projection(kind="already", day=paid_on.start.astimezone(zone).date(), **known)
    length = sum((day.days for day in days), Fraction(0))
    if per_day is None or length < FEWEST_DAYS:
        reason = f"the hardware has run for {float(length):.1f} days, and it takes {FEWEST_DAYS}"
        return Projection(kind="unknown", reason=reason, **known)
    last = days[-1].end.astimezone(zone).date()
    waits = _resampled_days(window, remaining, seed)
    chance = {"probability_never": float(np.mean(waits > FARTHEST_DAYS))}
    expected = Fraction(remaining) / per_day if per_day > 0 else None
    if expected is None or expected > FARTHEST_DAYS:
        return Projection(
            kind="never", reason=_why_never(window, per_day, currency), **known, **chance
        )
    low, high = np.quantile(waits, [LOW, HIGH], method="inverted_cdf")
    return Projection(
        kind="expected",
        day=_after(last, float(expected)),
        earliest=_after(last, float(low)),
        latest=_after(last, float(high)),
        **known,
        **chance,
    )


def _paid_on(days: Sequence[DayAmounts], price: Decimal) -> DayAmounts | None:
    """The day since which the savings have covered the price; None: they do not."""
    paid = None
    for day, so_far in zip(days, accumulate(day.saved for day in days), strict=True):
        if so_far < price:
            paid = None
        elif paid is None:
            paid = day
    return paid


def _window(days: Sequence[DayAmounts], window_days: int) -> list[DayAmounts]:
    """The last days, as many as there are."""
    since = days[-1].end - window_days * _DAY if days else None
    return [day for day in days if since is not None and day.start >= since]


def _rate(days: Sequence[DayAmounts]) -> Fraction | None:
    length = sum((day.days for day in days), Fraction(0))
    return Fraction(sum((day.saved for day in days), Decimal(0))) / length if length else None


def _resampled_days(days: Sequence[DayAmounts], remaining: Decimal, seed: int) -> Floats:
    """In how many days each resample of the window has paid the rest; infinite: never."""
    saved = np.array([float(day.saved) for day in days])
    lengths = np.array([float(day.days) for day in days])
    number = len(days)
    starts = np.random.default_rng(seed).integers(number, size=(RESAMPLES, -(-number // BLOCK)))
    places = (starts[:, :, None] + np.arange(BLOCK)) % number
    places = places.reshape(RESAMPLES, -1)[:, :number]
    rates = saved[places].sum(axis=1) / lengths[places].sum(axis=1)
    never = np.full(RESAMPLES, np.inf)
    waits: Floats = np.divide(float(remaining), rates, out=never, where=rates > 0)
    return waits


def _after(day: date, days: float) -> date | None:
    """The day in which so many days after the beginning of `day` end; None: never."""
    if days > FARTHEST_DAYS:
        return None
    return day + timedelta(days=max(math.ceil(round(days, 6)) - 1, 0))


def _why_never(days: Sequence[DayAmounts], per_day: Fraction, currency: str) -> str:
    if per_day > 0:
        return "at this rate it would take more than a hundred years"
    length = sum((day.days for day in days), Fraction(0))
    running, seats = (
        money.words(money.cents(Fraction(total) / length), currency)
        for total in (
            sum((day.running for day in days), Decimal(0)),
            sum((day.baseline for day in days), Decimal(0)),
        )
    )
    return f"running it costs {running} a day, and the seats only {seats}"
