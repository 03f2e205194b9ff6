"""What imported usage adds up to, as a chart: a pure function."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard import formats
from dashboard.charts import Chart, dress, labels

MOST_MODELS = 8


def by_month(frame: pd.DataFrame) -> Chart:
    """Tokens a month, the models stacked. `frame` as from `db.imported.by_month`."""
    told = frame.assign(
        model=frame["model"].fillna("unknown model"),
        tokens=frame["input_tokens"].fillna(0) + frame["output_tokens"].fillna(0),
    )
    models = told.groupby("model")["tokens"].sum().sort_values(ascending=False)
    models = models[models > 0]
    shown = set(models.index[:MOST_MODELS])
    told["model"] = told["model"].where(told["model"].isin(shown), "other models")
    tokens = told.pivot_table(
        index="month", columns="model", values="tokens", aggfunc="sum", fill_value=0
    )
    at_least = "At least " if frame["lower_bound"].sum() else ""
    title = f"{at_least}{formats.count(int(told['tokens'].sum()))} tokens were imported"
    figure = go.Figure()
    for name in [one for one in [*models.index[:MOST_MODELS], "other models"] if one in tokens]:
        figure.add_bar(
            name=labels(pd.Series([str(name)]))[0],
            x=list(tokens.index),
            y=tokens[name].to_numpy(float),
            hovertemplate="%{y:,.0f} tokens",
        )
    figure.update_layout(
        barmode="stack",
        hovermode="x unified",
        xaxis={"type": "category"},
        yaxis={"title": "tokens a month", "tickformat": "~s", "rangemode": "tozero"},
    )
    dress(figure, 320)
    return Chart(title, figure, f"{title}, by month and model.", table(frame))


def table(frame: pd.DataFrame) -> pd.DataFrame:
    """The figures for people: what is unknown says so, and what is a lower bound too."""
    rows = [
        {
            "Month (UTC)": row["month"],
            "Source": row["source"],
            "Model": row["model"] or formats.UNKNOWN,
            "Requests": _count(row["requests"]),
            "Input tokens": _count(row["input_tokens"]),
            "Output tokens": _count(row["output_tokens"]),
            "Tokens are": "a lower bound" if row["lower_bound"] else "as the source tells",
            "Cost": _cost(row),
        }
        for _, row in frame.iterrows()
    ]
    return pd.DataFrame(rows)


def _count(value: Any) -> str:
    return formats.UNKNOWN if value is None or pd.isna(value) else f"{int(value):,}"


def _cost(row: "pd.Series[Any]") -> str:
    if row["cost"] is None:
        return formats.UNKNOWN
    return formats.money(row["cost"], str(row["currency"] or "USD"))
