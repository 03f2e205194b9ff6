"""A day's requests of a large sample, as columns of arrays."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from db.sample.organisation import TOOLS, Floats, Integers, Organisation
from db.sample.small import HOURS
from db.spans import HOUR_MS


@dataclass(frozen=True, slots=True)
class Served:
    """A model, who serves it and where, how fast, and at what power for one request."""

    model: str
    engine: str
    machine: str
    prefill_tokens_per_s: float
    decode_tokens_per_s: float
    active_w: float


OLD_MAIN = Served("Qwen3-Coder-30B-A3B-Instruct", "upstream", "gpu-server", 9_000, 110, 45)
NEW_MAIN = Served("gpt-oss-120b", "upstream", "gpu-server", 11_000, 130, 60)
EMBEDDED = Served("smollm2-135m-instruct", "embedded", "here", 4_000, 90, 30)
MODELS = (OLD_MAIN, NEW_MAIN, EMBEDDED)
EMBEDDED_PART = 0.06
SWITCH_DAYS = 20  # in which most people move from the old main model to the new

STATUSES = ("ok", "cancelled", "error", "interrupted")
USUAL = (0.9575, 0.028, 0.012, 0.0025)
OUTAGE = (0.80, 0.03, 0.165, 0.005)
OUTAGE_EVERY = 61  # days
ERRORS = ("server_error", "upstream_unavailable", "context_length_exceeded")
ENDPOINTS = ("/v1/chat/completions", "/v1/messages")
FROM_CHAT = 0.02  # of all requests, from the dashboard's chat: without a key
MOST_OUTPUT = 8_000

_EDGES = np.arange(25, dtype=float)
_DONE = np.concatenate([[0.0], np.cumsum(HOURS) / HOURS.sum()])


@dataclass(frozen=True, slots=True)
class Workday:
    """Requests in order of time, one place in each array for each.

    `developer`, `team`, `model`, `status` and `tool` are numbers, counted from 0, `key` is -1 for
    none; `first_token_at` is -1 where no token came. Times are UTC epoch milliseconds.
    """

    id: Integers
    started_at: Integers
    computed_from: Integers
    first_token_at: Integers
    finished_at: Integers
    developer: Integers
    team: Integers
    key: Integers
    tool: Integers
    model: Integers
    status: Integers
    input_tokens: Integers
    cached_input_tokens: Integers
    output_tokens: Integers
    experts: Floats
    error: Integers


def work_done(hours: Any) -> Any:
    """The part of a day's work that is over by this local hour."""
    return np.interp(hours, _EDGES, _DONE)


def workday(
    rng: Generator, people: Organisation, number: int, counts: Integers, until: int
) -> Workday:
    """The requests of day `number`, `counts` of each person, all of them over before `until`."""
    developer = np.repeat(np.arange(len(counts)), counts)
    size = len(developer)
    midnight = people.day_ms(number)
    shift = people.shift_h[developer]
    over = work_done((until - midnight) / HOUR_MS - shift)
    hours = np.interp(rng.random(size) * over, _DONE, _EDGES) + shift
    started = midnight + (hours * HOUR_MS).astype(np.int64)

    model = _models(rng, number, len(people.days), size)
    status = rng.choice(4, size, p=OUTAGE if number % OUTAGE_EVERY == 40 else USUAL)
    given = np.clip(rng.lognormal(8.4, 0.9, size), 40, 120_000).astype(np.int64)
    caches = rng.random(size) < 0.8
    cached = (given * rng.beta(5, 2, size) * caches).astype(np.int64)
    answered = np.clip(rng.lognormal(5.6, 0.9, size), 2, MOST_OUTPUT).astype(np.int64)
    answered = np.where(status == 0, answered, (answered * rng.random(size)).astype(np.int64))
    answered[status == STATUSES.index("error")] = 0

    prefill_speed = np.array([served.prefill_tokens_per_s for served in MODELS])[model]
    decode_speed = np.array([served.decode_tokens_per_s for served in MODELS])[model]
    queued = rng.exponential(40, size).astype(np.int64)
    prompt = (20 + (given - cached) * 1000 / prefill_speed).astype(np.int64)
    answer = (answered * 1000 / decode_speed).astype(np.int64)
    started = np.minimum(started, until - 1 - (queued + prompt + answer))
    computed = started + queued

    order = np.argsort(started, kind="stable")
    key = people.first_key[developer] + _which_key(rng, people.keys[developer])
    key[rng.random(size) < FROM_CHAT] = -1
    tool = np.where(key < 0, -1, people.key_tools[key])
    moved_at = np.array([people.day_ms(day) for day in people.moved])[developer]
    team = np.where(started < moved_at, people.team[developer], people.next_team[developer])
    experts = np.where(
        (MODELS.index(EMBEDDED) == model) & (answered > 0), rng.normal(12, 1.5, size), np.nan
    )
    error = rng.integers(0, len(ERRORS), size)
    ids = started[order] << 20 | rng.integers(0, 2**19, size)
    return Workday(
        id=_growing(ids),
        started_at=started[order],
        computed_from=computed[order],
        first_token_at=np.where(answered > 0, computed + prompt, -1)[order],
        finished_at=(computed + prompt + answer)[order],
        developer=developer[order],
        team=team[order],
        key=key[order],
        tool=tool[order],
        model=model[order],
        status=status[order],
        input_tokens=given[order],
        cached_input_tokens=cached[order],
        output_tokens=answered[order],
        experts=experts[order],
        error=error[order],
    )


