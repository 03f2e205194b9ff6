"""The live break-even, from prices whose days can be added up by hand."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from dashboard.costs.models import Developer
from dashboard.trend import NOT_YET, TWO_CURRENCIES, Trend, trend
from db import prices
from db.ledger import Ledger

ZONE = ZoneInfo("UTC")
FIRST_DAY = date(2026, 6, 1)
ADA = Developer(id=1, name="Ada", seat_from=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    ledger.open()
    ledger.close()
    return ledger.engine


def ms(month: int, day: int, hour: int = 0) -> int:
    return round(datetime(2026, month, day, hour, tzinfo=UTC).timestamp() * 1000)


def told(engine: Engine, now: int, **changed: Any) -> Trend:
    """0.5 kW × 24 h × $0.25 = $3 a day of electricity; a seat of $300 in June is $10 a day: each
    day of June saves $7."""
    figures: dict[str, Any] = {
        "hardware_price": 3_000,
        "in_service_date": FIRST_DAY,
        "power_kw": "0.5",
        "electricity_price_per_kwh": "0.25",
        "seat_price_per_month": 300,
    }
    prices.set_prices(engine, actor="test", valid_from=0, **figures | changed)
    return trend(engine, prices.current_prices(engine, now), [ADA], ZONE, now)


def test_the_rest_is_paid_at_the_rate_of_the_days_so_far(engine: Engine) -> None:
    found = told(engine, ms(7, 1, 12))
    # 30 days × $7 = $210 are saved. The other $2,790 take 398.57 days from 1 July 2026 on: the
    # 399th of them is 3 August 2027. All days are alike, and so is every resample.
    assert found.projection is not None
    assert found.projection.saved_so_far == 210
    assert found.projection.remaining == 2_790
    assert found.sentence == (
        "At the rate of the last 30 days the hardware has paid for itself on 3 August 2027 (90% "
        "interval: 3 August 2027 to 3 August 2027)."
    )


def test_what_is_paid_already_is_told_with_its_day(engine: Engine) -> None:
    # 14 × $7 = $98, 15 × $7 = $105.
    found = told(engine, ms(7, 1), hardware_price=100)
    assert found.sentence == "The hardware has paid for itself on 15 June 2026."


def test_never_is_an_answer(engine: Engine) -> None:
    assert told(engine, ms(7, 1), seat_price_per_month=60).sentence == (
        "At the rate of the last 30 days the hardware never pays for itself: running it costs "
        "$3.00 a day, and the seats only $2.00."
    )


def test_a_few_days_are_too_few(engine: Engine) -> None:
    assert told(engine, ms(6, 5, 18)).sentence == (
        "It is too early to tell: the hardware has run for 4.0 days, and it takes 14."
    )
    on_the_first_day = told(engine, ms(6, 1, 18)).projection
    assert on_the_first_day is not None
    assert on_the_first_day.kind == "unknown"


def test_before_the_first_day_there_is_none(engine: Engine) -> None:
    assert told(engine, ms(5, 31, 23)) == Trend(None, NOT_YET)
    assert told(engine, ms(7, 1), in_service_date=None) == Trend(None, NOT_YET)


def test_two_currencies_are_not_added_up(engine: Engine) -> None:
    told(engine, ms(7, 1))
    prices.set_prices(engine, actor="test", valid_from=ms(6, 20), currency="EUR")
    now = ms(7, 1)
    found = trend(engine, prices.current_prices(engine, now), [ADA], ZONE, now)
    assert found == Trend(None, TWO_CURRENCIES)


def test_new_prices_and_developers_are_seen_at_once(engine: Engine) -> None:
    now = ms(7, 1)
    told(engine, now)
    grace = ADA.model_copy(update={"id": 2, "name": "Grace"})
    both = trend(engine, prices.current_prices(engine, now), [ADA, grace], ZONE, now).projection
    assert both is not None
    assert both.saved_so_far == 30 * 17
    dearer = told(engine, now, electricity_price_per_kwh="0.5").projection
    assert dearer is not None
    assert dearer.saved_so_far == 30 * 4
