"""What hardware, electricity and seats cost, dated: a change never alters the past's report.

The setting in force at a time is the one with the latest `valid_from` up to then; of two with the
same date the one recorded last. Before the first one, the founding figures hold.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Engine, Row, func, insert, select

from db.audit import note
from db.connect import reading, writing
from db.errors import InvalidInput
from db.ids import now_ms
from db.schema import CostSetting, Request, UsageHour

ElectricityBasis = Literal["nameplate", "metered"]


@dataclass(frozen=True, slots=True)
class CostSettings:
    """One dated set of costs, in `currency`. `valid_from` is in UTC epoch milliseconds.

    `in_service_date` is the hardware's first day; where nobody set it (`in_service_is_set` False)
    it is the first day of use, and None before any use. `electricity_basis` says what the fully
    loaded figure is computed from: the hardware's rated power, or the meter.
    """

    valid_from: int
    currency: str
    hardware_name: str
    hardware_price: Decimal
    hardware_life_months: int
    residual_value: Decimal
    in_service_date: date | None
    in_service_is_set: bool
    power_kw: Decimal
    pue: Decimal
    electricity_price_per_kwh: Decimal
    electricity_basis: ElectricityBasis
    operations_per_month: Decimal
    seat_price_per_month: Decimal
    note: str | None


@dataclass(frozen=True, slots=True)
class PriceSegment:
    """Costs that hold from `start_ms` to before `end_ms`."""

    start_ms: int
    end_ms: int
    settings: CostSettings


# The figures the product was founded on: one data-centre GPU against a commercial assistant.
FOUNDING: dict[str, Any] = {
    "currency": "USD",
    "hardware_name": "One H100 GPU",
    "hardware_price": Decimal(25_000),
    "hardware_life_months": 36,
    "residual_value": Decimal(0),
    "in_service_date": None,
    "power_kw": Decimal("0.7"),
    "pue": Decimal("1.0"),
    "electricity_price_per_kwh": Decimal("0.18"),
    "electricity_basis": "nameplate",
    "operations_per_month": Decimal(0),
    "seat_price_per_month": Decimal(200),
    "note": None,
}

# Each amount's name for people, the least it may be, and whether that least itself is allowed.
_LIMITS: dict[str, tuple[str, Decimal, bool]] = {
    "hardware_price": ("hardware's price", Decimal(0), True),
    "residual_value": ("residual value", Decimal(0), True),
    "power_kw": ("power in kW", Decimal(0), False),
    "pue": ("PUE", Decimal(1), True),
    "electricity_price_per_kwh": ("electricity price per kWh", Decimal(0), True),
    "operations_per_month": ("operations cost per month", Decimal(0), True),
    "seat_price_per_month": ("seat price per month", Decimal(0), True),
}
_MOST = Decimal(10) ** 12
_LONGEST_LIFE_MONTHS = 600


def current_prices(engine: Engine, at_ms: int | None = None) -> CostSettings:
    """The costs in force at a time (default: now)."""
    at = now_ms() if at_ms is None else at_ms
    with reading(engine) as connection:
        history = _history(connection)
    return [settings for settings in history if settings.valid_from <= at][-1]


def prices_between(engine: Engine, start_ms: int, end_ms: int) -> list[PriceSegment]:
    """The costs of a time span, as segments that follow each other from its start to its end."""
    with reading(engine) as connection:
        history = _history(connection)
    segments: list[PriceSegment] = []
    for position, settings in enumerate(history):
        begins = max(start_ms, settings.valid_from)
        following = history[position + 1 :]
        ends = min(end_ms, following[0].valid_from) if following else end_ms
        if begins < ends:
            segments.append(PriceSegment(begins, ends, settings))
    return segments


def price_history(engine: Engine) -> list[CostSettings]:
    """Every setting in force at some time, oldest first, from the beginning of time."""
    with reading(engine) as connection:
        return _history(connection)


def set_prices(
    engine: Engine, *, actor: str, valid_from: int | None = None, **changes: Any
) -> CostSettings:
    """Record costs that hold from `valid_from` on, until the next dated setting.

    `valid_from` (UTC epoch ms) is now by default, so that reports on the past stay as they are;
    the very first time it is the beginning, since the founding figures were nobody's choice. What
    `changes` does not name stays as it was at that time. Amounts may be Decimal, int, float or
    str. InvalidInput names the field that is wrong.
    """
    with writing(engine) as connection:
        rows = _rows(connection)
        if valid_from is None:
            valid_from = now_ms() if rows else 0
        in_force = [row for row in rows if row.valid_from <= valid_from]
        before = _values(in_force[-1]) if in_force else dict(FOUNDING)
        values = _validated(before | changes)
        connection.execute(
            insert(CostSetting).values(recorded_at=now_ms(), valid_from=valid_from, **values)
        )
        changed = {name: (before[name], values[name]) for name in values}
        differences = {name: pair for name, pair in changed.items() if pair[0] != pair[1]}
        note(connection, actor, "prices changed", valid_from=valid_from, changes=differences)
    return current_prices(engine, valid_from)


def _rows(connection: Connection) -> list[Row[Any]]:
    """The rows in force at some time, oldest first: of one date, the last recorded."""
    table = CostSetting.__table__
    rows = connection.execute(select(table).order_by(table.c.valid_from, table.c.id))
    return list({row.valid_from: row for row in rows}.values())


def _history(connection: Connection) -> list[CostSettings]:
    first_use = _first_use(connection)
    first_day = datetime.fromtimestamp(first_use / 1000, UTC).date() if first_use else None
    rows = [(row.valid_from, _values(row)) for row in _rows(connection)]
    if not rows or rows[0][0] > 0:
        rows.insert(0, (0, FOUNDING))
    return [_settings(valid_from, values, first_day) for valid_from, values in rows]


def _first_use(connection: Connection) -> int | None:
    """When the first request was made, or the hour of it where retention has deleted that."""
    first = [
        connection.execute(select(func.min(column))).scalar()
        for column in (Request.started_at, UsageHour.start_at)
    ]
    return min((at for at in first if at is not None), default=None)


def _values(row: Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FOUNDING}


def _settings(valid_from: int, values: dict[str, Any], first_day: date | None) -> CostSettings:
    stored = values["in_service_date"]
    return CostSettings(
        **values
        | {
            "valid_from": valid_from,
            "in_service_date": date.fromisoformat(stored) if stored else first_day,
            "in_service_is_set": stored is not None,
        }
    )


def _validated(values: dict[str, Any]) -> dict[str, Any]:
    for name in values:
        if name not in FOUNDING:
            raise InvalidInput(name, f"There is no cost setting named {name}.")
    amounts = {name: _amount(name, values[name]) for name in _LIMITS}
    if amounts["residual_value"] > amounts["hardware_price"]:
        raise InvalidInput(
            "residual_value", "The residual value cannot exceed the hardware's price."
        )
    life = values["hardware_life_months"]
    if not isinstance(life, int) or not 1 <= life <= _LONGEST_LIFE_MONTHS:
        raise InvalidInput(
            "hardware_life_months", f"The life is a number of months, 1 to {_LONGEST_LIFE_MONTHS}."
        )
    currency = str(values["currency"]).strip().upper()
    if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
        raise InvalidInput("currency", "The currency is a three-letter code such as USD or EUR.")
    hardware_name = str(values["hardware_name"]).strip()
    if not hardware_name:
        raise InvalidInput("hardware_name", "Say what the hardware is.")
    if values["electricity_basis"] not in get_args(ElectricityBasis):
        raise InvalidInput("electricity_basis", "The electricity basis is nameplate or metered.")
    return {
        **values,
        **amounts,
        "currency": currency,
        "hardware_name": hardware_name,
        "in_service_date": _iso_date(values["in_service_date"]),
    }


def _amount(name: str, value: Any) -> Decimal:
    label, least, allowed = _LIMITS[name]
    try:
        # A float's shortest text is what its author typed; its binary value is not.
        amount = Decimal(str(value)).normalize()
    except InvalidOperation as error:
        raise InvalidInput(name, f"The {label} is not a number: {value!r}.") from error
    if not amount.is_finite() or amount < least or (amount == least and not allowed):
        bound = f"{least} or more" if allowed else f"more than {least}"
        raise InvalidInput(name, f"The {label} must be {bound}; it is {value}.")
    exponent = amount.as_tuple().exponent
    if amount > _MOST or (isinstance(exponent, int) and exponent < -10):
        raise InvalidInput(name, f"The {label} has too many digits: {value}.")
    return Decimal(format(amount, "f"))


def _iso_date(value: date | str | None) -> str | None:
    try:
        return date.fromisoformat(str(value)).isoformat() if value else None
    except ValueError as error:
        raise InvalidInput(
            "in_service_date", f"The in-service date is not a date: {value!r}."
        ) from error