def request_columns(day: Workday, people: Organisation) -> dict[str, list[Any]]:
    """The columns of `requests`, but for energy."""
    answered = day.first_token_at >= 0
    ok, error = STATUSES.index("ok"), STATUSES.index("error")
    cancelled = STATUSES.index("cancelled")
    finish = np.full(len(day.id), None, dtype=object)
    finish[day.status == ok] = "stop"
    finish[(day.status == ok) & (day.output_tokens == MOST_OUTPUT)] = "length"
    finish[day.status == cancelled] = "cancelled"
    curl, claude = TOOLS.index("curl"), TOOLS.index("Claude Code")
    return {
        "id": day.id.tolist(),
        "started_at": day.started_at.tolist(),
        "first_token_at": or_none(day.first_token_at, answered),
        "finished_at": day.finished_at.tolist(),
        "developer_id": (day.developer + 1).tolist(),
        "developer_name": named(people.names, day.developer),
        "team_id": (day.team + 1).tolist(),
        "api_key_id": or_none(day.key + 1, day.key >= 0),
        "model": named([served.model for served in MODELS], day.model),
        "engine": named([served.engine for served in MODELS], day.model),
        "endpoint": named(ENDPOINTS, (day.tool == claude).astype(np.int64)),
        "status": named(STATUSES, day.status),
        "streamed": (day.tool != curl).tolist(),
        "input_tokens": day.input_tokens.tolist(),
        "cached_input_tokens": day.cached_input_tokens.tolist(),
        "output_tokens": day.output_tokens.tolist(),
        "counts_exact": (day.status != cancelled).tolist(),
        "queue_ms": (day.computed_from - day.started_at).tolist(),
        "ttft_ms": or_none(day.first_token_at - day.started_at, answered),
        "duration_ms": (day.finished_at - day.started_at).tolist(),
        "finish_reason": finish.tolist(),
        "error_type": or_none(np.array(ERRORS, dtype=object)[day.error], day.status == error),
        "client": or_none(np.array(TOOLS, dtype=object)[day.tool], day.tool >= 0),
        "experts_active_mean": or_none(day.experts, ~np.isnan(day.experts)),
    }


def or_none(values: NDArray[Any], known: NDArray[np.bool_]) -> list[Any]:
    """The values as Python's, None where they are not known."""
    chosen = values.astype(object)
    chosen[~known] = None
    return list(chosen.tolist())


def named(names: Any, numbers: Integers) -> list[Any]:
    """The name for each number."""
    return list(np.array(names, dtype=object)[numbers].tolist())


def _models(rng: Generator, number: int, days: int, size: int) -> Integers:
    """Which model each request goes to: most leave the old main one in the middle of the year."""
    moved = np.clip((number - days // 2) / SWITCH_DAYS, 0.01, 0.93)
    chances = [(1 - EMBEDDED_PART) * (1 - moved), (1 - EMBEDDED_PART) * moved, EMBEDDED_PART]
    return rng.choice(len(MODELS), size, p=chances)


def _which_key(rng: Generator, keys: Integers) -> Integers:
    """Mostly a person's first key."""
    return np.where(rng.random(len(keys)) < 0.7, 0, (rng.random(len(keys)) * keys).astype(np.int64))


def _growing(ids: Integers) -> Integers:
    """Ids in order of time and no two alike, also within a millisecond."""
    place = np.arange(len(ids))
    return np.maximum.accumulate(np.sort(ids) - place) + place
