"""The Engine page's sentences and figures. All of it is plain text: nothing is read as Markdown."""

from dataclasses import dataclass

from dashboard import formats
from dashboard.engine_page.now import EngineNow
from dashboard.engine_page.series import NOW_MS, Rate, batch_now, busy_share, rate_now
from dashboard.engine_page.waits import Spread, cache_hits, spread
from engine.runtime.protocol import Ready


@dataclass(frozen=True, slots=True)
class Figure:
    label: str
    value: str
    note: str
    why: str


def headline(now: EngineNow) -> str:
    """What is served now, and how much; or why nothing is."""
    if now.state.name != "ready":
        return _not_ready(now)
    served = _served(now)
    if not now.all_running and not now.all_waiting:
        return f"{served} is ready and idle: no request runs or waits."
    here = f"{_requests(now.all_running)} running"
    batch = batch_now(now.recent.loads, now.at_ms)
    if batch is not None:
        here += f", {batch:.1f} in a step of at most {now.places}"
    tokens = per_second(_rate(now))
    return f"{served} computes {tokens} a second: {here}, {now.all_waiting} waiting."


def facts(now: EngineNow) -> str:
    """The model in a line."""
    parts = []
    if now.model is not None:
        parts.append(_model_facts(now.model, now.experts_per_token))
    if now.upstreams:
        up = sum(1 for one in now.upstreams if one["up"])
        parts.append(f"{up} of {len(now.upstreams)} upstreams answer.")
    return " ".join(parts)


def _not_ready(now: EngineNow) -> str:
    state = now.state
    message = state.message or "The engine is not there."
    if state.name == "fetching" and state.size:
        done = (state.fetched or 0) / state.size
        return f"{message} {done:.0%} of {formats.size(state.size)} are here."
    if state.name == "stopped":
        return "The server is being stopped."
    return message


def _served(now: EngineNow) -> str:
    names = [now.model.model] if now.model is not None else []
    others = {name for one in now.upstreams for name in one["models"]}
    names += sorted(others)[:2]
    if len(others) > 2:
        names.append(f"{len(others) - 2} more")
    return " and ".join(names) or "The gateway"


def _requests(number: int) -> str:
    return f"{formats.count(number)} request{'s' if number != 1 else ''}"


def _model_facts(model: Ready, per_token: int | None) -> str:
    experts = "dense"
    if model.routed_experts:
        experts = (
            f"{per_token} of {model.routed_experts} routed experts a token in {model.layers} "
            f"layers, {model.shared_experts} shared"
        )
    parts = (
        f"{formats.count(model.total_parameters)} parameters, "
        f"{formats.count(model.active_parameters)} active for a token",
        experts,
        f"{model.precision} by {model.kernel}",
        f"context {model.context_length:,} tokens",
    )
    return f"{model.model}: {'; '.join(parts)}."


def _rate(now: EngineNow) -> Rate | None:
    found = [rate_now(told, now.at_ms) for told in (now.recent.loads, now.recent.flows)]
    known = [rate for rate in found if rate is not None]
    if len(known) < 2:
        return known[0] if known else None
    here, there = known
    # Told at different moments: both as over one second.
    whole = Rate(1.0)
    whole.prompt_tokens = round(here.prompt + there.prompt)
    whole.output_tokens = round(here.answer + there.answer)
    return whole


def per_second(rate: Rate | None) -> str:
    """`193 answer and 20 prompt tokens`."""
    if rate is None:
        return "an unknown number of tokens"
    return f"{_tokens(rate.answer)} answer and {_tokens(rate.prompt)} prompt tokens"


def _tokens(value: float) -> str:
    return f"{value:.1f}" if 0 < value < 10 else formats.count(value)


def figures(now: EngineNow, window: str) -> list[Figure]:
    ended = [event for _, event in now.recent.ended]
    return [
        _speed(now),
        _load(now),
        _memory(now),
        _cache(now, window),
        _wait(
            "Queue wait",
            spread(event.queue_ms for event in ended),
            "not told of those that ended" if ended else f"no request ended {window}",
            "From a request's arrival at the engine until its first step began. Of requests that "
            "ended in the window; measured by the engine. Upstreams do not tell it.",
        ),
        _wait(
            "First token",
            spread(event.ttft_ms for event in ended),
            f"no request was answered {window}",
            "From a request's arrival at the gateway to the first token of its answer, queue and "
            "prompt included. Of requests that ended in the window; measured by the gateway.",
        ),
    ]


