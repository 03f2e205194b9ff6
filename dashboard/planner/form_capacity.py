"""Capacity's part of the planner's form: the model, what serves it, tokens, an API beside it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any

import streamlit as st

from dashboard.costs.capacity.load import hardware, models
from dashboard.costs.capacity.scale_out import ASSUMED_LOAD
from dashboard.planner.inputs import Inputs

Raw = dict[str, Any]
Grid = Callable[[], AbstractContextManager[None]]
NO_API, STATED, LISTED = "none", "stated", "listed"
_FIRST: Raw = {
    "hardware": "h100-pcie",
    "accelerators": 1,
    "model": "qwen3-30b-a3b",
    "precision": "bf16",
    "load": ASSUMED_LOAD.model_dump(),
    "first_token_limit_s": 5.0,
    "workload": None,
}


def capacity(raw: Raw, inputs: Inputs, grid: Grid) -> None:
    """Which model on what, and what a developer asks of it."""
    looked_at = inputs.yes(
        "capacity",
        "Check whether the hardware can serve the team",
        raw["capacity"] is not None,
        "Whether the model fits, how fast it answers, and how many developers it serves: "
        "predictions from the hardware's memory and speed.",
    )
    if not looked_at:
        raw["capacity"] = None
        return
    need = raw["capacity"] = raw["capacity"] or dict(_FIRST)
    with grid():
        _what_serves(need, inputs)
        _load(need, inputs)
    if need["workload"] is not None:
        st.caption("The simulation draws arrivals and tokens from the scenario's own record.")


def _what_serves(need: Raw, inputs: Inputs) -> None:
    cards, known = hardware(), models()
    need["hardware"] = inputs.choice(
        "hardware",
        "Accelerator",
        list(cards),
        need["hardware"],
        "From the catalogue, whose figures have sources and dates.",
        words={name: card.title for name, card in cards.items()},
    )
    need["accelerators"] = int(
        inputs.number(
            "accelerators",
            "Accelerators in one replica",
            need["accelerators"],
            "How many hold the model together.",
            low=1,
            high=512,
        )
    )
    need["model"] = inputs.choice(
        "model",
        "Model",
        list(known),
        need["model"],
        "The open model that is to answer.",
        words={name: model.title for name, model in known.items()},
    )
    precisions = [one.name for one in known[need["model"]].precision]
    need["precision"] = inputs.choice(
        f"precision-{need['model']}",
        "Precision",
        precisions,
        need["precision"],
        "How the weights are stored: fewer bits need less memory, and may answer worse.",
        words={name: name.upper() for name in precisions},
    )


def _load(need: Raw, inputs: Inputs) -> None:
    load = need["load"] = dict(need["load"])
    for field, label, least, step, explain in _LOAD:
        load[field] = type(load[field])(
            inputs.number(
                f"load-{field}", label, _number(load[field]), explain, low=least, step=step
            )
        )
    for field, label, most, explain in _PERCENTS:
        percent = inputs.number(
            f"load-{field}",
            label,
            _number(load[field]) * 100,
            explain,
            low=0 if field == "cached_share" else 1,
            high=most,
            step=5,
        )
        load[field] = float(percent / 100)
    limit = inputs.number(
        "first-token",
        "First token within, seconds",
        _number(need["first_token_limit_s"]),
        "How long 95 of 100 requests may wait for their first token.",
        low=0.1,
        step=0.5,
        digits=1,
    )
    need["first_token_limit_s"] = float(limit)


_LOAD = (
    ("requests_per_hour", "Requests an hour, each", 1, 1, "Of one developer in the busiest hour."),
    ("prompt_tokens", "Tokens of a prompt", 1, 1000, "Cached ones included."),
    ("answer_tokens", "Tokens of an answer", 1, 100, "Of a usual answer."),
    ("least_tokens_per_s", "Tokens/s of an answer", 1, 1, "How fast each answer must come."),
)
_PERCENTS = (
    ("cached_share", "Of a prompt cached, %", 99, "Part that was read before and is kept."),
    ("busy_share", "Planned load, %", 100, "Part of what it can do that it is planned for."),
)


def _number(value: float) -> Decimal:
    return Decimal(str(value))


def tokens_and_api(raw: Raw, inputs: Inputs, grid: Grid) -> None:
    """How tokens divide, and what an API would ask for them."""
    if raw["use"] is None:
        st.caption("Give the tokens a day above: without them an API cannot be compared with.")
        return
    use = raw["use"] = dict(raw["use"])
    with grid():
        for field, label, explain in _SHARES:
            percent = inputs.number(
                field, label, use[field] * 100, explain, high=100, step=1, digits=1
            )
            use[field] = percent / 100
        use["throughput_tokens_per_s"] = inputs.optional(
            "throughput",
            "Tokens/s at full use",
            use["throughput_tokens_per_s"],
            "Input and output, of all the hardware. Empty: as predicted, where it holds the model.",
        )
        _api(raw, inputs)


_SHARES = (
    ("input_share", "Input, % of tokens", "Input tokens as a part of all tokens."),
    ("cached_share", "Cached, % of input", "Part of the input tokens that a cache holds."),
)


def _api(raw: Raw, inputs: Inputs) -> None:
    api = raw["api"]
    before = NO_API if api is None else api["prices"]["kind"]
    kind = inputs.choice(
        "api",
        "Compare with an API",
        [NO_API, STATED] + ([LISTED] if raw["currency"] == "USD" else []),
        before,
        "What a vendor would ask for the same tokens.",
        words={NO_API: "No", STATED: "At prices that I state", LISTED: "At a listed model's price"},
    )
    if kind == NO_API:
        raw["api"] = None
        return
    prices = api["prices"] if api and before == kind else {}
    name = inputs.text(
        "api-name", "Name of the API", api["name"] if api else "API", "What pages call it."
    )
    made = _stated(prices, inputs) if kind == STATED else _listed(prices, raw, inputs)
    raw["api"] = {"name": name or "API", "prices": {"kind": kind} | prices | made}


def _stated(prices: Raw, inputs: Inputs) -> Raw:
    found: Raw = {"source": prices.get("source", "Stated in the planner")}
    for field, label in (
        ("input_per_million", "1M input tokens"),
        ("output_per_million", "1M out"),
    ):
        found[field] = inputs.number(
            f"api-{field}",
            label,
            prices.get(field, Decimal(1)),
            "Price of a million tokens.",
            step=0.1,
            digits=2,
        )
    return found


def _listed(prices: Raw, raw: Raw, inputs: Inputs) -> Raw:
    model = inputs.text(
        "api-model",
        "Listed model",
        prices.get("model", "gpt-5"),
        "Its name in the price list of genai-prices, such as gpt-5 or claude-opus-4-1.",
    )
    return {"model": model, "valid_from": prices.get("valid_from", raw["start"])}
