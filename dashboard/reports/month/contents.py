"""A month of the ledger as a report: the figures of the Overview and Energy pages, as they stood
at the month's last moment.

They are computed by the same functions as the pages' own, for the same range; nothing is added up
anew here.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from dashboard import energy as energy_figures
from dashboard import overview as overview_figures
from dashboard.costs.models import Moment, Point
from dashboard.costs.sentences import headline
from dashboard.energy import EnergyView
from dashboard.overview import Overview, View
from dashboard.overview_figures import figures
from dashboard.overview_words import verdict
from dashboard.reports.month.assumptions import dated_assumptions
from dashboard.reports.month.energy import energy_part
from dashboard.reports.month.evidence import evidence, gaps
from dashboard.reports.month.imports import imported_rows
from dashboard.reports.month.models import Figure, LedgerIdentity, MonthReport
from dashboard.reports.month.months import name_of, span_of
from dashboard.sides import moment
from db import queries
from db.errors import InvalidInput
from db.urls import shown


def month_report(
    engine: Engine, month: str, zone: ZoneInfo, now_ms: int, made_by: str
) -> MonthReport:
    """The report on `month` (`YYYY-MM`) as the calendar of `zone` has it, up to `now_ms`.

    InvalidInput: no such month, one that has not begun, or prices in two currencies within it.
    """
    span = span_of(month, zone)
    if span.start_ms > now_ms:
        raise InvalidInput("month", f"{name_of(month)} has not begun yet; choose an earlier month.")
    overview, energy = _as_of(engine, zone, min(now_ms, span.end_ms - 1))
    complete = now_ms >= span.end_ms
    return MonthReport(
        month=month,
        timezone=zone.key,
        complete=complete,
        ledger=_identity(engine),
        made_at=moment(now_ms),
        made_by=made_by,
        sentence=_sentence(overview, month, complete),
        verdict=verdict(overview),
        figures=tuple(
            Figure(label=one["label"], value=one["value"], note=one["note"])
            for one in figures(overview)
        ),
        comparison=overview.chosen,
        break_even=overview.break_even,
        curve=tuple(overview.curve),
        crossing=crossing(overview.curve),
        energy=energy_part(overview, energy),
        assumptions=dated_assumptions(engine, overview, energy),
        method=overview.chosen.assumptions,
        evidence=evidence(overview, energy),
        gaps=gaps(engine, overview, energy, complete=complete),
        imported=imported_rows(engine, month),
    )


def _as_of(engine: Engine, zone: ZoneInfo, at_ms: int) -> tuple[Overview, EnergyView]:
    """What both pages show of the month to date at this moment."""
    view = View("", "month", zone.key)
    try:
        overview = overview_figures.compute(engine, view, at_ms)
    except ValueError as error:
        raise InvalidInput("month", str(error)) from error
    return overview, energy_figures.compute(engine, view, at_ms)


def _sentence(overview: Overview, month: str, complete: bool) -> str:
    name = name_of(month)
    if overview.chosen.self_hosted_total == 0 and overview.totals.requests == 0:
        return f"Nothing was asked in {name} and no hardware was in service: nothing was spent."
    return headline(overview.chosen, f"In {name}" if complete else f"So far in {name}")


def _identity(engine: Engine) -> LedgerIdentity:
    activity = queries.first_activity(engine)
    return LedgerIdentity(
        address=shown(engine.url),
        sample=queries.is_sample(engine),
        first_request=None if activity is None else moment(activity.first_ms),
    )


def crossing(curve: Sequence[Point]) -> Moment | None:
    """When the seats have cost as much as self-hosting, having cost less before; between two points
    both curves are taken as straight. None: they do not meet."""
    for before, after in reversed(list(pairwise(curve))):
        behind = before.self_hosted - before.baseline
        ahead = after.baseline - after.self_hosted
        if behind > 0 and ahead >= 0:
            part = float(behind / (behind + ahead))
            seconds = part * (after.at.timestamp() - before.at.timestamp())
            return datetime.fromtimestamp(before.at.timestamp() + seconds, UTC)
    return None
