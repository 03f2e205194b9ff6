"""How long each hour of each weekday lasts in a stretch of days: clock changes are counted."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta, tzinfo
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType

from dashboard.costs.electricity.tariffs import HOURS, Hour
from dashboard.costs.months import hours, midnight

_QUARTER = timedelta(minutes=15)


@lru_cache(maxsize=64)
def hours_between(first: date, end: date, zone: tzinfo) -> Mapping[Hour, Fraction]:
    """Real hours by month, weekday and local hour, over the days `first` ≤ day < `end`."""
    lasted: Counter[Hour] = Counter()  # in quarters of an hour
    day = first
    while day < end:
        following = day + timedelta(days=1)
        begins, ends = midnight(day, zone), midnight(following, zone)
        if hours(ends - begins) == 24:
            lasted.update({(day.month, day.isoweekday(), hour): 4 for hour in HOURS})
        else:
            while begins < ends:
                lasted[(day.month, day.isoweekday(), begins.astimezone(zone).hour)] += 1
                begins += _QUARTER
        day = following
    return MappingProxyType({hour: Fraction(quarters, 4) for hour, quarters in lasted.items()})
