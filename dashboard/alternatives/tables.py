"""The alternatives as a table, the developers behind one of them, and all of it as a file."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import formats
from dashboard.alternatives import own_prices
from dashboard.alternatives.offers import Kind, Offer
from dashboard.alternatives.words import cost_words
from dashboard.cost_tables import number
from dashboard.costs.baselines import BaselineCost, BaselineRow
from dashboard.reports.csv_text import csv_chunks
from dashboard.reports.tables import Batch, Cells, Column, Table

KINDS: dict[Kind, str] = {
    "fully loaded": "here, all costs",
    "marginal": "here, electricity of requests",
    "seats": "commercial seats",
    "api": "vendor's API",
    "hosted": "hosted open model",
    "rented": "rented GPU hours",
}
COLUMNS = (
    Column("alternative", "text", "What the costs are of."),
    Column("kind", "text", "Which kind of alternative it is."),
    Column("origin", "text", "ledger: metered by the gateway. imported: told by imported files."),
    Column("developer", "text", "Who used it, or what nobody used."),
    Column("requests", "whole", "Requests in the range."),
    Column("input_tokens", "whole", "Input tokens, those from cache included."),
    Column("output_tokens", "whole", "Output tokens."),
    Column("cost", "decimal", "What it costs; empty where a part is unknown."),
    Column("known_cost", "decimal", "What of it could be priced: a bound from below."),
    Column("currency", "text", "ISO 4217."),
    Column("unknown", "text", "Why a part could not be priced."),
    Column("prices_of", "text", "The day whose prices these are."),
    Column("source", "text", "Where the prices are from."),
)


def offer_table(offers: Sequence[Offer]) -> pd.DataFrame:
    """A row for each alternative, in words: amounts may be unknown, and in several currencies."""
    base = offers[0]
    return pd.DataFrame(
        {
            "Alternative": [offer.name for offer in offers],
            "Would have cost": [cost_words(offer) for offer in offers],
            "Beside self-hosted": [_difference(offer, base) for offer in offers],
            "Kind": [_kind(offer) for offer in offers],
            "Imported use, apart": [_imported(offer) for offer in offers],
            "Unknown": ["; ".join(offer.reasons) for offer in offers],
            "Prices of": [_day(offer) for offer in offers],
            "Source": [offer.source for offer in offers],
        }
    )


def row_table(rows: Sequence[BaselineRow]) -> pd.DataFrame:
    """The developers behind a figure. An empty cell is unknown."""
    table = pd.DataFrame(
        {
            "Developer": [row.name for row in rows],
            "Requests": [row.requests for row in rows],
            "Input": [row.input_tokens for row in rows],
            "Output": [row.output_tokens for row in rows],
            "Cost": [number(row.cost) for row in rows],
            "Known part": [number(row.known) for row in rows],
            "Unknown": ["; ".join(row.reasons) for row in rows],
        }
    )
    return table.astype({"Requests": "Int64", "Input": "Int64", "Output": "Int64"})


def row_columns(offer: Offer) -> dict[str, Any]:
    """Formats of `row_table`: marginal costs are far below a cent."""
    symbol = formats.SYMBOLS.get(offer.currency, f"{offer.currency} ")
    money = f"{symbol}%,.{6 if offer.kind == 'marginal' and 0 < offer.known < 10 else 2}f"
    counts = {
        name: st.column_config.NumberColumn(format="localized")
        for name in ("Requests", "Input", "Output")
    }
    known = "What of it could be priced: a bound from below, where the cost is unknown."
    return counts | {
        "Cost": st.column_config.NumberColumn(help="Empty: a part is unknown.", format=money),
        "Known part": st.column_config.NumberColumn(help=known, format=money),
    }


def offers_csv(offers: Sequence[Offer], until_ms: int) -> bytes:
    """Every row of every alternative, as other exports are written."""
    cells = [cells for offer in offers for cells in _cells(offer)]
    return b"".join(csv_chunks(Table(COLUMNS, iter([Batch(cells, until_ms)]))))


def _cells(offer: Offer) -> Iterator[Cells]:
    parts: list[tuple[str, Sequence[BaselineRow]]] = [("ledger", offer.rows)]
    if offer.imported is not None:
        parts.append(("imported", offer.imported.rows))
    for origin, rows in parts:
        for row in rows:
            yield (
                offer.name,
                _kind(offer),
                origin,
                row.name,
                row.requests,
                row.input_tokens,
                row.output_tokens,
                row.cost,
                row.known,
                offer.currency,
                "; ".join(row.reasons) or None,
                _day(offer) or None,
                offer.source,
            )


def _kind(offer: Offer) -> str:
    return "stated price" if offer.source == own_prices.SOURCE else KINDS[offer.kind]


def _difference(offer: Offer, base: Offer) -> str:
    """`$12.30 less`, beside the first; nothing where that cannot be said."""
    if offer is base or offer.cost is None or offer.currency != base.currency:
        return ""
    more: Decimal = offer.cost - base.known
    if more == 0:
        return "the same"
    amount = formats.money(abs(more), offer.currency)
    return f"{amount} {'more' if more > 0 else 'less'}"


def _imported(offer: Offer) -> str:
    return "" if offer.imported is None else imported_words(offer.imported)


def imported_words(cost: BaselineCost) -> str:
    if cost.cost is not None:
        return formats.money(cost.cost, cost.currency)
    return f"at least {formats.money(cost.known, cost.currency)}" if cost.known else formats.UNKNOWN


def _day(offer: Offer) -> str:
    return "" if offer.prices_of is None else offer.prices_of.isoformat()
