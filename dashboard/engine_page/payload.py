"""All that the Engine page shows, as one JSON object: for the page's first picture and for its
event stream alike."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from dashboard import formats
from dashboard.engine_page import findings, words
from dashboard.engine_page.experts import Floats, balance
from dashboard.engine_page.log import lines
from dashboard.engine_page.now import EngineNow, EngineView, engine_now
from dashboard.engine_page.series import Series, series
from engine.api.activity import ExpertUse

_TOLD = "The engine tells them once a second, upstreams' are counted by the gateway."
_TERMS = (
    "Per layer: tokens of its most used expert over the mean of its experts (1: perfectly even; at "
    "most experts ÷ experts a token). Less 1 it is MaxVio of Wang et al. 2024, Auxiliary-Loss-Free "
    "Load Balancing Strategy for Mixture-of-Experts (arXiv 2408.15664). On hover also the "
    "coefficient of variation: standard deviation over mean (0: even), whose square Shazeer et al. "
    "2017 take as importance loss (arXiv 1701.06538). Counted by the engine, exact."
)


def live_payload(view: EngineView) -> dict[str, Any]:
    """Any thread."""
    return payload(engine_now(view), view)


def payload(now: EngineNow, view: EngineView) -> dict[str, Any]:
    zone = ZoneInfo(view.timezone)
    window = f"in the last {view.minutes} minutes"
    recent = now.recent
    found = series(recent.loads, recent.flows, now.at_ms, view.minutes)
    return {
        "at": now.at_ms,
        "state": now.state.name,
        "headline": words.headline(now),
        "facts": words.facts(now),
        "figures": [asdict(figure) for figure in words.figures(now, window)],
        "lines": _line_charts(now, view, found, zone),
        "experts": _experts(now, recent.experts, zone),
        "upstreams": [_upstream(one) for one in now.upstreams],
        "log": [asdict(line) for line in lines(recent.log, zone)],
    }


def _line_charts(
    now: EngineNow, view: EngineView, found: Series, zone: ZoneInfo
) -> list[dict[str, Any]]:
    seconds = found.step_ms / 1000
    time = {
        "start": _local(found.start_ms, zone),
        "step_ms": found.step_ms,
        "key": view.minutes,
    }
    each = f"Each point: {seconds:g} s. {_TOLD} A gap: nothing was told, so it is unknown."
    charts = [
        {
            **time,
            "id": "tokens",
            "title": findings.of_tokens(found),
            "unit": "tokens a second",
            "why": "Tokens over the time in which they came, exact for the engine here: of prompts "
            f"those computed and not read from the cache, of answers those drawn. {each}",
            "series": [
                {"name": "Answers", "y": _rounded(found.answer), "dash": "solid"},
                {"name": "Prompts", "y": _rounded(found.prompt), "dash": "dash"},
            ],
        },
        {
            **time,
            "id": "queue",
            "title": findings.of_queue(found),
            "unit": "requests",
            "why": "The most that ran and that waited at any telling, here and at upstreams. "
            f"{each}",
            "series": [
                {"name": "Running", "y": found.running, "dash": "solid"},
                {"name": "Waiting", "y": found.waiting, "dash": "dash"},
            ],
        },
    ]
    if now.computes_here:
        batch = {
            **time,
            "id": "batch",
            "title": findings.of_batch(found, now.places),
            "unit": "requests a step",
            "limit": {"y": now.places, "words": f"{now.places} places"},
            "why": "Requests that the engine on this machine computed together, on average over "
            "the steps of the time; 0: no step. The places are BREAKEVEN_MAX_RUNNING. Exact. "
            f"{each}",
            "series": [{"name": "Batch", "y": _rounded(found.batch), "dash": "solid"}],
        }
        charts.insert(1, batch)
    return charts


def _experts(now: EngineNow, use: ExpertUse | None, zone: ZoneInfo) -> dict[str, Any]:
    """What is shown of expert use, or `note`: why nothing is."""
    if use is None:
        return {"note": _no_experts(now)}
    found = balance(use)
    layers, experts = found.share.shape
    since = formats.local_time(use.since_ms, zone).partition(" ")[2]
    over = f"Over {formats.count(use.tokens)} tokens since {since}, prompts and answers."
    return {
        "key": f"{use.tokens} {use.since_ms}",
        "over": over,
        "heat": {
            "title": findings.of_experts(found),
            "why": f"{over} The part of a layer's tokens that went through each routed expert; "
            f"even use would be {_even(found.even)}. Shared experts, which every token takes, are "
            "not shown. Counted by the engine, exact; numbers count from 0.",
            "layers": layers,
            "experts": experts,
            "share": _matrix(found.share),
        },
        "balance": {
            "title": findings.of_balance(found),
            "why": f"{over} {_TERMS}",
            "busiest": _array(found.busiest),
            "variation": _array(found.variation),
        },
    }


def _no_experts(now: EngineNow) -> str:
    if not now.computes_here and not now.upstreams:
        return "No model runs on this machine, so there are no experts."
    if not now.computes_here:
        return "Unknown: no model runs on this machine, and upstreams do not tell their experts."
    if now.model is not None and not now.model.routed_experts:
        return f"{now.model.model} is dense: it has no experts to choose from."
    if now.experts_per_token == 0:
        return "No routed expert is in use: the number of experts a token is set to 0."
    return (
        "No token was computed in this window. Ask something on Chat to see which experts it takes."
    )


def _even(even: Floats) -> str:
    low, high = formats.share(float(np.nanmin(even))), formats.share(float(np.nanmax(even)))
    return low if low == high else f"{low} to {high}, depending on the layer"


def _upstream(one: dict[str, Any]) -> dict[str, str]:
    return {
        "address": one["url"],
        "models": ", ".join(one["models"]) or "none yet",
        "state": one["problem"] or "answers",
        "up": "yes" if one["up"] else "no",
        "running": f"{one['running']} of {one['max_running']}",
    }


def _local(at_ms: int, zone: ZoneInfo) -> str:
    """As plotly draws it: the reader's clock, without a zone."""
    moment = datetime.fromtimestamp(at_ms / 1000, zone).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds")


def _rounded(values: list[float | None]) -> list[float | None]:
    return [None if value is None else round(value, 2) for value in values]


def _array(values: Floats) -> list[float | None]:
    rounded: list[float | None] = np.round(values, 3).tolist()
    if not np.isnan(values).any():
        return rounded
    return [None if value != value else value for value in rounded]


def _matrix(values: Floats) -> list[list[float | None]]:
    return [_array(row) for row in values]
