"""Ninety days of a team of eight, to look around in before there is a ledger of one's own."""

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.random import Generator
from sqlalchemy import Connection, insert, select

from db import energy_rollups, months
from db.connect import writing
from db.ids import now_ms
from db.memberships import join_team
from db.sample.target import Sample, empty, local_ms, sample_database
from db.schema import ApiKey, Developer, EnergyInterval, Membership, MeterReading, Request
from db.usage_rebuild import rebuild

DAYS = 90
MINUTE_MS = 60_000

# Who is on the team, in which part of it, with which tool, and how many requests a working day.
TEAM = (
    ("Ada", "Platform", "Continue", 120),
    ("Grace", "Platform", "opencode", 90),
    ("Alan", "Platform", "Aider", 40),
    ("Barbara", "Product", "Cline", 65),
    ("Edsger", "Product", "Continue", 20),
    ("Margaret", "Product", "Zed", 45),
    ("Hedy", "Data", "opencode", 12),
    ("Ken", "Data", "curl", 5),
)
# A working day's requests by local hour, as parts of the whole.
HOURS = np.array([0] * 7 + [1, 4, 9, 11, 11, 5, 7, 11, 11, 9, 6, 3, 1, 1] + [0] * 3, dtype=float)

MODEL = "Qwen3-Coder-30B-A3B-Instruct"
EXPERTS = 8.0  # of 128, each token
PREFILL_TOKENS_PER_S = 9_000
DECODE_TOKENS_PER_S = 110
ACTIVE_W = 260  # one request's share of the accelerator's power while it is computed
IDLE_W = 72
HOST_W = 41  # of the rest of the machine, at the wall
PREFILL_W = 1.3  # of what a request draws while it answers, while it reads its prompt
ACCURACY = 0.05  # as NVML's documentation has it
METERS = (("nvml", "gpu-0", "accelerator"), ("redfish", "bmc", "machine"))
SOURCE = "+".join(meter for meter, _, _ in METERS)
FAILED_METER_DAY, FAILED_METER_HOURS = 37, (13, 16)


def write_sample(url: str, *, seed: int = 7, until_ms: int | None = None) -> Sample:
    """Fill the sample database with 90 days that end now.

    Raises InvalidInput where the database exists and is not marked as a sample.
    """
    until = now_ms() if until_ms is None else until_ms
    with sample_database(url) as engine:
        requests, minutes = _make(np.random.default_rng(seed), until)
        with writing(engine) as connection:
            _replace(connection, requests, minutes)
    return Sample(len(TEAM), len(requests), DAYS)


def _replace(
    connection: Connection, requests: list[dict[str, Any]], minutes: list[dict[str, Any]]
) -> None:
    empty(connection)
    joined = requests[0]["started_at"]
    people = [
        {"id": number, "name": name, "created_at": joined}
        for number, (name, _, _, _) in enumerate(TEAM, 1)
    ]
    keys = [
        {
            "id": number,
            "developer_id": number,
            "name": tool,
            "prefix": "bk-sample",
            "hash": f"sample {number}",  # no text has this hash: a sample's key opens nothing
            "created_at": joined,
        }
        for number, (_, _, tool, _) in enumerate(TEAM, 1)
    ]
    connection.execute(insert(Developer), people)
    for number, (_, team, _, _) in enumerate(TEAM, 1):
        join_team(connection, number, team, valid_from=0)
    connection.execute(insert(ApiKey), keys)
    members = select(Membership.developer_id, Membership.team_id)
    team_of = {row.developer_id: row.team_id for row in connection.execute(members)}
    for row in requests:
        row["team_id"] = team_of[row["developer_id"]]
    connection.execute(insert(Request), requests)
    connection.execute(insert(EnergyInterval), minutes)
    connection.execute(insert(MeterReading), _readings(minutes))
    months.add(connection, months.recount(connection))
    rebuild(connection)
    energy_rollups.rebuild(connection)


