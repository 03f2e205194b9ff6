"""The published table, cell by cell, and what it takes to arrive at it."""

from collections import Counter
from decimal import Decimal

import pytest

from dashboard.costs.studies import AS_TABULATED, PRICE_PER_KWH, SETUPS, reproduce

CELLS = {(cell.model, cell.api): cell for cell in reproduce()}


def test_every_cell_of_the_table_follows_from_its_tables_or_needs_a_price_it_does_not_give() -> (
    None
):
    assert len(CELLS) == 45  # nine models, five APIs
    assert Counter(cell.follows_from for cell in CELLS.values()) == {
        "tables": 36,
        "fitted_price": 9,
    }
    assert {cell.api for cell in CELLS.values() if cell.follows_from == "fitted_price"} == {
        "Gemini 2.5 Pro"
    }


@pytest.mark.parametrize(
    ("model", "api", "months"),
    [
        # 800 × 176 × 3,600 = 506.88 million tokens × $7.0833 = $3,590.40; 16 × 0.3 kW × 176 h ×
        # $0.15 = $126.72: 240,000 ÷ 3,463.68.
        ("Kimi-K2", "GPT-5", "69.290"),
        # × $55 = $27,878.40 − $126.72: printed as 8.7, by way of 8.65.
        ("Kimi-K2", "Claude-4 Opus", "8.648"),
        # 139.392 million × $7.0833 = $987.36 − $15.84: 30,000 ÷ 971.52.
        ("gpt-oss-120B", "GPT-5", "30.879"),
        ("gpt-oss-120B", "Claude-4 Opus", "3.921"),  # 30,000 ÷ (7,666.56 − 15.84)
        # 126.72 million × $7.0833 = $897.60 − $13.20: 2,000 ÷ 884.40.
        ("EXAONE 4.0 32B", "GPT-5", "2.261"),
    ],
)
def test_cells_as_worked_out_by_hand(model: str, api: str, months: str) -> None:
    assert CELLS[model, api].from_tables == Decimal(months)


def test_nothing_follows_from_the_text() -> None:
    # 160 h, 400 W: 240,000 ÷ (460.8 million × $7.0833 − 16 × 0.4 × 160 × 0.15) = 77.2, not 69.3.
    assert CELLS["Kimi-K2", "GPT-5"].from_text == Decimal("77.160")
    off = [abs(cell.from_text / cell.printed - 1) for cell in CELLS.values()]
    assert min(off) > Decimal("0.03")


def test_what_cannot_be_rounded_to_the_printed_figure_at_once_says_so() -> None:
    twice = {key for key, cell in CELLS.items() if "rounded twice" in cell.explanation}
    assert twice == {
        ("Kimi-K2", "Claude-4 Opus"),
        ("Qwen3-235B", "Gemini 2.5 Pro"),
        ("GLM-4.5-Air", "Gemini 2.5 Pro"),
    }


def test_capacities_and_electricity_are_those_that_it_prints() -> None:
    capacity = ("506.9", "253.4", "253.4", "139.4", "126.7", "120.4", "126.7", "114.0", "95.0")
    hours = AS_TABULATED.hours_per_month
    for setup, printed in zip(SETUPS, capacity, strict=True):
        assert f"{setup.tokens_per_s * hours * 3600 / 1e6:.1f}" == printed
    # Version 1 printed the electricity of a month: $126.72 for 16 A100, $13.20 for an RTX 5090.
    assert 16 * AS_TABULATED.a100_kw * hours * PRICE_PER_KWH == Decimal("126.72")
    assert AS_TABULATED.rtx5090_kw * hours * PRICE_PER_KWH == Decimal("13.20")
