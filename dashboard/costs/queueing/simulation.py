"""What users wait for, and how well the hardware is used, by simulation with replications."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from dashboard.costs.queueing.arrivals import Floats, Requests, Workload, weekly_requests
from dashboard.costs.queueing.intervals import Interval, interval
from dashboard.costs.queueing.replica import Service
from dashboard.costs.queueing.speed import Speed

REPLICATIONS = 5


@dataclass(frozen=True, slots=True)
class Window:
    """What counts: requests that arrive from `start_s` to before `end_s`, and levels in between.

    What comes before is warm-up. Requests that have not ended by `end_s` are served to their end.
    """

    start_s: float
    end_s: float

    def overlap_s(self, begun_s: Floats, ended_s: Floats) -> Floats:
        """How much of each stretch of time lies within."""
        return np.clip(ended_s, self.start_s, self.end_s) - np.clip(
            begun_s, self.start_s, self.end_s
        )


@dataclass(frozen=True, slots=True)
class Run:
    """One replication. Arrays have an item for each request that counts, in order of arrival.

    `mean_queue` waited for a replica, `mean_in_system` waited or were served; `mean_batch` is the
    sequences of a replica while it decodes (None: it never did). `left_at_end` had arrived and not
    ended when the window closed, `left_at_start` when it opened.
    """

    at_s: Floats
    first_token_s: Floats
    finished_s: Floats
    answer_tokens: Floats
    utilisation: float
    mean_batch: float | None
    mean_queue: float
    mean_in_system: float
    left_at_start: int
    left_at_end: int

    def ttft_s(self) -> Floats:
        return self.first_token_s - self.at_s

    def duration_s(self) -> Floats:
        return self.finished_s - self.at_s

    def tokens_per_s(self) -> Floats:
        """Of each answer of two tokens or more, from its first token to its last."""
        long = self.answer_tokens > 1
        seconds = (self.finished_s - self.first_token_s)[long]
        return (self.answer_tokens[long] - 1) / seconds


class Percentiles(BaseModel):
    """In seconds."""

    model_config = ConfigDict(frozen=True)

    p50: Interval
    p95: Interval
    p99: Interval


class Outcome(BaseModel):
    """What the replications say. `requests` is how many counted in all of them together.

    `tokens_per_s_per_user` is the median answer's speed after its first token, stalls included;
    None where no answer has a second token. `mean_batch` is None where nothing was decoded.
    `utilisation` is the share of time in which a replica does anything. `backlog_growth` is how
    many more requests were in the system at the end of the window than at its start: far above 0,
    the load is more than can be served, and the waits grow for as long as it lasts.
    """

    model_config = ConfigDict(frozen=True)

    replications: int
    requests: int
    ttft_s: Percentiles
    duration_s: Percentiles
    tokens_per_s_per_user: Interval | None
    utilisation: Interval
    mean_batch: Interval | None
    mean_queue: Interval
    mean_in_system: Interval
    backlog_growth: Interval


def run_once(speed: Speed, requests: Requests, window: Window) -> Run:
    """Serve all of `requests`, and look at those within the window."""
    service = Service(speed, requests)
    service.run()
    at_s = requests.at_s
    read_s, first_token_s, finished_s = (
        np.array(times) for times in (service.read_s, service.first_token_s, service.finished_s)
    )
    begun_s, ended_s, batch = np.array(service.decoded).reshape(-1, 3).T
    decoding_s = window.overlap_s(begun_s, ended_s)
    busy_s = window.overlap_s(read_s, first_token_s).sum() + decoding_s.sum()
    length_s = window.end_s - window.start_s
    counted = (at_s >= window.start_s) & (at_s < window.end_s)
    return Run(
        at_s=at_s[counted],
        first_token_s=first_token_s[counted],
        finished_s=finished_s[counted],
        answer_tokens=requests.answer_tokens[counted].astype(np.float64),
        utilisation=float(busy_s) / (length_s * speed.replicas),
        mean_batch=float(decoding_s @ batch / decoding_s.sum()) if decoding_s.any() else None,
        mean_queue=float(window.overlap_s(at_s, read_s).sum()) / length_s,
        mean_in_system=float(window.overlap_s(at_s, finished_s).sum()) / length_s,
        left_at_start=_inside_at(window.start_s, at_s, finished_s),
        left_at_end=_inside_at(window.end_s, at_s, finished_s),
    )


def simulate(
    speed: Speed,
    workload: Workload,
    developers: int,
    *,
    first_hour: int,
    hours: int,
    warm_up_hours: int = 1,
    seed: int = 0,
    replications: int = REPLICATIONS,
) -> Outcome:
    """A stretch of the week, 0 being Monday 0:00, with `warm_up_hours` before it that do not count.

    The same seed gives the same outcome.
    """

    def one(own_seed: np.random.SeedSequence) -> Run:
        begin, length = first_hour - warm_up_hours, warm_up_hours + hours
        requests = weekly_requests(workload, developers, begin, length, own_seed)
        return run_once(speed, requests, Window(warm_up_hours * 3600.0, length * 3600.0))

    return summary(replicate(one, seed, replications))


def replicate(
    one: Callable[[np.random.SeedSequence], Run], seed: int, replications: int
) -> list[Run]:
    """Independent runs, each with a seed of its own that follows from `seed`."""
    return [one(own_seed) for own_seed in np.random.SeedSequence(seed).spawn(replications)]


def summary(runs: Sequence[Run]) -> Outcome:
    if any(len(run.at_s) == 0 for run in runs):
        raise ValueError("No request arrived in this stretch: simulate a longer or busier one.")
    speeds = [run.tokens_per_s() for run in runs]
    medians = [float(np.median(each)) if len(each) else None for each in speeds]
    return Outcome(
        replications=len(runs),
        requests=sum(len(run.at_s) for run in runs),
        ttft_s=_percentiles([run.ttft_s() for run in runs]),
        duration_s=_percentiles([run.duration_s() for run in runs]),
        tokens_per_s_per_user=_over(medians),
        utilisation=interval([run.utilisation for run in runs]),
        mean_batch=_over([run.mean_batch for run in runs]),
        mean_queue=interval([run.mean_queue for run in runs]),
        mean_in_system=interval([run.mean_in_system for run in runs]),
        backlog_growth=interval([run.left_at_end - run.left_at_start for run in runs]),
    )


def _percentiles(samples: Sequence[Floats]) -> Percentiles:
    quantiles = np.array([np.quantile(sample, (0.5, 0.95, 0.99)) for sample in samples])
    p50, p95, p99 = (interval(column.tolist()) for column in quantiles.T)
    return Percentiles(p50=p50, p95=p95, p99=p99)


def _over(figures: Sequence[float | None]) -> Interval | None:
    """Of the replications in which there is such a figure."""
    known = [figure for figure in figures if figure is not None]
    return interval(known) if known else None


def _inside_at(moment_s: float, at_s: Floats, finished_s: Floats) -> int:
    return int(((at_s < moment_s) & (finished_s >= moment_s)).sum())