def _make(rng: Generator, until: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows of `requests`, in order of time, and of `energy_intervals`."""
    last_day = datetime.fromtimestamp(until / 1000).date()
    days = [last_day - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    begin = local_ms(days[0])
    arrivals = [
        (started, number)
        for number, (_, _, _, daily) in enumerate(TEAM, 1)
        for started in _arrivals(rng, days, daily)
        if started < until
    ]
    rows = [_request(rng, started, number) for started, number in sorted(arrivals)]
    rows = [row for row in rows if row["finished_at"] < until]
    gap_day = local_ms(days[FAILED_METER_DAY])
    gap = tuple(gap_day + hour * 60 * MINUTE_MS for hour in FAILED_METER_HOURS)
    return rows, _meter(rows, begin, until, (gap[0], gap[1]))


def _arrivals(rng: Generator, days: list[date], daily: float) -> list[int]:
    """When one developer asks, over all the days: few on weekends, none in a week of holidays,
    more as the team gets used to it."""
    holiday = int(rng.integers(10, len(days) - 10))
    times: list[int] = []
    for number, day in enumerate(days):
        if holiday <= number < holiday + 7:
            continue
        adoption = 0.55 + 0.45 * min(number / 60, 1)
        mood = rng.lognormal(0, 0.35)
        weekend = 0.04 if day.weekday() >= 5 else 1
        expected = daily * adoption * mood * weekend * HOURS / HOURS.sum()
        counts = rng.poisson(expected)
        hours = np.repeat(np.arange(24), counts)
        offsets = (hours + rng.random(len(hours))) * 60 * MINUTE_MS
        times.extend((local_ms(day) + offsets).astype(int).tolist())
    return times


def _request(rng: Generator, started: int, number: int) -> dict[str, Any]:
    """One request of developer `number`: mostly a long, cached prompt and a short answer."""
    name, _, tool, _ = TEAM[number - 1]
    status = str(
        rng.choice(["ok", "cancelled", "error", "interrupted"], p=[0.958, 0.024, 0.015, 0.003])
    )
    input_tokens = int(np.clip(rng.lognormal(8.4, 0.9), 40, 120_000))
    cached = int(input_tokens * rng.beta(5, 2)) if rng.random() < 0.8 else 0
    output_tokens = int(np.clip(rng.lognormal(5.6, 0.9), 2, 8_000))
    finish_reason: str | None = "length" if output_tokens == 8_000 else "stop"
    if status != "ok":
        output_tokens = 0 if status == "error" else int(output_tokens * rng.random())
        finish_reason = "cancelled" if status == "cancelled" else None
    queue_ms = int(rng.exponential(15))
    prefill_ms = 20 + (input_tokens - cached) * 1000 / PREFILL_TOKENS_PER_S
    ttft_ms = int(queue_ms + prefill_ms) if output_tokens else None
    duration_ms = int(queue_ms + prefill_ms + output_tokens * 1000 / DECODE_TOKENS_PER_S)
    return {
        "id": started << 20 | int(rng.integers(2**20)),
        "started_at": started,
        "first_token_at": None if ttft_ms is None else started + ttft_ms,
        "finished_at": started + duration_ms,
        "developer_id": number,
        "developer_name": name,
        "api_key_id": number,
        "model": MODEL,
        "engine": "vllm",
        "endpoint": "/v1/chat/completions",
        "status": status,
        "streamed": tool != "curl",
        "input_tokens": input_tokens,
        "cached_input_tokens": cached,
        "output_tokens": output_tokens,
        "counts_exact": True,
        "queue_ms": queue_ms,
        "ttft_ms": ttft_ms,
        "duration_ms": duration_ms,
        "finish_reason": finish_reason,
        "error_type": "server_error" if status == "error" else None,
        "client": tool,
        "experts_active_mean": EXPERTS if output_tokens else None,
    }


def _meter(
    rows: list[dict[str, Any]], begin: int, until: int, gap: tuple[int, int]
) -> list[dict[str, Any]]:
    """Give every request its joules, and return the minutes that the meter read.

    During `gap` the meter failed: what was used then is unknown, for requests and minutes alike.
    """
    used = np.zeros((until - begin) // MINUTE_MS + 1)
    for row in rows:
        known_j, prefill_j, missing = 0.0, 0.0, False
        start = row["started_at"] + row["queue_ms"]
        first_token_at = row["first_token_at"] or row["finished_at"]
        while start < row["finished_at"]:
            minute = (start - begin) // MINUTE_MS
            end = min(row["finished_at"], begin + (minute + 1) * MINUTE_MS)
            if gap[0] <= start < gap[1]:
                missing = True
            else:
                prompt = ACTIVE_W * PREFILL_W * max(min(end, first_token_at) - start, 0) / 1000
                joules = prompt + ACTIVE_W * max(end - max(start, first_token_at), 0) / 1000
                used[minute] += joules
                known_j += joules
                prefill_j += prompt
            start = end
        known = known_j > 0 or not missing
        row["energy_j"] = known_j if known else None
        row["prefill_energy_j"] = prefill_j if known else None
        row["energy_uncertainty_j"] = known_j * ACCURACY if known else None
        row["energy_basis"] = _basis(known_j, missing)
        row["energy_source"] = SOURCE
    return [
        _minute(at, min(at + MINUTE_MS, until), float(used[number]), gap)
        for number, at in enumerate(range(begin, until, MINUTE_MS))
    ]


def _basis(known_j: float, missing: bool) -> str:
    if not missing:
        return "measured"
    return "partial" if known_j else "unknown"


def _minute(start: int, end: int, attributed_j: float, gap: tuple[int, int]) -> dict[str, Any]:
    known = not gap[0] <= start < gap[1]
    seconds = (end - start) / 1000
    idle_j, overhead_j = IDLE_W * seconds, HOST_W * seconds
    total_j = attributed_j + idle_j + overhead_j
    return {
        "minute_at": start - start % MINUTE_MS,
        "started_at": start,
        "ended_at": end,
        "duration_ms": end - start,
        "total_j": total_j if known else None,
        "attributed_j": attributed_j if known else None,
        "idle_j": idle_j if known else None,
        "overhead_j": overhead_j if known else None,
        "loading_j": 0.0 if known else None,
        "other_j": 0.0 if known else None,
        "unclaimed_j": 0.0 if known else None,
        "uncertainty_j": total_j * ACCURACY if known else None,
        "basis": "measured" if known else "unknown",
        "source": SOURCE,
    }


def _readings(minutes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What each meter read: the accelerator's its part, the machine's all of it."""
    return [
        {
            "minute_at": minute["minute_at"],
            "machine": "here",
            "meter": meter,
            "device": device,
            "kind": kind,
            "basis": "measured",
            "accuracy": ACCURACY,
            "energy_j": 0.0
            if minute["total_j"] is None
            else minute["total_j"] - (0.0 if kind == "machine" else minute["overhead_j"]),
            "known_ms": 0 if minute["total_j"] is None else minute["duration_ms"],
            "unknown_ms": minute["duration_ms"] if minute["total_j"] is None else 0,
        }
        for minute in minutes
        for meter, device, kind in METERS
    ]
