"""What these very requests would have cost elsewhere: the ledger's usage, priced by a baseline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Literal

from sqlalchemy import Engine

from dashboard.costs.baselines import (
    Api,
    Baseline,
    BaselineCost,
    Hosted,
    ModelUsage,
    UsageRange,
    priced,
)
from dashboard.sides import moment
from db import model_usage
from db.model_usage import ModelUse

NO_LABEL = "Somebody"  # a source that does not say who it was


@dataclass(frozen=True, slots=True)
class Priced:
    """One baseline's cost of what the gateway metered, and apart from it of what was imported.

    `imported` None: nothing was imported in the range, or the baseline has no price per token (a
    seat or a GPU costs the same, whatever else a team used before).
    """

    baseline: Baseline
    metered: BaselineCost
    imported: BaselineCost | None


def would_have_cost(
    engine: Engine, start_ms: int, end_ms: int, baselines: Sequence[Baseline], zone: tzinfo
) -> list[Priced]:
    """Every baseline's cost of a range (UTC epoch milliseconds). `zone` is whose months count."""
    metered = metered_usage(engine, start_ms, end_ms)
    imported = imported_usage(engine, start_ms, end_ms)
    return priced_apart(metered, imported, baselines, zone)


def priced_apart(
    metered: UsageRange, imported: UsageRange, baselines: Sequence[Baseline], zone: tzinfo
) -> list[Priced]:
    """The same of usage that was read before."""
    return [
        Priced(
            baseline=baseline,
            metered=priced(metered, baseline, zone),
            imported=priced(imported, baseline, zone)
            if imported.rows and isinstance(baseline, Api | Hosted)
            else None,
        )
        for baseline in baselines
    ]


def metered_usage(engine: Engine, start_ms: int, end_ms: int) -> UsageRange:
    """What the gateway counted."""
    return _range(start_ms, end_ms, "ledger", model_usage.metered(engine, start_ms, end_ms))


def imported_usage(engine: Engine, start_ms: int, end_ms: int) -> UsageRange:
    """What imported files tell."""
    return _range(start_ms, end_ms, "imported", model_usage.imported(engine, start_ms, end_ms))


def _range(
    start_ms: int, end_ms: int, origin: Literal["ledger", "imported"], uses: Sequence[ModelUse]
) -> UsageRange:
    return UsageRange(
        start=moment(start_ms),
        end=moment(end_ms),
        origin=origin,
        rows=tuple(
            ModelUsage(
                developer_id=use.developer_id,
                name=use.name or NO_LABEL,
                model=use.model,
                requests=use.requests,
                input_tokens=use.input_tokens,
                cached_input_tokens=use.cached_input_tokens,
                cache_write_tokens=use.cache_write_tokens,
                output_tokens=use.output_tokens,
            )
            for use in uses
        ),
    )
