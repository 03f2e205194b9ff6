"""The overview in words, and in the form that the live stream sends.

Every figure names what it is: fully loaded or marginal, measured or estimated.
"""

from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from dashboard import formats
from dashboard.costs.sentences import break_even_sentence, headline, smallest_team_sentence
from dashboard.overview import Overview, View, compute
from dashboard.overview_figures import figures
from dashboard.range_words import day_words
from db.ids import now_ms

NOTHING_YET = "Nothing has been asked yet, so nothing has been spent."
TWO_CURRENCIES = "This month has prices in two currencies, so its cost cannot be added up."


def live_payload(engine: Engine, view: View) -> dict[str, Any]:
    """The view as it is now, in JSON's types."""
    return payload(compute(engine, view, now_ms()))


def payload(overview: Overview) -> dict[str, Any]:
    return {
        "at": overview.at_ms,
        "requests": overview.totals.requests,
        "headline": sentence(overview),
        "verdict": verdict(overview),
        "figures": figures(overview),
        "chart": chart(overview),
        "ended": _ended(overview),
    }


def sentence(overview: Overview) -> str:
    """Both sides this month, in one sentence."""
    if overview.month is None:
        return TWO_CURRENCIES
    if overview.month.self_hosted_total == 0 and overview.totals.requests == 0:
        return NOTHING_YET
    month = datetime.fromtimestamp(overview.at_ms / 1000, ZoneInfo(overview.view.timezone))
    return headline(overview.month, f"So far in {month:%B}")


def verdict(overview: Overview) -> str:
    """When the hardware has paid for itself, by formula and by the ledger's own trend, and how many
    developers that takes."""
    team = smallest_team_sentence(overview.smallest_team)
    even = overview.break_even
    formula = f"By formula, {_going_on(break_even_sentence(even))} {team}"
    ledger = f"By the ledger, {_going_on(overview.trend.sentence)}"
    return f"{formula if even.developers else team} {ledger}"


def chart(overview: Overview) -> dict[str, Any]:
    """Both curves and the tokens, at times as the reader's clock shows them."""
    chosen, currency = overview.chosen, overview.chosen.currency
    zone = ZoneInfo(overview.view.timezone)
    symbol = formats.SYMBOLS.get(currency, f"{currency} ")
    return {
        "key": f"{overview.view.ledger}-{overview.view.span}",
        "currency_prefix": symbol,
        "money_unit": currency,
        "bucket_ms": overview.period.bucket_ms,
        "x": [_local(point.at.timestamp() * 1000, zone) for point in overview.curve],
        "self_hosted": [float(point.self_hosted) for point in overview.curve],
        "baseline": [float(point.baseline) for point in overview.curve],
        "tokens_x": [_local(at, zone) for at in overview.buckets_ms],
        "tokens": overview.tokens.tolist(),
        "x_range": [
            _local(overview.period.start_ms, zone),
            _local(_picture_end(overview), zone),
        ],
        "names": {
            "self_hosted": "Self-hosted, fully loaded",
            "baseline": "Seats",
            "tokens": "Tokens",
            "cost_axis": f"{_cost(overview)}, {currency}",
            "tokens_axis": f"Tokens {overview.period.bucket_words()}",
        },
        "paid": _paid(overview, zone),
        "alt": f"{_cost(overview)}: self-hosted, fully loaded, "
        f"{formats.money(chosen.self_hosted_total, currency)}; seats "
        f"{formats.money(chosen.baseline_total, currency)}. Below, tokens "
        f"{overview.period.bucket_words()}, {formats.count(int(overview.tokens.sum()))} in all.",
    }


def _cost(overview: Overview) -> str:
    """What the curves show: of a range that is over, no `so far`."""
    name = "Cumulative cost" if overview.period.ended else "Cost so far"
    return f"{name} {overview.period.words}"


def _picture_end(overview: Overview) -> int:
    """The range's end; while it goes on, that of its last bucket, which is not over either."""
    if overview.period.ended:
        return overview.period.end_ms
    return int(overview.buckets_ms[-1]) + overview.period.bucket_ms


def _ended(overview: Overview) -> str | None:
    """What stands where others read that the picture is live; None: it is."""
    if not overview.period.ended:
        return None
    zone = ZoneInfo(overview.view.timezone)
    last = datetime.fromtimestamp((overview.period.end_ms - 1) / 1000, zone)
    return f"Ended {day_words(last.date())}"


def _going_on(sentence: str) -> str:
    """A sentence as the second part of another."""
    return sentence[:1].lower() + sentence[1:]


def _paid(overview: Overview, zone: ZoneInfo) -> dict[str, str] | None:
    """Where the chart marks the day on which the hardware has paid for itself; None: it is not
    within the picture."""
    found = overview.trend.projection
    if found is None or found.day is None:
        return None
    at = datetime.combine(found.day, time(), zone)
    if not overview.period.start_ms <= at.timestamp() * 1000 < overview.period.end_ms:
        return None
    return {"x": _local(at.timestamp() * 1000, zone), "words": "Hardware paid for, by the ledger"}


def _local(epoch_ms: float, zone: ZoneInfo) -> str:
    """A moment without its zone: plotly draws it as it is written."""
    moment = datetime.fromtimestamp(epoch_ms / 1000, zone).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds")
