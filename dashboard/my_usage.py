"""What one developer used and what that costs, for their own eyes.

The costs are their row of the Overview's comparison, for the same range and rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isnan
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import Engine

from dashboard.cost_tables import number
from dashboard.costs.comparison import marginal_cost
from dashboard.costs.models import Comparison, DeveloperCost, Prices
from dashboard.days import Days, days_of
from dashboard.overview import View, first_moment
from dashboard.overview_figures import energy_basis
from dashboard.periods import Period, period
from dashboard.sides import developers_of, prices_of
from dashboard.team import comparison_of
from db import adoption_queries, queries
from db.adoption_queries import KeyUse
from db.prices import prices_between
from db.uses import Uses

_COUNTS = ["requests", "input_tokens", "cached_input_tokens", "output_tokens"]


@dataclass(frozen=True, slots=True)
class MyUsage:
    """What was used (`totals`, `by_day`, `by_model`) is of the view's team, model and engine; cost
    and keys are of all. `cost` None: there is none to tell, for no seat was held and nothing used
    while the hardware was in service. `energy_basis` is that of all that the meters read.

    `by_day` has a row for each day of the range: begins, requests, input_tokens,
    cached_input_tokens, output_tokens, energy_j, marginal (both NaN where unknown). `by_model` is
    as `adoption_queries.developer_models` has it; `by_key` of whole `months` (UTC, `YYYY-MM`), for
    by key no shorter time is kept.
    """

    period: Period
    days: Days
    comparison: Comparison
    cost: DeveloperCost | None
    totals: queries.Totals
    energy_basis: str
    by_day: pd.DataFrame
    by_model: pd.DataFrame
    months: tuple[str, ...]
    by_key: tuple[KeyUse, ...]


def compute(engine: Engine, view: View, developer_id: int, now_ms: int) -> MyUsage:
    """The figures at `now_ms` (UTC epoch milliseconds). InvalidInput: the range has prices in two
    currencies."""
    zone = ZoneInfo(view.timezone)
    chosen = period(view.span, zone, now_ms, first_moment(engine, zone, now_ms))
    start, end = chosen.start_ms, chosen.end_ms
    comparison = comparison_of(engine, view, chosen, developers_of(engine, zone))
    days, months = days_of(chosen, zone), months_of(chosen)
    own = [row for row in comparison.developers if row.developer_id == developer_id]
    return MyUsage(
        period=chosen,
        days=days,
        comparison=comparison,
        cost=own[0] if own else None,
        totals=queries.totals(engine, start, end, developer_id, uses=view.uses),
        energy_basis=energy_basis(queries.energy_between(engine, start, end)),
        by_day=_by_day(engine, developer_id, days, view.uses),
        by_model=adoption_queries.developer_models(engine, developer_id, start, end, view.uses),
        months=months,
        by_key=tuple(adoption_queries.developer_keys(engine, developer_id, months)),
    )


def months_of(chosen: Period) -> tuple[str, ...]:
    """The months (UTC, `YYYY-MM`) that a range touches."""
    first, last = (
        datetime.fromtimestamp(at / 1000, UTC) for at in (chosen.start_ms, chosen.end_ms - 1)
    )
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return tuple(f"{number // 12:04}-{number % 12 + 1:02}" for number in numbers)


def _by_day(engine: Engine, developer_id: int, days: Days, uses: Uses) -> pd.DataFrame:
    """Every day of the range; 0 on those without a request, and NaN where energy is unknown."""
    dated = prices_between(engine, days.start_ms, days.end_ms)
    begins = days.begins(also=[price.end_ms for price in dated])
    found = adoption_queries.developer_over_time(engine, developer_id, begins, days.end_ms, uses)
    prices = [(price.end_ms, prices_of(price.settings)) for price in dated]
    found["marginal"] = [
        _marginal(at, joules, prices)
        for at, joules in zip(found["at_ms"], found["energy_j"], strict=True)
    ]
    found["begins"] = days.of(found["at_ms"])
    by_day = found.groupby("begins")
    counts = by_day[_COUNTS].sum()
    # The sum of a day of which nothing is known is unknown, not 0.
    joules = by_day[["energy_j", "marginal"]].sum(min_count=1)
    every = days.all()
    counts = counts.reindex(every, fill_value=0)
    joules = joules.reindex(every)
    joules[counts["requests"] == 0] = 0.0
    return counts.join(joules).rename_axis("begins").reset_index()


def _marginal(at: int, joules: float, prices: Sequence[tuple[int, Prices]]) -> float:
    """The electricity of a day's or a part's joules, at the price in force when it began. `prices`
    are in order, each with its end."""
    if isnan(joules):
        return float("nan")
    price = next((price for end_ms, price in prices if at < end_ms), prices[-1][1])
    return number(marginal_cost(joules, price))
