"""The reproduced study as a table: what it printed, what follows from its inputs, and why."""

from functools import lru_cache
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.costs.studies import SOURCE, reproduce

CAPTION = (
    f"{SOURCE}: months until hardware of one's own has cost as much as an API, at full throughput "
    "in all business hours. Each cell is recomputed from the study's own inputs, which its text "
    "and its tables give differently; where they do not lead to it, the last column says so."
)
_FOLLOWS = {
    "tables": "from its tables",
    "fitted_price": "only with a price that it does not give",
    "nothing": "from none of its inputs",
}


@lru_cache(maxsize=1)
def study_table() -> pd.DataFrame:
    """A row for each cell of the study's Table IV, in months."""
    cells = reproduce()
    return pd.DataFrame(
        {
            "Model": [cell.model for cell in cells],
            "Against": [cell.api for cell in cells],
            "Expected": [float(cell.printed) for cell in cells],
            "Got": [float(cell.from_tables) for cell in cells],
            "By its text": [float(cell.from_text) for cell in cells],
            "Follows": [_FOLLOWS[cell.follows_from] for cell in cells],
            "Explanation": [cell.explanation for cell in cells],
        }
    )


def columns() -> dict[str, Any]:
    def months(about: str) -> Any:
        return st.column_config.NumberColumn(help=about, format="%.2f")

    return {
        "Expected": months("Months as the study's Table IV prints them."),
        "Got": months("Months from the figures behind its tables."),
        "By its text": months("Months from the figures in its text."),
        "Explanation": st.column_config.TextColumn(width="large"),
    }
