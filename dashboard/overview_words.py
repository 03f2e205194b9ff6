"""The overview in words, and in the form that the live stream sends.

Every figure names what it is: fully loaded or marginal, measured or estimated.
"""

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from dashboard import formats
from dashboard.costs.break_even.trend import Projection
from dashboard.costs.models import BreakEven
from dashboard.costs.sentences import break_even_sentence, headline, smallest_team_sentence
from dashboard.overview import Overview, View, compute
from db.ids import now_ms
from db.queries import EnergyTotals

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


def figures(overview: Overview) -> list[dict[str, str]]:
    """The row of figures: label, value, what it is of, and what it means."""
    totals, chosen, even = overview.totals, overview.chosen, overview.break_even
    currency, when = chosen.currency, overview.period.words
    tokens = totals.input_tokens + totals.output_tokens
    per_million = formats.money(chosen.cost_per_million_tokens, currency)
    return [
        {
            "label": "Self-hosted cost",
            "value": formats.money(chosen.self_hosted_total, currency),
            "note": f"fully loaded, {when}; electricity of the requests alone (marginal): "
            f"{formats.small_money(chosen.marginal_total, currency)}",
            "why": " ".join(chosen.assumptions),
        },
        {
            "label": "Seats would have cost",
            "value": formats.money(chosen.baseline_total, currency),
            "note": f"{_number(chosen.seats, 'seat')}, {when}",
            "why": "What a commercial assistant would have cost in the same time: each developer's "
            "seat, pro rata from the developer's first day here and the hardware's.",
        },
        {
            "label": "Break-even",
            "value": _months(even),
            "note": f"by formula, with {_number(even.developers, 'developer')} at rated power; by "
            f"the ledger: {_by_ledger(overview.trend.projection)}"
            if even.developers
            else "once there is a developer",
            "why": "By formula: the hardware's price over what a month saves: the seats, less "
            "electricity at rated power in all hours, less operations. By the ledger: the same "
            "from what each whole day since the hardware's first really saved, carried on at the "
            "mean of the last 30; the interval is of resamples of those in blocks of a week. "
            "Without tax, financing or resale.",
        },
        {
            "label": "Tokens",
            "value": formats.count(tokens),
            "note": f"{formats.count(totals.input_tokens)} in, "
            f"{formats.count(totals.output_tokens)} out, {_exactness(totals.estimated_counts)}",
            "why": f"What requests read and wrote {when}. A million tokens cost {per_million}, "
            "fully loaded: the fewer there are, the more each carries of the hardware.",
        },
        {
            "label": "Energy",
            "value": formats.energy(overview.energy.total_j),
            "note": energy_note(overview.energy),
            "why": "What the meters read, idling included, without the site's overhead (PUE). "
            "Estimated means: from the processor's load and rated power, not from a sensor.",
        },
        {
            "label": "Requests",
            "value": formats.count(totals.requests),
            "note": _outcomes(overview),
            "why": f"Every request that reached the gateway {when}, those that failed or were "
            "cancelled included: what was computed for them is charged too.",
        },
    ]


def energy_note(energy: EnergyTotals) -> str:
    """`estimated, ± 40%; 62% of it idle`."""
    if energy.total_j is None:
        return "no meter has read anything"
    idle = (energy.idle_j or 0.0) / energy.total_j if energy.total_j else 0.0
    words = energy_basis(energy)
    if energy.total_j and energy.uncertainty_j is not None:
        words += f", {formats.plus_minus(energy.uncertainty_j / energy.total_j)}"
    return f"{words}; {formats.share(idle)} of it idle"


def energy_basis(energy: EnergyTotals) -> str:
    """`measured`, `estimated`, partly known, or that it is some of each."""
    words = {"partial": "partly known"}
    bases = [words.get(basis, basis) for basis in sorted(energy.by_basis, reverse=True)]
    return " and ".join(bases) or formats.UNKNOWN


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
        f"{formats.money(chosen.baseline_total, currency)}. Below, "
        f"{formats.count(int(overview.tokens.sum()))} tokens {overview.period.bucket_words()}.",
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
    last = (overview.period.end_ms - 1) / 1000
    return f"Ended {_day(datetime.fromtimestamp(last, ZoneInfo(overview.view.timezone)).date())}"


def _months(even: BreakEven) -> str:
    if even.developers == 0:
        return formats.UNKNOWN
    return "never" if even.months is None else f"{even.months:,.1f} months"


def _going_on(sentence: str) -> str:
    """A sentence as the second part of another."""
    return sentence[:1].lower() + sentence[1:]


def _by_ledger(found: Projection | None) -> str:
    """`expected 10 April 2026 (90%: 1 April 2026 to never)`."""
    if found is None or found.kind == "unknown":
        return "too early to tell"
    if found.kind == "never":
        return "never at this rate"
    if found.kind == "already":
        return f"already, on {_day(found.day)}"
    return f"{_day(found.day)} (90%: {_day(found.earliest)} to {_day(found.latest)})"


def _day(day: date | None) -> str:
    return "never" if day is None else f"{day:%-d %B %Y}"


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


def _outcomes(overview: Overview) -> str:
    totals = overview.totals
    parts = [
        f"{number:,} {name}"
        for number, name in (
            (totals.running, "running"),
            (totals.errors, "failed"),
            (totals.cancelled, "cancelled"),
            (totals.interrupted, "interrupted"),
        )
        if number
    ]
    answered = "all answered" if totals.requests else "none"
    return f"{', '.join(parts) or answered}, {overview.period.words}"


def _exactness(estimated_counts: int) -> str:
    return f"{estimated_counts:,} counts estimated" if estimated_counts else "counted exactly"


def _number(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"


def _local(epoch_ms: float, zone: ZoneInfo) -> str:
    """A moment without its zone: plotly draws it as it is written."""
    moment = datetime.fromtimestamp(epoch_ms / 1000, zone).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds")
