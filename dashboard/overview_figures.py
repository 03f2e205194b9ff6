"""The Overview's row of figures: each with what it is of, how it moved, and what it means."""

from decimal import Decimal
from typing import Any, Literal

import numpy as np

from dashboard import formats
from dashboard.costs.break_even.trend import Projection
from dashboard.costs.models import BreakEven
from dashboard.earlier import Earlier
from dashboard.overview import Overview
from dashboard.periods import MINUTE_MS
from dashboard.range_words import day_words
from db.queries import EnergyTotals

Mood = Literal["good", "bad", "plain"]
Number = Decimal | float | int
MOST_BARS = 32
LIKE_WITH_LIKE = 0.1  # of the time that may be metered more, or less, before a change says nothing
NO_BEFORE = {"words": "", "mood": "plain", "way": ""}
ABOUT_THE_SAME = 0.005
# Where the rows behind a figure stand, and what the way there is called.
ROWS = {
    page: {"page": page, "words": words}
    for page, words in (
        ("team", "By developer"),
        ("planner", "In the Planner"),
        ("requests", "The requests"),
        ("energy", "Where it went"),
    )
}


def figures(overview: Overview) -> list[dict[str, Any]]:
    """Each has label, value, note and why; the bars and the change; and the page of its rows."""
    return [
        _self_hosted(overview),
        _seats(overview),
        _break_even(overview),
        _tokens(overview),
        _energy(overview),
        _requests(overview),
    ]


def _self_hosted(overview: Overview) -> dict[str, Any]:
    chosen, currency, when = overview.chosen, overview.chosen.currency, overview.period.words
    return {
        "label": "Self-hosted cost",
        "value": formats.money(chosen.self_hosted_total, currency),
        "note": f"fully loaded, {when}; electricity of the requests alone (marginal): "
        f"{formats.small_money(chosen.marginal_total, currency)}",
        "why": "Fully loaded is all that the hardware cost, used or not: depreciation, electricity "
        "and operations. Marginal is the electricity of the requests alone. "
        + " ".join(chosen.assumptions),
        "bars": _bars(_by_time(overview, "self_hosted")),
        "change": _money_change(overview, "self_hosted", less="good"),
        "rows": ROWS["team"],
    }


def _seats(overview: Overview) -> dict[str, Any]:
    chosen = overview.chosen
    return {
        "label": "Seats would have cost",
        "value": formats.money(chosen.baseline_total, chosen.currency),
        "note": f"{_number(chosen.seats, 'seat')}, {overview.period.words}",
        "why": "What a commercial assistant would have cost in the same time: each developer's "
        "seat, pro rata from the developer's first day here and the hardware's.",
        "bars": _bars(_by_time(overview, "baseline")),
        "change": _money_change(overview, "baseline", less="plain"),
        "rows": ROWS["team"],
    }


def _break_even(overview: Overview) -> dict[str, Any]:
    even = overview.break_even
    return {
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
        "bars": [],
        "change": NO_BEFORE,
        "rows": ROWS["planner"],
    }


def _tokens(overview: Overview) -> dict[str, Any]:
    totals, before = overview.totals, overview.earlier
    per_million = formats.money(overview.chosen.cost_per_million_tokens, overview.chosen.currency)
    return {
        "label": "Tokens",
        "value": formats.count(totals.input_tokens + totals.output_tokens),
        "note": f"{formats.count(totals.input_tokens)} in, "
        f"{formats.count(totals.output_tokens)} out, {_exactness(totals.estimated_counts)}",
        "why": f"What requests read and wrote {overview.period.words}. A million tokens cost "
        f"{per_million}, fully loaded, over all teams and models: the fewer there are, the more "
        "each carries of the hardware.",
        "bars": _bars(overview.tokens.astype(float)),
        "change": _change(
            totals.input_tokens + totals.output_tokens,
            None if before is None else before.totals.input_tokens + before.totals.output_tokens,
            before,
        ),
        "rows": ROWS["requests"],
    }


def _energy(overview: Overview) -> dict[str, Any]:
    return {
        "label": "Energy",
        "value": formats.energy(overview.energy.total_j),
        "note": energy_note(overview.energy),
        "why": "What the meters read, idling included, without the site's overhead (PUE). Idle is "
        "what they read while no request was served. Estimated means: from the processor's load "
        "and rated power, not from a sensor.",
        "bars": _bars(_joules_by_time(overview)),
        "change": _energy_change(overview),
        "rows": ROWS["energy"],
    }


def _requests(overview: Overview) -> dict[str, Any]:
    totals, before = overview.totals, overview.earlier
    return {
        "label": "Requests",
        "value": formats.count(totals.requests),
        "note": _outcomes(overview),
        "why": f"Every request that reached the gateway {overview.period.words}, those that failed "
        "or were cancelled included: what was computed for them is charged too.",
        "bars": _bars(overview.requests.astype(float)),
        "change": _change(
            totals.requests, None if before is None else before.totals.requests, before
        ),
        "rows": ROWS["requests"],
    }


