"""What has to hold after a soak: one line of a table each."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from statistics import median

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from db.limits import NO_LIMITS
from tests.soak.exchange import Exchange
from tests.soak.soak import Row, Soaked

MOST_GROWTH = 0.02  # of a process's memory, while the soak lasts after warming up
MOST_FILES_MORE = 10  # connections that the ledger's readers may still open and keep
NOTICED_WITHIN_S = 0.25
TOLERANCE_J = 1e-6


@dataclass(frozen=True, slots=True)
class Line:
    """`holds` None: told only, as nothing is promised of it."""

    name: str
    value: str
    holds: bool | None = None


class Evidence:
    """Exchanges and rows, brought together by the mark that each request carried."""

    def __init__(self, soaked: Soaked) -> None:
        self.soaked = soaked
        self.rows_of: dict[str, list[Row]] = {}
        for row in soaked.rows:
            self.rows_of.setdefault(row["client"], []).append(row)
        self.by_mark = {told.mark: told for told in soaked.exchanges}
        self.complete = [e for e in soaked.exchanges if e.usage is not None]
        self.left = [e for e in soaked.exchanges if e.left_at is not None and e.usage is None]
        self.refused = [e for e in soaked.exchanges if e.is_refused]
        counted = {id(e) for e in (*self.complete, *self.left, *self.refused)}
        self.broken = [e for e in soaked.exchanges if id(e) not in counted]

    def row(self, told: Exchange) -> Row | None:
        rows = self.rows_of.get(told.mark, [])
        return rows[0] if len(rows) == 1 else None

    @cached_property
    def pairs(self) -> list[tuple[Exchange, Row]]:
        return [(e, row) for e in self.soaked.exchanges if (row := self.row(e))]

    @cached_property
    def metrics(self) -> Callable[..., float]:
        samples = [
            sample
            for family in text_string_to_metric_families(self.soaked.metrics)
            for sample in family.samples
        ]

        def value(name: str, **labels: str) -> float:
            return sum(
                s.value for s in samples if s.name == name and labels.items() <= s.labels.items()
            )

        return value


def lines(soaked: Soaked) -> list[Line]:
    evidence = Evidence(soaked)
    return [
        *_requests(evidence),
        *_tokens(evidence),
        *_limits(evidence),
        *_cancellation(evidence),
        *_waiting(evidence),
        *_energy(evidence),
        *_process(soaked),
    ]


def _requests(evidence: Evidence) -> Iterator[Line]:
    soaked = evidence.soaked
    yield Line("requests sent", f"{len(soaked.exchanges)}")
    yield Line(
        "  complete, left, refused",
        f"{len(evidence.complete)}, {len(evidence.left)}, {len(evidence.refused)}",
    )
    yield _none("answered otherwise", [f"{e.status} {e.error}" for e in evidence.broken])
    yield _none(
        "refused but for a limit", [e.error for e in evidence.refused if e.status not in (402, 429)]
    )
    yield Line("rows on the ledger", f"{len(soaked.rows)}")
    answered = [e for e in soaked.exchanges if e.status == 200]
    yield _none(
        "answers without exactly their row",
        [e.mark for e in answered if (row := evidence.row(e)) is None or row["id"] != e.request_id],
    )
    yield _none(
        "rows of requests refused or not sent",
        [
            mark
            for mark in evidence.rows_of
            if (told := evidence.by_mark.get(mark)) is None or told.is_refused
        ],
    )
    yield _none("rows doubled", [mark for mark, rows in evidence.rows_of.items() if len(rows) > 1])
    ends = Counter(row["status"] for row in soaked.rows)
    counts = ", ".join(f"{count} {status}" for status, count in sorted(ends.items()))
    yield Line("rows ended as", counts, set(ends) <= {"ok", "cancelled"})
    yield _none(
        "complete answers whose row is not ok",
        [e.mark for e, row in evidence.pairs if e.usage and row["status"] != "ok"],
    )
    requests = {
        (path, status): sum(r["endpoint"] == path and r["status"] == status for r in soaked.rows)
        for path in {row["endpoint"] for row in soaked.rows}
        for status in ends
    }
    yield _none(
        "breakeven_requests_total other than rows",
        [
            (path, status)
            for (path, status), count in requests.items()
            if evidence.metrics("breakeven_requests_total", endpoint=path, status=status) != count
        ],
    )
    counted = evidence.metrics("breakeven_refused_requests_total")
    # Who left may have been refused without being told.
    unsure = sum(evidence.row(e) is None for e in evidence.left)
    yield Line(
        "breakeven_refused_requests_total",
        f"{counted:.0f}, told to clients {len(evidence.refused)}",
        len(evidence.refused) <= counted <= len(evidence.refused) + unsure,
    )


def _tokens(evidence: Evidence) -> Iterator[Line]:
    told = [(e, row) for e, row in evidence.pairs if e.usage is not None]
    yield _none(
        "usage told other than the row",
        [
            e.mark
            for e, row in told
            if e.usage
            and (e.usage.input, e.usage.cached, e.usage.output)
            != (row["input_tokens"], row["cached_input_tokens"], row["output_tokens"])
        ],
    )
    for kind, column in (
        ("input", "input_tokens"),
        ("cached_input", "cached_input_tokens"),
        ("output", "output_tokens"),
    ):
        field = kind.removesuffix("_input")
        clients = sum(getattr(e.usage, field) for e in evidence.complete)
        ok = sum(row[column] for _, row in told)
        others = sum(row[column] for row in evidence.soaked.rows) - ok
        counted = evidence.metrics("breakeven_tokens_total", type=kind)
        yield Line(
            f"{kind} tokens: told = rows; + left = metrics",
            f"{clients} = {ok}; + {others} = {counted:.0f}",
            clients == ok and ok + others == counted,
        )
    yield _none(
        "left with more tokens than on the row",
        [e.mark for e, row in evidence.pairs if e.seen > row["output_tokens"]],
    )


def _limits(evidence: Evidence) -> Iterator[Line]:
    soaked = evidence.soaked
    unmet = []
    for seat in soaked.seats:
        name, limits = seat.member.name, seat.member.limits
        refused = sum(e.developer == name for e in evidence.refused)
        rows = [row for row in soaked.rows if row["developer_id"] == seat.developer_id]
        if limits != NO_LIMITS and not refused:
            unmet.append(name)
        if (budget := limits.tokens_per_month) is not None:
            used, held = sum(map(_tokens_of, rows)), soaked.most_held.get(name, 0)
            yield Line(
                f"{name}: used, most held, budget",
                f"{used}, {held}, {budget}; refused {refused} times",
                used <= budget and held <= budget,
            )
        for most, weight in (
            (limits.requests_per_minute, lambda _: 1),
            (limits.tokens_per_minute, _tokens_of),
        ):
            if most is not None:
                seen = _most_in_a_minute(rows, weight)
                told = f"{seen} of {most}; refused {refused} times"
                yield Line(f"{name}: most in a minute", told, seen <= most)
        if (most := limits.concurrent_requests) is not None:
            seen = soaked.most_at_once.get(name, 0)
            told = f"{seen} of {most}; refused {refused} times"
            yield Line(f"{name}: most at once", told, seen <= most)
    # A few seconds may be too short to meet them all.
    is_promised = bool(soaked.memory)
    yield Line("limits never met", ", ".join(unmet) or "none", not unmet if is_promised else None)
    yield Line("looked at the ledger", f"{soaked.samples} times", soaked.samples > 0)


def _tokens_of(row: Row) -> int:
    tokens: int = row["input_tokens"] + row["output_tokens"]
    return tokens


def _most_in_a_minute(rows: list[Row], weight: Callable[[Row], int]) -> int:
    """Of any minute that ends with a request, less a second in which it was prepared."""
    return max(
        (
            sum(weight(r) for r in rows if 0 <= row["started_at"] - r["started_at"] <= 59_000)
            for row in rows
        ),
        default=0,
    )


def _cancellation(evidence: Evidence) -> Iterator[Line]:
    """From the client's leaving to the end of the work, by the same clock: what the engine is
    computing then, it ends; the pauses of streams tell how long that takes."""
    steps = [pause for e in evidence.soaked.exchanges if e.question.paced for pause in e.pauses_s]
    p50, p99 = np.quantile(steps, [0.5, 0.99]) * 1000
    longest = float(max(steps))
    yield Line("between two tokens", f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, at most {longest:.2f} s")
    freed: dict[str, list[float]] = {"a stream": [], "before a stream": [], "a whole answer": []}
    for told, row in evidence.pairs:
        if told.left_at is None or row["status"] != "cancelled":
            continue
        kind = "a stream" if told.question.streamed else "a whole answer"
        if told.question.streamed and told.status is None:
            kind = "before a stream"
        freed[kind].append((row["finished_at"] - told.left_at) / 1000)
    for kind, seconds in freed.items():
        if seconds:
            p50, late = median(seconds) * 1000, max(seconds)
            value = f"p50 {p50:.0f} ms, at most {late:.2f} s ({len(seconds)})"
            yield Line(f"over after leaving {kind}", value, late <= longest + NOTICED_WITHIN_S)
    unadmitted = sum(evidence.row(e) is None for e in evidence.left)
    yield Line("left before they were admitted", f"{unadmitted}")


def _waiting(evidence: Evidence) -> Iterator[Line]:
    for seat in evidence.soaked.seats:
        name = seat.member.name
        waited = [
            e.first_token_s
            for e in evidence.soaked.exchanges
            if e.developer == name and e.first_token_s is not None
        ]
        if waited:
            p50, p99 = np.quantile(waited, [0.5, 0.99])
            yield Line(f"{name}: first token", f"p50 {p50:.2f} s, p99 {p99:.2f} s ({len(waited)})")


def _energy(evidence: Evidence) -> Iterator[Line]:
    shares = sum(row["energy_j"] or 0.0 for row in evidence.soaked.rows)
    unserved, total = evidence.soaked.interval_j
    yield Line(
        "joules: shares + idle, overhead and others = total",
        f"{shares:.1f} + {unserved:.1f} = {total:.1f}",
        abs(shares + unserved - total) <= TOLERANCE_J * (1 + total),
    )
    counted = evidence.metrics("breakeven_energy_joules_total")
    yield Line(
        "breakeven_energy_joules_total",
        f"{counted:.1f}",
        abs(counted - shares) <= TOLERANCE_J * (1 + total),
    )


def _process(soaked: Soaked) -> Iterator[Line]:
    for memory in soaked.memory:
        yield Line(
            f"{memory.name}'s memory grows in the last 80%",
            f"{memory.growth:+.1f} MiB, {memory.growth / memory.first:.1%}",
            memory.growth <= MOST_GROWTH * memory.first,
        )
        minutes = ", ".join(f"{mib:.0f}" for mib in memory.by_minute)
        yield Line("  at each minute", f"{minutes} MiB")
    for name, (before, after) in soaked.files.items():
        holds = after <= before + MOST_FILES_MORE
        yield Line(f"{name}'s open files", f"{before} → {after}", holds)
    left = [soaked.health["running"], soaked.health["waiting"]]
    yield Line("running and waiting at the end", f"{left[0]} and {left[1]}", not any(left))
    yield Line("db check", soaked.check.splitlines()[-1], "all rules hold" in soaked.check)
    troubles = [line for line in soaked.log.splitlines() if "ERROR" in line or "Traceback" in line]
    yield _none("errors logged", troubles)


def _none(name: str, found: Iterable[object]) -> Line:
    """Holds where nothing was found; else names the first."""
    found = list(found)
    return Line(name, "none" if not found else f"{len(found)}, such as {found[0]}", not found)
