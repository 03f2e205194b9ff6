"""The range control: what the address asks for, what is wrong with it, and what pages then show."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from dashboard import data
from dashboard.overview import View, compute
from dashboard.overview_words import payload
from db import prices
from db.errors import InvalidInput
from db.ids import now_ms
from engine.api.service import Service
from tests.dashboard.conftest import open_page
from tests.dashboard.test_overview_page import use_now
from tests.dashboard.test_periods import ms

ZONE = ZoneInfo("Asia/Kolkata")
OWN = {"range": "Own dates", "from": "2026-05-03", "to": "2026-05-17"}
PAGES = ["overview", "energy", "alternatives", "team", "requests"]


def warnings(page: object) -> list[str]:
    return [box.value.replace("\\", "") for box in page.warning]  # type: ignore[attr-defined]


@pytest.mark.usefixtures("product")
@pytest.mark.parametrize("name", PAGES)
def test_every_page_with_a_range_opens_own_dates_from_its_address(name: str) -> None:
    page = open_page(name, **OWN)
    days = [page.date_input(key=key).value for key in ("from", "to")]
    assert [str(day) for day in days] == ["2026-05-03", "2026-05-17"]
    assert not any("Shown instead" in said for said in warnings(page))


@pytest.mark.usefixtures("product")
def test_two_days_alone_are_own_dates() -> None:
    page = open_page(**{"from": "2026-05-03", "to": "2026-05-17"})
    assert page.selectbox(key="range").value == "Own dates"


@pytest.mark.usefixtures("product")
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"range": "Fortnight"}, "There is no range named “Fortnight”."),
        ({**OWN, "from": "2026-13-03"}, "“2026-13-03” is not a day"),
        ({**OWN, "to": "2026-05-01"}, "begins on 2026-05-03, after its last day, 2026-05-01"),
        ({**OWN, "from": "2999-01-01", "to": "2999-01-02"}, "which is still to come"),
        ({"range": "Own dates", "from": "2026-05-03"}, "Choose the last day too."),
    ],
)
def test_what_is_wrong_in_an_address_is_said_and_the_usual_range_shown(
    wrong: dict[str, str], said: str
) -> None:
    page = open_page(**wrong)
    (told,) = [text for text in warnings(page) if "Shown instead" in text]
    assert said in told
    assert told.endswith("Shown instead: month to date.")


@pytest.mark.usefixtures("product")
def test_a_name_in_an_address_is_shown_as_it_is_written() -> None:
    page = open_page(range="[click](http://x) <b>")
    (told,) = [box.value for box in page.warning if "Shown" in box.value]
    assert "\\[click\\]\\(http\\:" in told


def test_own_dates_begin_with_this_month_and_reach_today(product: Service) -> None:
    use_now(product)
    page = open_page()
    page.selectbox(key="range").set_value("Own dates").run()
    today = data.today(ZONE)
    assert page.date_input(key="from").value == today.replace(day=1)
    assert page.date_input(key="to").value == today
    assert not any("Shown instead" in said for said in warnings(page))


def test_a_range_that_is_over_is_not_live_and_ends_with_itself(product: Service) -> None:
    use_now(product)
    yesterday = data.today(ZoneInfo("UTC")) - timedelta(days=1)
    view = View("own", f"{yesterday}/{yesterday}", "UTC")
    shown = payload(compute(product.database, view, now_ms()))
    assert shown["ended"] == f"Ended {yesterday:%-d %B %Y}"
    chart = shown["chart"]
    assert chart["x_range"] == [
        f"{yesterday}T00:00:00.000",
        f"{data.today(ZoneInfo('UTC'))}T00:00:00.000",
    ]
    assert chart["names"]["cost_axis"] == f"Cumulative cost on {yesterday:%-d %B %Y}, USD"
    assert sum(chart["tokens"]) == 0
    assert (
        payload(compute(product.database, View("own", "today", "UTC"), now_ms()))["ended"] is None
    )


def test_break_even_and_the_month_are_of_now_whatever_range_is_looked_at(
    product: Service,
) -> None:
    use_now(product)
    now = now_ms()
    past = compute(product.database, View("own", "last_month", "UTC"), now)
    month = compute(product.database, View("own", "month", "UTC"), now)
    assert (past.break_even, past.trend, past.month) == (month.break_even, month.trend, month.month)


@pytest.fixture
def two_currencies(product: Service) -> Engine:
    """A ledger whose prices are in euros from noon of 4 May 2026 (India) on."""
    engine = product.database
    prices.set_prices(engine, actor="test", valid_from=ms(2026, 4, 1), in_service_date="2026-04-01")
    prices.set_prices(engine, actor="test", valid_from=ms(2026, 5, 4, 12), currency="EUR")
    return engine


@pytest.mark.parametrize("name", ["overview", "alternatives", "team"])
def test_prices_in_two_currencies_are_said_and_which_days_to_choose(
    two_currencies: Engine, name: str
) -> None:
    page = open_page(name, **OWN)
    (said,) = [box.value.replace("\\", "") for box in page.error]
    assert "Prices in USD and in EUR cannot be added up" in said
    assert said.endswith("Choose own dates up to 3 May 2026, or from 5 May 2026 on.")


@pytest.mark.parametrize("days", ["2026-05-01/2026-05-03", "2026-05-05/2026-05-17"])
def test_the_days_told_have_one_currency(two_currencies: Engine, days: str) -> None:
    now = ms(2026, 5, 20)
    shown = payload(compute(two_currencies, View("own", days, ZONE.key), now))
    assert shown["headline"] == (
        "This month has prices in two currencies, so its cost cannot be added up."
    )
    with pytest.raises(InvalidInput):
        compute(two_currencies, View("own", "month", ZONE.key), now)
