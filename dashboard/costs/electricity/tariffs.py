"""What a supplier asks: a price per kWh, flat or by the time of use, a fee, a demand charge."""

import calendar
from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from dashboard.costs.models import Amount
from dashboard.costs.strict import Currency, Strict

Hour = tuple[int, int, int]  # month 1–12, weekday 1 (Monday) to 7, hour 0–23
MONTHS, WEEKDAYS, HOURS = range(1, 13), range(1, 8), range(24)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(
            f"{name!r} is not a time zone: give one such as 'Europe/Berlin'."
        ) from error
    return name


class _Tariff(Strict):
    currency: Currency
    fixed_per_month: Amount = Field(default=Decimal(0), description="Fee per month, used or not.")
    demand_per_kw: Amount = Field(
        default=Decimal(0),
        description="Demand charge per kW of the month's highest power, per month.",
    )
    source: str = Field(
        default="", description="Where the prices are from (title, address, date); may be empty."
    )


class Flat(_Tariff):
    """One price at all hours. A bill without a price per kWh is a fixed fee alone."""

    kind: Literal["flat"] = "flat"
    price_per_kwh: Amount = Field(description="Price per kWh at all hours.")


class Period(Strict):
    """Hours that have one price: those from `from_hour` to `to_hour` on these weekdays in these
    months. Hours past midnight belong to the day that they are in, not the one before."""

    name: str = Field(min_length=1, description="What the bill calls it, such as 'peak'.")
    price_per_kwh: Amount = Field(description="Price per kWh in these hours.")
    months: tuple[Annotated[int, Field(ge=1, le=12)], ...] = Field(
        default=tuple(MONTHS), description="Months, 1 to 12; all by default."
    )
    weekdays: tuple[Annotated[int, Field(ge=1, le=7)], ...] = Field(
        default=tuple(WEEKDAYS), description="Weekdays, 1 (Monday) to 7 (Sunday); all by default."
    )
    from_hour: int = Field(default=0, ge=0, le=23, description="First hour, local time, 0 to 23.")
    to_hour: int = Field(
        default=24,
        ge=1,
        le=24,
        description="When it ends, 1 to 24; earlier than from_hour: past midnight.",
    )

    @model_validator(mode="after")
    def _lasts(self) -> "Period":
        if self.from_hour == self.to_hour:
            raise ValueError(f'Period "{self.name}" ends when it begins: give it an hour or more.')
        return self

    def hours(self) -> Iterator[Hour]:
        if self.from_hour < self.to_hour:
            of_day = list(range(self.from_hour, self.to_hour))
        else:
            of_day = [*range(self.to_hour), *range(self.from_hour, 24)]
        return product(sorted(set(self.months)), sorted(set(self.weekdays)), of_day)


class TimeOfUse(_Tariff):
    """Prices by month, weekday and hour. Every hour needs exactly one; holidays count as the
    weekdays they fall on."""

    kind: Literal["time_of_use"]
    timezone: Annotated[str, AfterValidator(_known_zone)] = Field(
        description="The time zone of the periods' hours, such as 'America/New_York'."
    )
    periods: tuple[Period, ...] = Field(min_length=1, description="Periods that cover all hours.")

    @model_validator(mode="after")
    def _covers_every_hour_once(self) -> "TimeOfUse":
        names = [period.name for period in self.periods]
        if len(set(names)) < len(names):
            raise ValueError("Two periods have the same name: name each one differently.")
        found: dict[Hour, Period] = {}
        for period in self.periods:
            for hour in period.hours():
                if hour in found:
                    raise ValueError(
                        f'Periods "{found[hour].name}" and "{period.name}" both cover '
                        f"{_words(hour)}: each hour needs exactly one price."
                    )
                found[hour] = period
        for hour in product(MONTHS, WEEKDAYS, HOURS):
            if hour not in found:
                raise ValueError(
                    f"No period covers {_words(hour)}: each hour needs exactly one price."
                )
        return self

    def by_hour(self) -> dict[Hour, Period]:
        """The period that each hour of each weekday and month is in."""
        return {hour: period for period in self.periods for hour in period.hours()}


Tariff = Annotated[Flat | TimeOfUse, Field(discriminator="kind")]


def _words(hour: Hour) -> str:
    month, weekday, of_day = hour
    day, name = calendar.day_name[weekday - 1], calendar.month_name[month]
    return f"{day}s from {of_day}:00 in {name}"
