"""The founding case, for tests to vary."""

from typing import Any

from dashboard.costs.break_even.case import BreakEvenCase

FOUNDING: dict[str, Any] = {
    "hardware_price": 25_000,
    "life_months": 36,
    "electricity_idle_per_month": 90,
    "seat_price_per_month": 200,
}
# 2,000 tokens a second at most, 172.8 million a day; $0.60 in and $2.50 out, four fifths of it in:
# 0.8 × 0.60 + 0.2 × 2.50 = $0.98 a million.
API: dict[str, Any] = {
    "throughput_tokens_per_s": 2_000,
    "api_input_price": "0.6",
    "api_output_price": "2.5",
    "api_input_share": "0.8",
    "electricity_per_million_tokens": "0.02",
    "tokens_per_day": 30_000_000,
}


def case(**changes: Any) -> BreakEvenCase:
    """$25,000 over 36 months, $90 of electricity a month, seats at $200; and `changes`."""
    return BreakEvenCase.model_validate(FOUNDING | changes)
