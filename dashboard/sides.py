"""From the ledger to the cost model's terms: prices, usage and energy of a range as segments."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import Engine

from dashboard.costs.models import (
    NO_TEAM,
    Developer,
    Energy,
    Prices,
    Segment,
    TeamFrom,
    Usage,
)
from dashboard.periods import DAY_MS, MINUTE_MS
from db import queries
from db.errors import InvalidInput
from db.memberships import team_places
from db.people import list_developers
from db.prices import CostSettings, PriceSegment, prices_between

MOST_PIECES = 48  # metered electricity is followed this closely within a range


def prices_of(settings: CostSettings) -> Prices:
    """Dated prices in the cost model's terms."""
    return Prices.model_validate(settings)


def developers_of(engine: Engine, zone: ZoneInfo) -> list[Developer]:
    """Everybody who holds a seat, or did until they were archived. A seat's first day counts
    whole, as the hardware's does."""
    places = team_places(engine)
    return [
        Developer(
            id=person.id,
            name=person.name,
            seat_from=datetime.combine(moment(person.created_at).date(), time(), zone),
            seat_until=None if person.archived_at is None else moment(person.archived_at),
            teams=tuple(
                TeamFrom(
                    team_id=place.team_id or NO_TEAM,
                    team=place.team,
                    since=moment(place.valid_from),
                )
                for place in places.get(person.id, ())
            ),
        )
        for person in list_developers(engine, archived=True)
    ]


def segments_of(engine: Engine, start_ms: int, end_ms: int) -> list[Segment]:
    """The range as the cost model reads it: a segment for each set of prices, cut smaller where
    electricity is metered, so that the curve follows the meter."""
    segments: list[Segment] = []
    for priced in prices_between(engine, start_ms, end_ms):
        if priced.settings.electricity_basis == "metered":
            length = priced.end_ms - priced.start_ms
            size = max(-(-length // MOST_PIECES // MINUTE_MS) * MINUTE_MS, MINUTE_MS)
            segments += _metered(engine, priced, size)
        else:
            energy = _energy(queries.energy_between(engine, priced.start_ms, priced.end_ms))
            segments.append(_segment(engine, priced, priced.start_ms, priced.end_ms, energy))
    return segments


def running_of(engine: Engine, start_ms: int, end_ms: int) -> list[Segment]:
    """The range without who used what: enough for what running the hardware costs. Metered
    electricity is followed day by day, in pieces of 24 hours from `start_ms` on."""
    segments: list[Segment] = []
    for priced in prices_between(engine, start_ms, end_ms):
        if priced.settings.electricity_basis == "metered":
            segments += _metered(engine, priced, DAY_MS, with_usage=False)
        else:
            start, end = priced.start_ms, priced.end_ms
            segments.append(_segment(engine, priced, start, end, None, with_usage=False))
    return segments


def require_one_currency(segments: Sequence[Segment], zone: ZoneInfo) -> None:
    """InvalidInput: their prices are in more than one. It says which whole days have one."""
    changes = [
        (before, after)
        for before, after in pairwise(segments)
        if before.prices.currency != after.prices.currency
    ]
    if not changes:
        return
    (first, _), (_, last) = changes[0], changes[-1]
    before = first.end.astimezone(zone).date() - timedelta(days=1)
    begins = last.start.astimezone(zone)
    after = begins.date() + timedelta(days=0 if begins.time() == time() else 1)
    raise InvalidInput(
        "range",
        f"Prices in {first.prices.currency} and in {last.prices.currency} cannot be added up, and "
        f"nothing is converted. Choose own dates up to {before:%-d %B %Y}, or from "
        f"{after:%-d %B %Y} on.",
    )


def moment(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)


def _metered(
    engine: Engine, priced: PriceSegment, size: int, *, with_usage: bool = True
) -> list[Segment]:
    start, end = priced.start_ms, priced.end_ms
    read = {
        row["bucket_ms"]: row
        for row in queries.energy_timeline(engine, start, end, size).to_dict("records")
    }
    estimated = "estimated" in queries.energy_between(engine, start, end).by_basis
    pieces = []
    for begins in range(start, end, size):
        energy = _energy_row(read[begins], estimated) if begins in read else None
        # Usage is added up over the range, so it may stand in the first piece of its prices.
        first = begins == start
        ends = min(begins + size, end)
        pieces.append(
            _segment(engine, priced, begins, ends, energy, with_usage=with_usage and first)
        )
    return pieces


def _segment(
    engine: Engine,
    priced: PriceSegment,
    start_ms: int,
    end_ms: int,
    energy: Energy | None,
    *,
    with_usage: bool = True,
) -> Segment:
    usage = (
        queries.by_developer_and_team(engine, priced.start_ms, priced.end_ms)
        if with_usage
        else None
    )
    return Segment(
        start=moment(start_ms),
        end=moment(end_ms),
        prices=prices_of(priced.settings),
        energy=energy,
        usage=() if usage is None else tuple(usage_of(row) for row in usage.to_dict("records")),
    )


def usage_of(row: dict[Any, Any]) -> Usage:
    """A lower bound is no complete figure; where nothing was read yet, nothing was used yet."""
    incomplete = row["energy_unknown"] + row["energy_partial"]
    unread = pd.isna(row["energy_j"])
    return Usage(
        developer_id=row["developer_id"],
        name=row["developer"],
        requests=row["requests"],
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        energy_j=(None if incomplete else 0.0) if unread else row["energy_j"],
        energy_unknown=incomplete,
        team_id=row["team_id"],
        team=row["team"] if row["team_id"] else None,
    )


def _energy(read: queries.EnergyTotals) -> Energy:
    return Energy(
        total_j=read.complete_j,
        attributed_j=read.attributed_j,
        covered_s=read.covered_s,
        estimated="estimated" in read.by_basis,
    )


def _energy_row(row: dict[Any, Any], estimated: bool) -> Energy:
    known = not pd.isna(row["complete_j"])
    return Energy(
        total_j=row["complete_j"] if known else None,
        attributed_j=row["attributed_j"] if known else None,
        covered_s=row["covered_s"],
        estimated=estimated,
    )
