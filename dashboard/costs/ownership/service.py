"""When a case's hardware is in service: only then does it cost running, and spare the baseline."""

from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction

from dashboard.costs.months import add_months
from dashboard.costs.ownership.assets import Asset
from dashboard.costs.ownership.case import Case, Stretch
from dashboard.costs.ownership.case_calendar import Calendar
from dashboard.costs.ownership.financing import Lease
from dashboard.costs.ownership.years import ONE_DAY


def in_service(case: Case, owned: Iterable[Asset]) -> tuple[Stretch, ...]:
    """Days within the horizon on which any of the hardware serves, in order and apart.

    `owned` is what the company owns, each with its disposal; a lessor's serves until the lease
    ends.
    """
    last = add_months(case.start, case.horizon_months) - ONE_DAY
    days = [(asset.in_service_date, _last_day(asset, last)) for asset in owned]
    if isinstance(case.financing, Lease):
        returned = add_months(case.start, case.financing.months) - ONE_DAY
        days += [(asset.in_service_date, returned) for asset in case.assets]
    within = [(max(first, case.start), min(end, last)) for first, end in days]
    return _joined(sorted((first, end) for first, end in within if first <= end))


def shares(stretches: Sequence[Stretch], calendar: Calendar) -> list[Fraction]:
    """What part of each month, from the first on, the hardware is in service, by days."""
    return [
        Fraction(sum(_common_days(one, first, end) for one in stretches), (end - first).days)
        for first, end in zip(calendar.ends, calendar.ends[1:], strict=False)
    ]


def _last_day(asset: Asset, horizon: date) -> date:
    return asset.disposal.on if asset.disposal else horizon


def _joined(days: Iterable[tuple[date, date]]) -> tuple[Stretch, ...]:
    found: list[Stretch] = []
    for first, last in days:
        if found and first <= found[-1].last_day + ONE_DAY:
            before = found.pop()
            first, last = before.first_day, max(before.last_day, last)
        found.append(Stretch(first_day=first, last_day=last))
    return tuple(found)


def _common_days(one: Stretch, first: date, end: date) -> int:
    """Days of the stretch from `first` up to `end` (not counted)."""
    return max(0, (min(one.last_day + ONE_DAY, end) - max(one.first_day, first)).days)
