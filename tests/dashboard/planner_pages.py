"""What tests of the planner's page read from it and do to it."""

from typing import Any

from streamlit.testing.v1 import AppTest

from dashboard.costs.scenario import Scenario
from dashboard.planner import links

RICH = """
name = "Rich"
currency = "USD"
start = 2026-03-15
horizon_months = 40
developers = 7
tax_percent = 30
discount_percent_per_year = 7.5
pue = 1.25
[[assets]]
name = "H200"
unit_price = 31000.55
count = 8
discounts = [{ from_count = 4, percent = 5 }]
purchase_date = 2026-03-15
in_service_date = 2026-04-01
life_months = 48
residual = { percent = 12.5 }
tax_depreciation = { method = "macrs", bonus = "by_law", section_179 = { amount = 100 } }
[[assets]]
name = "Network"
unit_price = 900
purchase_date = 2026-03-15
in_service_date = 2026-03-15
life_months = 36
[financing]
kind = "loan"
principal = { amount = 50000 }
percent_per_year = 6.25
months = 24
[[loads]]
name = "H200"
count = 8
idle_w = 120.5
active_w = 640
active_share = 0.333
basis = "measured"
[tariff]
kind = "time_of_use"
currency = "USD"
timezone = "Europe/Berlin"
demand_per_kw = 11.5
[[tariff.periods]]
name = "day"
price_per_kwh = 0.31
from_hour = 6
to_hour = 22
[[tariff.periods]]
name = "night"
price_per_kwh = 0.19
from_hour = 22
to_hour = 6
[operations]
currency = "USD"
[[operations.items]]
kind = "space_per_unit"
name = "Rack"
rack_units = 8
price_per_unit_month = 20
[[operations.items]]
kind = "administration"
hours_per_month = 12.5
rate_per_hour = 64
[seats]
kind = "seats"
name = "Two plans"
currency = "USD"
valid_from = 2026-01-01
source = "Stated"
plans = [
  { name = "A", price_per_month = 30, developers = 4 },
  { name = "B", price_per_month = 200, developers = 3 },
]
[use]
tokens_per_day = 12345678.9
input_share = 0.953
cached_share = 0.81
[api]
name = "Some API"
[api.prices]
kind = "stated"
input_per_million = 1.25
cached_input_per_million = 0.125
output_per_million = 10
source = "Stated"
[capacity]
hardware = "h200"
accelerators = 8
model = "qwen3-235b-a22b"
precision = "fp8"
[uncertainty]
hardware_price = { kind = "relative", low = 0.85, high = 1.15 }
seat_price_per_month = { kind = "normal", mean = 102, sd = 5, low = 50, high = 150 }
"""


def headline(page: AppTest) -> str:
    return str(page.subheader[0].value).replace("\\", "")


def metric(page: AppTest, label: str) -> str:
    return str(next(one.value for one in page.metric if one.label == label))


def choose(page: AppTest, which: str) -> None:
    next(box for box in page.selectbox if box.label == "Scenario").set_value(which).run()
    assert not page.exception, page.exception


def button(page: AppTest, label: str) -> None:
    next(one for one in page.button if one.label == label).click()
    page.run()
    assert not page.exception, page.exception


def boxes(page: AppTest, label: str) -> list[Any]:
    return [box for box in page.number_input if box.label == label]


def told(page: AppTest) -> str:
    """All that stands in captions, errors and plain text."""
    parts = [*page.caption, *page.error, *page.markdown]
    return " ".join(part.value for part in parts).replace("\\", "")


def sent(page: AppTest) -> Scenario:
    """What the page's link holds."""
    link = next(code.value for code in page.code if "planner?plan=" in code.value)
    return links.decode(link.partition("plan=")[2])
