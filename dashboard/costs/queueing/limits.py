"""The largest team that a server answers in time, and the hardware that a larger one needs.

The question is put of the busiest hour of the week: with its rate, as if it lasted, what is the
95th percentile of the time to the first token? Every size of team is tried with the same requests
in the same order, so that two sizes differ by their load alone.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from dashboard.costs.queueing.arrivals import Workload, steady_requests
from dashboard.costs.queueing.intervals import Interval, interval
from dashboard.costs.queueing.simulation import (
    REPLICATIONS,
    Outcome,
    Run,
    Window,
    replicate,
    run_once,
    summary,
)
from dashboard.costs.queueing.speed import Speed, longest_service_s, most_requests_per_s

PERCENTILE = 0.95
# A replication's warm-up, and what counts of it. In requests; in mean services on a full replica,
# for many sequences at once take long to come to their steady number; and in times that a queue
# takes to forget how it began: in heavy traffic about 2 ÷ (1 − load)² requests. A load nearer to 1
# than `LEAST_SPARE` is followed for no longer than that.
WARM_UP, COUNTED = 1_000, 4_000
WARM_UP_SERVICES, COUNTED_SERVICES = 4, 8
WARM_UP_RELAXATIONS, COUNTED_RELAXATIONS = 2, 10
LEAST_SPARE = 0.02
# Bisection stops within this share: chance alone is wider.
WITHIN = 0.01


Watch = Callable[[int], None]
"""Hears the size of the team before each run of the simulation."""


def unwatched(_developers: int) -> None:
    """Nobody looks on."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class TeamLimit(_Model):
    """The most developers whose p95 time to the first token keeps within `limit_s`.

    Each replication has its own limit; `spread` is their mean and its 95% interval, `developers`
    the mean in whole developers. `saturated_at`: with so many the server cannot keep up at all
    (None: no request comes however many they are, and then there is no limit either). `reason` says
    why the limit is 0 or not known.
    """

    limit_s: float
    developers: int | None
    spread: Interval | None
    saturated_at: int | None
    reason: str | None = None


class CurvePoint(_Model):
    """`load` is the requests as a share of the most that can be served, batches being full.
    `p95_ttft_s` None: `unstable`, the queue grows for as long as the load lasts."""

    developers: int
    requests_per_s: float
    load: float
    p95_ttft_s: Interval | None
    utilisation: Interval | None
    unstable: bool


class HardwareStep(_Model):
    """One hardware under the load of a team. `holds`: even the upper end of the p95's interval
    keeps within the limit."""

    name: str
    point: CurvePoint
    holds: bool


def team_limit(
    speed: Speed,
    workload: Workload,
    limit_s: float,
    *,
    seed: int = 0,
    replications: int = REPLICATIONS,
    watch: Watch = unwatched,
) -> TeamLimit:
    """How large the team may grow before the p95 time to the first token breaks `limit_s`."""
    if limit_s <= 0:
        raise ValueError(f"A limit is some time, not {limit_s} s.")
    saturated_at = saturating_team(speed, workload)
    if saturated_at is None:
        reason = "nobody asks anything, so no team is too large"
        return TeamLimit(
            limit_s=limit_s, developers=None, spread=None, saturated_at=None, reason=reason
        )
    limits = [
        _largest(_keeps(speed, workload, limit_s, own_seed, watch), saturated_at)
        for own_seed in np.random.SeedSequence(seed).spawn(replications)
    ]
    spread = interval(limits)
    developers = math.floor(spread.mean)
    return TeamLimit(
        limit_s=limit_s,
        developers=developers,
        spread=spread,
        saturated_at=saturated_at,
        reason=None if developers else _why_none(saturated_at),
    )


def saturating_team(speed: Speed, workload: Workload) -> int | None:
    """With so many the server cannot keep up at all; None: nobody asks anything."""
    per_developer = workload.busiest_per_s(1)
    if per_developer == 0:
        return None
    return math.ceil(most_requests_per_s(speed, workload.tokens.mean()) / per_developer)


def most_runs(saturated_at: int, replications: int = REPLICATIONS) -> int:
    """How often `team_limit` simulates, at most: a team of one, then halves."""
    return replications * (1 + math.ceil(math.log2(max(saturated_at, 1))))


