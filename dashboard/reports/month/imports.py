"""Usage that was imported from other tools, kept apart: it is in no other figure."""

import pandas as pd
from sqlalchemy import Engine

from dashboard.reports.month.models import ImportedRow
from db.imported import by_month, has_imports
from db.importers import LABELS

_COUNTS = ("requests", "input_tokens", "output_tokens")


def imported_rows(engine: Engine, month: str) -> tuple[ImportedRow, ...]:
    """The month's rows (UTC, as vendors' invoices have it), by source, model and currency."""
    if not has_imports(engine):
        return ()
    frame = by_month(engine)
    return tuple(
        ImportedRow(
            source=LABELS.get(row["source"], str(row["source"])),
            model=_text(row["model"]),
            cost=None if pd.isna(row["cost"]) else row["cost"],
            currency=_text(row["currency"]),
            cost_unknown=int(row["cost_unknown"]),
            **{name: None if pd.isna(row[name]) else int(row[name]) for name in _COUNTS},
        )
        for row in frame[frame["month"] == month].to_dict("records")
    )


def _text(value: object) -> str | None:
    return None if pd.isna(value) else str(value)  # type: ignore[call-overload]
