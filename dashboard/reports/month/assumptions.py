"""What a month's figures rest on: every value with its date and where it comes from."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from dashboard import formats
from dashboard.costs.money import words
from dashboard.energy import EnergyView
from dashboard.overview import Overview
from dashboard.reports.month.models import Assumption
from db.grid import Grid
from db.prices import FOUNDING, CostSettings, prices_between

STARTING = "The figures that Breakeven starts with; nobody has set this team's own yet."
NO_NOTE = "Settings → Prices; no source was noted."
PRICES_OF = {
    "nameplate": "rated power in all hours",
    "metered": "what the meters read; rated power for time without a reading",
}


def dated_assumptions(
    engine: Engine, overview: Overview, energy: EnergyView
) -> tuple[Assumption, ...]:
    """Prices in force within the range, one set after the other, and the grid's intensities."""
    period, zone = overview.period, ZoneInfo(overview.view.timezone)
    found: list[Assumption] = []
    for priced in prices_between(engine, period.start_ms, period.end_ms):
        found += _of_prices(priced.settings, zone)
    for grid in energy.carbon.grids if energy.carbon else ():
        found.append(_of_grid(grid, zone))
    return tuple(found)


def _of_prices(prices: CostSettings, zone: ZoneInfo) -> list[Assumption]:
    currency = prices.currency
    values = {
        "Hardware": f"{prices.hardware_name}: {words(prices.hardware_price, currency)}",
        "Depreciation": f"straight line over {prices.hardware_life_months} months to "
        f"{words(prices.residual_value, currency)}",
        "In service since": _in_service(prices),
        "Rated power": f"{prices.power_kw.normalize():f} kW × PUE {prices.pue.normalize():f}",
        "Electricity": f"{currency} {prices.electricity_price_per_kwh.normalize():f} per kWh, on "
        f"{PRICES_OF[prices.electricity_basis]}",
        "Operations": f"{words(prices.operations_per_month, currency)} per month",
        "Seat": f"{words(prices.seat_price_per_month, currency)} per developer and month",
    }
    source, since = _source(prices), _day(prices.valid_from, zone)
    return [
        Assumption(what=what, value=value, valid_from=since, source=source)
        for what, value in values.items()
    ]


def _in_service(prices: CostSettings) -> str:
    if prices.in_service_date is None:
        return "not in service yet"
    day = f"{prices.in_service_date:%-d %B %Y}"
    return day if prices.in_service_is_set else f"{day}, the first day of use (none is set)"


def _source(prices: CostSettings) -> str:
    if prices.note:
        return prices.note
    set_by_nobody = prices.valid_from == 0 and all(
        getattr(prices, name) == value
        for name, value in FOUNDING.items()
        if name != "in_service_date"
    )
    return STARTING if set_by_nobody and not prices.in_service_is_set else NO_NOTE


def _of_grid(grid: Grid, zone: ZoneInfo) -> Assumption:
    if grid.by_hour is None:
        value = f"{grid.g_per_kwh or 0:,.0f} g CO₂e per kWh"
    else:
        low, high = min(grid.by_hour), max(grid.by_hour)
        value = f"{low:,.0f} to {high:,.0f} g CO₂e per kWh by the hour of the day"
    return Assumption(
        what="Grid's carbon intensity",
        value=value,
        valid_from=_day(grid.valid_from, zone),
        source=grid.source or formats.UNKNOWN,
    )


def _day(valid_from: int, zone: ZoneInfo) -> date | None:
    if valid_from <= 0:
        return None
    return datetime.fromtimestamp(valid_from / 1000, UTC).astimezone(zone).date()