def curve(
    speed: Speed,
    workload: Workload,
    developers: Sequence[int],
    *,
    seed: int = 0,
    replications: int = REPLICATIONS,
    watch: Watch = unwatched,
) -> list[CurvePoint]:
    """Rows to draw: how the p95 time to the first token grows with the team."""
    return [_point(speed, workload, number, seed, replications, watch) for number in developers]


def next_step(
    steps: Sequence[tuple[str, Speed]],
    workload: Workload,
    developers: int,
    limit_s: float,
    *,
    seed: int = 0,
    replications: int = REPLICATIONS,
    watch: Watch = unwatched,
) -> list[HardwareStep]:
    """The steps, given from the smallest to the largest, up to the first that holds this team.

    Where the last one does not hold either, none of them does.
    """
    tried: list[HardwareStep] = []
    for name, speed in steps:
        point = _point(speed, workload, developers, seed, replications, watch)
        p95 = point.p95_ttft_s
        holds = p95 is not None and (p95.mean if p95.high is None else p95.high) <= limit_s
        tried.append(HardwareStep(name=name, point=point, holds=holds))
        if holds:
            break
    return tried


def steady(
    speed: Speed,
    workload: Workload,
    developers: int,
    *,
    seed: int,
    replications: int,
    watch: Watch = unwatched,
) -> Outcome:
    """The busiest hour's rate, as if it lasted."""

    def one(own_seed: np.random.SeedSequence) -> Run:
        watch(developers)
        return _steady_run(speed, workload, developers, own_seed)

    return summary(replicate(one, seed, replications))


def _point(
    speed: Speed, workload: Workload, developers: int, seed: int, replications: int, watch: Watch
) -> CurvePoint:
    per_s = workload.busiest_per_s(developers)
    if per_s == 0:
        raise ValueError("Without developers or requests there is no time to a first token.")
    load = per_s / most_requests_per_s(speed, workload.tokens.mean())
    unstable = load >= 1
    outcome = None
    if not unstable:
        outcome = steady(
            speed, workload, developers, seed=seed, replications=replications, watch=watch
        )
    return CurvePoint(
        developers=developers,
        requests_per_s=per_s,
        load=load,
        p95_ttft_s=outcome.ttft_s.p95 if outcome else None,
        utilisation=outcome.utilisation if outcome else None,
        unstable=unstable,
    )


def _keeps(
    speed: Speed,
    workload: Workload,
    limit_s: float,
    seed: np.random.SeedSequence,
    watch: Watch,
) -> Callable[[int], bool]:
    """Whether so many developers are answered in time, in one replication."""

    def keeps(developers: int) -> bool:
        watch(developers)
        run = _steady_run(speed, workload, developers, seed)
        return float(np.quantile(run.ttft_s(), PERCENTILE)) <= limit_s

    return keeps


def _largest(keeps: Callable[[int], bool], below: int) -> int:
    """The largest number under `below` that keeps the limit, within a hundredth; 0: not one."""
    if below <= 1 or not keeps(1):
        return 0
    low, high = 1, below
    while high - low > max(1, WITHIN * low):
        middle = (low + high) // 2
        if keeps(middle):
            low = middle
        else:
            high = middle
    return low


def _steady_run(
    speed: Speed, workload: Workload, developers: int, seed: np.random.SeedSequence
) -> Run:
    per_s, mean = workload.busiest_per_s(developers), workload.tokens.mean()
    spare = max(1 - per_s / most_requests_per_s(speed, mean), LEAST_SPARE)
    relaxation_s = 2 / spare**2 / per_s
    service_s = longest_service_s(speed, mean)
    warm_up_s = max(
        WARM_UP / per_s, WARM_UP_SERVICES * service_s, WARM_UP_RELAXATIONS * relaxation_s
    )
    counted_s = max(
        COUNTED / per_s, COUNTED_SERVICES * service_s, COUNTED_RELAXATIONS * relaxation_s
    )
    number = math.ceil((warm_up_s + counted_s) * per_s)
    requests = steady_requests(workload, per_s, number, seed)
    return run_once(speed, requests, Window(warm_up_s, warm_up_s + counted_s))


def _why_none(saturated_at: int) -> str:
    if saturated_at <= 1:
        return "one developer alone asks more than it can serve"
    return "one developer alone waits longer: reading the prompt takes more than the limit allows"