def change_words(now: Number, then: Number, words: str) -> str:
    """`12% less than the 30 days before`."""
    if now == then:
        return f"the same as {words}" if then else f"none in {words} either"
    if then == 0:
        return f"none in {words}"
    times = float(now) / float(then)
    way = _way(now, then)
    if not way:
        return f"about the same as {words}"
    if times >= 10:
        return f"{times:,.0f} times {words}"
    return f"{formats.share(abs(times - 1))} {way} than {words}"


def _way(now: Number, then: Number) -> Literal["more", "less", ""]:
    if abs(float(now) - float(then)) < ABOUT_THE_SAME * float(then) or now == then:
        return ""
    return "more" if now > then else "less"


def _change(
    now: Number, then: Number | None, before: Earlier | None, *, less: Mood = "plain"
) -> dict[str, str]:
    """How a figure moved, and whether that is good."""
    if before is None or then is None:
        return NO_BEFORE
    way = _way(now, then)
    mood: Mood = "plain"
    if less == "good" and way:
        mood = "good" if way == "less" else "bad"
    # Of what was nothing before, the words say no way.
    words = change_words(now, then, before.words)
    return {"words": words, "mood": mood, "way": way if then else ""}


def _money_change(overview: Overview, side: str, *, less: Mood) -> dict[str, str]:
    before = overview.earlier
    if before is None:
        return NO_BEFORE
    now = getattr(overview.chosen, f"{side}_total")
    then = getattr(before, side)
    if then is None or before.currency != overview.chosen.currency:
        return NO_BEFORE | {"words": f"{before.words}: in another currency"}
    return _change(now, then, before, less=less)


def _energy_change(overview: Overview) -> dict[str, str]:
    """Only where about as much of the time was metered."""
    before, now = overview.earlier, overview.energy
    if before is None or now.total_j is None:
        return NO_BEFORE
    if before.energy.total_j is None:
        return NO_BEFORE | {"words": f"{before.words}: unknown"}
    seconds = max((overview.period.end_ms - overview.period.start_ms) / 1000, 1)
    parts = (now.covered_s / seconds, before.energy.covered_s / max(before.seconds, 1))
    if abs(parts[0] - parts[1]) > LIKE_WITH_LIKE:
        return NO_BEFORE | {"words": f"{before.words}: metered for another part of the time"}
    return _change(now.total_j, before.energy.total_j, before)


def _by_time(overview: Overview, side: str) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """What a side cost in each bucket: the curve's steps between their ends."""
    start, size = overview.period.start_ms, overview.period.bucket_ms
    at = [point.at.timestamp() * 1000 for point in overview.curve]
    cost = [float(getattr(point, side)) for point in overview.curve]
    ends = np.append(overview.buckets_ms, start + size * len(overview.buckets_ms))
    return np.diff(np.interp(ends, at, cost))


def _joules_by_time(overview: Overview) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """NaN where nothing was read."""
    size = max(overview.period.bucket_ms, MINUTE_MS)
    start = overview.period.start_ms
    found = np.full(-(-(overview.period.end_ms - start) // size), np.nan)
    frame = overview.energy_timeline
    places = ((frame["bucket_ms"] - start) // size).to_numpy(np.int64)
    inside = (places >= 0) & (places < len(found))
    found[places[inside]] = frame["total_j"].to_numpy(float)[inside]
    return found


def _bars(amounts: "np.ndarray[Any, np.dtype[np.float64]]") -> list[float | None]:
    """Parts of the highest, as few as there is room for; None: unknown. Several buckets make one
    bar by their mean, so that the last one, of fewer, is no lower for that."""
    if not len(amounts):
        return []
    together = -(-len(amounts) // MOST_BARS)
    bars = []
    for begin in range(0, len(amounts), together):
        known = amounts[begin : begin + together]
        known = known[~np.isnan(known)]
        bars.append(float(known.mean()) if len(known) else None)
    most = max((bar for bar in bars if bar is not None), default=0.0)
    return [None if bar is None else round(bar / most, 3) if most else 0.0 for bar in bars]


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


def _months(even: BreakEven) -> str:
    if even.developers == 0:
        return formats.UNKNOWN
    return "never" if even.months is None else f"{even.months:,.1f} months"


def _by_ledger(found: Projection | None) -> str:
    """`expected 10 April 2026 (90%: 1 April 2026 to never)`."""
    if found is None or found.kind == "unknown":
        return "too early to tell"
    if found.kind == "never":
        return "never at this rate"
    if found.kind == "already":
        return f"already, on {day_words(found.day)}"
    interval = f"90%: {day_words(found.earliest)} to {day_words(found.latest)}"
    return f"{day_words(found.day)} ({interval})"


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
