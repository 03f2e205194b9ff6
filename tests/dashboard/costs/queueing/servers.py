"""Loads and servers for the tests to vary, and a simulation that goes token by token."""

from typing import Any

import numpy as np

from dashboard.costs.queueing.arrivals import Floats, Requests
from dashboard.costs.queueing.simulation import Run, Window, replicate, run_once
from dashboard.costs.queueing.speed import LinearSpeed, Speed

MICRO = 1e-6  # tokens of a microsecond: service times are then as good as continuous


def server(**changes: Any) -> LinearSpeed:
    """One replica: 1,000 prompt tokens a second, steps of 20 ms and 1 ms more a sequence."""
    fields: dict[str, Any] = {
        "prefill_tokens_per_s": 1_000.0,
        "step_base_s": 0.02,
        "step_per_sequence_s": 0.001,
        "most_at_once": 8,
        "replicas": 1,
    }
    return LinearSpeed(**(fields | changes))


def requests(at_s: list[float], prompts: list[int], answers: list[int]) -> Requests:
    return Requests(np.array(at_s), np.array(prompts), np.array(answers))


def random_requests(
    seed: np.random.SeedSequence | int,
    number: int,
    per_s: float,
    prompt_mean: float = 200.0,
    answer_mean: float = 30.0,
) -> Requests:
    """Exponential gaps, prompts and answers: the same ones at any rate."""
    generator = np.random.default_rng(seed)
    gaps, prompts, answers = generator.standard_exponential((3, number))
    return Requests(
        np.cumsum(gaps) / per_s,
        np.ceil(prompts * prompt_mean).astype(np.int64),
        np.ceil(answers * answer_mean).astype(np.int64),
    )


def waits(
    speed: Speed, per_s: float, service: str, *, read: bool, replications: int, number: int
) -> list[Run]:
    """Runs of `number` requests that take a second of a server that serves one at a time: reading
    the prompt, or decoding the answer; "exponential" times, or all "alike"."""

    def one(seed: np.random.SeedSequence) -> Run:
        generator = np.random.default_rng(seed)
        at_s: Floats = np.cumsum(generator.standard_exponential(number)) / per_s
        seconds = generator.standard_exponential(number) if service == "exponential" else 1.0
        tokens = np.maximum(np.rint(np.broadcast_to(seconds, number) / MICRO), 1).astype(np.int64)
        nothing = np.ones(number, dtype=np.int64)
        made = Requests(at_s, tokens, nothing) if read else Requests(at_s, nothing, tokens + 1)
        warm_up_s = 0.1 * number / per_s
        return run_once(speed, made, Window(warm_up_s, 0.95 * number / per_s))

    return replicate(one, 11, replications)


def one_at_a_time(replicas: int = 1) -> LinearSpeed:
    """What `waits` takes: a prompt token or a step is a microsecond."""
    return LinearSpeed(
        prefill_tokens_per_s=1 / MICRO,
        step_base_s=MICRO,
        step_per_sequence_s=0.0,
        most_at_once=1,
        replicas=replicas,
    )


def token_by_token(speed: LinearSpeed, given: Requests) -> tuple[list[float], list[float]]:
    """When each request has its first token and its last, on one replica: the schedule as it is
    described, without a jump."""
    arrivals, number = given.at_s.tolist(), len(given.at_s)
    first, last = [0.0] * number, [0.0] * number
    running: dict[int, int] = {}  # tokens still to come
    now, begun, ended = 0.0, 0, 0
    while ended < number:
        if begun < number and arrivals[begun] <= now and len(running) < speed.most_at_once:
            now += int(given.prompt_tokens[begun]) / speed.prefill_tokens_per_s
            first[begun] = last[begun] = now
            if more := int(given.answer_tokens[begun]) - 1:
                running[begun] = more
            else:
                ended += 1
            begun += 1
        elif running:
            now += speed.step_s(len(running))
            for request in list(running):
                running[request] -= 1
                if running[request] == 0:
                    del running[request]
                    last[request] = now
                    ended += 1
        else:
            now = arrivals[begun]
    return first, last
