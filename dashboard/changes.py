"""What changed since the range before: both ranges' costs, read from the ledger, by cause."""

from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from dashboard.before import before, step_ms
from dashboard.costs.changes import Changes, CurrencyError, Side, changes
from dashboard.costs.comparison import compare
from dashboard.costs.seats import held_by, priced_months
from dashboard.overview import View, first_moment
from dashboard.periods import period
from dashboard.range_words import day_words
from dashboard.sides import developers_of, require_one_currency, segments_of
from db.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Since:
    """`changes` None: there is nothing to compare with, and `words` say why; else they name the
    range before. `now` is the range itself in words."""

    changes: Changes | None
    words: str
    now: str = ""


def compute(engine: Engine, view: View, now_ms: int) -> Since:
    """The figures at `now_ms` (UTC epoch milliseconds)."""
    zone = ZoneInfo(view.timezone)
    first_ms = first_moment(engine, zone, now_ms)
    chosen = period(view.span, zone, now_ms, first_ms)
    if not chosen.ended:
        end = chosen.end_ms - chosen.end_ms % step_ms(chosen.end_ms - chosen.start_ms)
        chosen = replace(chosen, end_ms=max(end, chosen.start_ms + 1))
    compared = before(view.span, chosen, zone, first_ms)
    if compared is None:
        return Since(None, _nothing_before(view.span, first_ms, zone))
    try:
        found = changes(
            _side(engine, compared.start_ms, compared.end_ms, zone),
            _side(engine, chosen.start_ms, chosen.end_ms, zone),
        )
    except InvalidInput as error:
        return Since(None, error.message)
    except CurrencyError as error:
        return Since(None, str(error))
    return Since(found, compared.words, chosen.words)


def _side(engine: Engine, start_ms: int, end_ms: int, zone: ZoneInfo) -> Side:
    segments, developers = segments_of(engine, start_ms, end_ms), developers_of(engine, zone)
    require_one_currency(segments, zone)
    comparison = compare(segments, developers, zone)
    stretches = priced_months(segments, zone)
    return Side(
        comparison=comparison,
        active=sum(1 for row in comparison.developers if row.requests),
        seat_months=sum(
            (held_by(developer, stretches, zone).months for developer in developers), Fraction(0)
        ),
    )


def _nothing_before(span: str, first_ms: int | None, zone: ZoneInfo) -> str:
    if first_ms is None:
        return "Nothing was asked and no hardware was in service yet, so nothing can have changed."
    if span == "all":
        return "All that there is has nothing before it: choose another range."
    first = day_words(datetime.fromtimestamp(first_ms / 1000, zone).date())
    name = "month" if span in ("month", "last_month") else "range of this length"
    return f"There is no earlier {name} to compare with: the ledger begins on {first}."
