"""What each developer and each team costs, as tables: rows of a comparison and their total."""

from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import formats
from dashboard.costs.models import Comparison, DeveloperCost, TeamCost

TOTAL = "Total"
FULLY_LOADED = (
    "Fully loaded: a part of all that the hardware cost, used or not: depreciation, electricity "
    "and operations. Marginal: the electricity of the own requests alone. Seat: what a commercial "
    "assistant would have cost in the same time."
)
EMPTY = "An empty cell is a figure that is unknown or has no meaning, never 0."


def developer_table(comparison: Comparison) -> pd.DataFrame:
    """The total, a row for each developer, and perhaps one that nobody carries. The total stands
    first: a large team's table is scrolled."""
    rows = [{"Developer": row.name, **_figures(row)} for row in comparison.developers]
    return pd.DataFrame([{"Developer": TOTAL, **_totals(comparison)}, *rows])


def team_table(comparison: Comparison) -> pd.DataFrame:
    """The same by team. Who changed team counts in each, so the total tells no developers."""
    rows = [
        {
            "Team": row.name,
            "Developers": None if row.team_id is None else row.developers,
            **_figures(row),
        }
        for row in comparison.teams
    ]
    table = pd.DataFrame([{"Team": TOTAL, "Developers": None, **_totals(comparison)}, *rows])
    return table.astype({"Developers": "Int64"})


def columns(comparison: Comparison) -> dict[str, Any]:
    """Each column's unit and, in its help, what it is of."""
    currency = comparison.currency
    symbol = formats.SYMBOLS.get(currency, f"{currency} ")
    marginal = comparison.marginal_total
    fine = marginal is None or 0 < marginal < 10

    def amount(about: str, digits: int = 2) -> Any:
        return st.column_config.NumberColumn(help=about, format=f"{symbol}%,.{digits}f")

    return {
        "Developer": st.column_config.TextColumn(pinned=True),
        "Team": st.column_config.TextColumn(pinned=True),
        "Developers": st.column_config.NumberColumn(
            help="Who held a seat or used something in this team at some time in the range.",
            format="localized",
        ),
        "Requests": st.column_config.NumberColumn(format="localized"),
        "Tokens": st.column_config.NumberColumn(help="Input and output.", format="localized"),
        "Fully loaded": amount(
            "A part of all that the hardware cost: depreciation, electricity and operations, used "
            "or not. Idle time is shared by the rule above."
        ),
        "Marginal": amount(
            "The electricity of the own requests alone, PUE included.", 6 if fine else 2
        ),
        "Seat": amount(
            "What a commercial seat would have cost in the same time, pro rata from the "
            "developer's first day here and the hardware's."
        ),
        "1M tokens": amount(
            "The fully loaded cost of a million tokens, input and output: the fewer there are, "
            "the more each carries of the hardware."
        ),
        "Utilisation": st.column_config.NumberColumn(
            help="The part of all metered energy that served the own requests.", format="percent"
        ),
    }


def _figures(row: DeveloperCost | TeamCost) -> dict[str, Any]:
    overhead = (row.team_id if isinstance(row, TeamCost) else row.developer_id) is None
    return {
        "Requests": row.requests,
        "Tokens": row.input_tokens + row.output_tokens,
        "Fully loaded": float(row.fully_loaded),
        "Marginal": None if overhead else number(row.marginal),
        "Seat": float(row.seat),
        "1M tokens": number(row.cost_per_million_tokens),
        "Utilisation": None if overhead else number(row.utilisation),
    }


def _totals(comparison: Comparison) -> dict[str, Any]:
    return {
        "Requests": sum(row.requests for row in comparison.developers),
        "Tokens": sum(row.input_tokens + row.output_tokens for row in comparison.developers),
        "Fully loaded": float(comparison.self_hosted_total),
        "Marginal": number(comparison.marginal_total),
        "Seat": float(comparison.baseline_total),
        "1M tokens": number(comparison.cost_per_million_tokens),
        "Utilisation": number(comparison.utilisation),
    }


def number(amount: Decimal | None) -> float:
    """For a cell: NaN, which stands empty, is unknown."""
    return float("nan") if amount is None else float(amount)