def _speed(now: EngineNow) -> Figure:
    rate = _rate(now)
    return Figure(
        "Tokens a second",
        formats.UNKNOWN if rate is None else _tokens(rate.answer + rate.prompt),
        "nothing was told in the last seconds"
        if rate is None
        else f"answer {_tokens(rate.answer)}, prompt {_tokens(rate.prompt)}",
        "Tokens of the last four seconds: of prompts those that were computed, not those from the "
        "cache; of answers those that were drawn. Counted by the engine here; at upstreams by the "
        "gateway as answers arrive, where the counts are estimates until an answer's end.",
    )


def _load(now: EngineNow) -> Figure:
    share = busy_share(now.recent.loads, now.at_ms)
    places = sum(int(one["max_running"]) for one in now.upstreams)
    why = (
        "The part of the last minute in which the engine computed a step, by its own clock. For "
        "upstreams: requests sent to them, of the places that their settings give them."
    )
    taken = sum(int(one["running"]) for one in now.upstreams)
    there = f"{taken} of {places} places at upstreams taken" if places else ""
    if now.computes_here or not places:
        value = formats.UNKNOWN if share is None else formats.share(share)
        note = "of the last minute computing" if share is not None else "no engine tells it"
        return Figure("Load", value, "; ".join(filter(None, (note, there))), why)
    return Figure("Load", formats.share(taken / places), there, why)


def _memory(now: EngineNow) -> Figure:
    why = (
        "Main memory that the engine's process holds, as the operating system tells it (resident), "
        "and what torch holds of an accelerator's. A cache block has the keys and values of 32 "
        "tokens; blocks that no running request holds still serve later ones that begin alike."
    )
    at, load = now.recent.loads[-1] if now.recent.loads else (0, None)
    if load is None or at <= now.at_ms - NOW_MS or now.model is None:
        alone = now.upstreams and not now.computes_here
        reason = "upstreams do not tell it" if alone else "no engine tells it"
        return Figure("Memory", formats.UNKNOWN, reason, why)
    notes = [
        f"weights {memory(now.model.weight_bytes)}",
        f"{formats.count(load.cache_blocks_held)} of {formats.count(load.cache_blocks)} "
        "cache blocks in use",
    ]
    if load.accelerator_bytes is not None:
        notes.insert(0, f"accelerator {memory(load.accelerator_bytes)}")
    return Figure("Memory", memory(load.memory_bytes), "; ".join(notes), why)


def _cache(now: EngineNow, window: str) -> Figure:
    hits = cache_hits([event for _, event in now.recent.ended])
    why = (
        "The part of prompts' tokens that were in the prefix cache and so not computed again. Of "
        "requests that ended in the window and had at least one token of answer; counted by the "
        "engine, or told by the upstream; requests whose upstream does not tell it are left out."
    )
    if hits.share is None:
        answered = any(event.ttft_ms is not None for _, event in now.recent.ended)
        reason = "upstreams did not tell it" if answered else f"no request ended {window}"
        return Figure("Prefix cache hits", formats.UNKNOWN, reason, why)
    tokens = formats.count(hits.input_tokens)
    note = f"of {tokens} prompt tokens of {_requests(hits.requests)}"
    return Figure("Prefix cache hits", formats.share(hits.share), note, why)


def _wait(label: str, found: Spread | None, otherwise: str, why: str) -> Figure:
    why += " Upper value: nearest rank."
    if found is None:
        return Figure(label, formats.UNKNOWN, otherwise, why)
    note = f"median; 95% within {formats.duration(found.p95_ms)}, {_requests(found.number)}"
    return Figure(label, formats.duration(found.median_ms), note, why)


def memory(number_of_bytes: int) -> str:
    """`612 MB`, `12.4 GB`."""
    size = number_of_bytes / 1e6
    return f"{size:,.0f} MB" if size < 10_000 else f"{size / 1000:,.1f} GB"
