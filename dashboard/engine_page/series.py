"""The last minutes as lines of a chart: what was told once a second, in buckets of some seconds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from engine.api.upstreams.flow import UpstreamLoad
from engine.runtime.protocol import Load

POINTS = 300  # of a line
NOW_MS = 4_000  # what was told no longer ago is what happens now


@dataclass(frozen=True, slots=True)
class Series:
    """Buckets of `step_ms` from `start_ms` on (UTC epoch milliseconds). None: nothing was told in
    it, so it is unknown. Tokens are a second; `batch` is the sequences of a step on average, 0
    where no step was made, and `mean_batch` that of all steps; of `running` and `waiting` the most
    at any telling."""

    start_ms: int
    step_ms: int
    prompt: list[float | None]
    answer: list[float | None]
    batch: list[float | None]
    mean_batch: float | None
    running: list[int | None]
    waiting: list[int | None]


@dataclass(slots=True)
class Rate:
    """Amounts over the time in which they came."""

    duration_s: float = 0.0
    prompt_tokens: int = 0
    output_tokens: int = 0

    def add(self, told: Load | UpstreamLoad) -> None:
        self.duration_s += told.duration_s
        self.prompt_tokens += told.prompt_tokens
        self.output_tokens += told.output_tokens

    @property
    def prompt(self) -> float:
        return self.prompt_tokens / self.duration_s if self.duration_s else 0.0

    @property
    def answer(self) -> float:
        return self.output_tokens / self.duration_s if self.duration_s else 0.0


@dataclass(slots=True)
class _Bucket:
    here: Rate = field(default_factory=Rate)
    there: Rate = field(default_factory=Rate)
    steps: int = 0
    sequences: int = 0
    running: dict[bool, int] = field(default_factory=dict)  # by whether it is of the upstreams
    waiting: dict[bool, int] = field(default_factory=dict)


def series(
    loads: Iterable[tuple[int, Load]],
    flows: Iterable[tuple[int, UpstreamLoad]],
    now_ms: int,
    minutes: int,
) -> Series:
    """The last `minutes`, ending with the bucket in which `now_ms` is. The engine here and the
    upstreams add up."""
    step = minutes * 60_000 // POINTS
    start = now_ms - now_ms % step - (POINTS - 1) * step
    buckets: dict[int, _Bucket] = {}
    for at, load in loads:
        bucket = _note(buckets, (at - start) // step, load, upstream=False)
        bucket.steps += load.steps
        bucket.sequences += load.sequences
    for at, flow in flows:
        _note(buckets, (at - start) // step, flow, upstream=True)
    found = [buckets.get(number) for number in range(POINTS)]
    return Series(
        start,
        step,
        [None if b is None else b.here.prompt + b.there.prompt for b in found],
        [None if b is None else b.here.answer + b.there.answer for b in found],
        [None if b is None or not b.here.duration_s else _batch(b) for b in found],
        _mean_batch([b for b in found if b is not None]),
        [None if b is None else sum(b.running.values()) for b in found],
        [None if b is None else sum(b.waiting.values()) for b in found],
    )


def _note(
    buckets: dict[int, _Bucket], number: int, told: Load | UpstreamLoad, *, upstream: bool
) -> _Bucket:
    bucket = buckets.setdefault(number, _Bucket())
    (bucket.there if upstream else bucket.here).add(told)
    bucket.running[upstream] = max(bucket.running.get(upstream, 0), told.running)
    bucket.waiting[upstream] = max(bucket.waiting.get(upstream, 0), told.waiting)
    return bucket


def _batch(bucket: _Bucket) -> float:
    return bucket.sequences / bucket.steps if bucket.steps else 0.0


def _mean_batch(buckets: list[_Bucket]) -> float | None:
    steps = sum(bucket.steps for bucket in buckets)
    return sum(bucket.sequences for bucket in buckets) / steps if steps else None


def rate_now(told: Sequence[tuple[int, Load | UpstreamLoad]], now_ms: int) -> Rate | None:
    """Of the last seconds; None where nothing was told in them."""
    rate = Rate()
    for at, one in told:
        if at > now_ms - NOW_MS:
            rate.add(one)
    return rate if rate.duration_s else None


def batch_now(loads: Sequence[tuple[int, Load]], now_ms: int) -> float | None:
    """Sequences of a step on average, in the last seconds; None where no step was made."""
    recent = [load for at, load in loads if at > now_ms - NOW_MS]
    steps = sum(load.steps for load in recent)
    return sum(load.sequences for load in recent) / steps if steps else None


def busy_share(loads: Sequence[tuple[int, Load]], now_ms: int) -> float | None:
    """Which part of the last minute the engine computed; None where it told nothing."""
    recent = [load for at, load in loads if at > now_ms - 60_000]
    whole = sum(load.duration_s for load in recent)
    return min(1.0, sum(load.computing_s for load in recent) / whole) if whole else None
