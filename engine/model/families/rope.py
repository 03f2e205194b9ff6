"""The rotary keys of a config.json, which all families share.

Two layouts are about: `rope_theta` beside `rope_scaling` (whose kind is under `rope_type` or
`type`), and one `rope_parameters` with everything in it.
"""

import math
from collections.abc import Mapping
from typing import Any

from engine.model.config import LinearScaling, Llama3Scaling, Rotary, Yarn
from engine.model.errors import ModelFileError

THETA = 10_000.0  # where a file names none


def read_rotary(
    raw: Mapping[str, Any], name: str, dim: int, theta: float = THETA, interleaved: bool = False
) -> Rotary:
    """The rotary embedding of `dim` numbers a head; `raw` is config.json, `name` the model's.

    Raises ModelFileError for a scaling that changes with the text's length.
    """
    keys = rope_keys(raw)
    base = float(keys.get("rope_theta") or raw.get("rope_theta") or theta)
    return Rotary(dim, base, interleaved, _scaling(raw, keys, name))


def rope_keys(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """What describes the scaling, from either layout; empty where there is none."""
    keys: Mapping[str, Any] = raw.get("rope_parameters") or raw.get("rope_scaling") or {}
    return keys


def mscale(factor: float, weight: float = 1.0) -> float:
    """YaRN's correction of the scores' temperature (equation 22)."""
    return 1.0 if factor <= 1 else 0.1 * weight * math.log(factor) + 1.0


def _scaling(
    raw: Mapping[str, Any], keys: Mapping[str, Any], name: str
) -> LinearScaling | Llama3Scaling | Yarn | None:
    kind = keys.get("rope_type") or keys.get("type") or "default"
    try:
        match kind:
            case "default":
                return None
            case "linear":
                return LinearScaling(float(keys["factor"]))
            case "llama3":
                return Llama3Scaling(
                    factor=float(keys["factor"]),
                    low_frequency_factor=float(keys["low_freq_factor"]),
                    high_frequency_factor=float(keys["high_freq_factor"]),
                    original_context=_original_context(raw, keys),
                )
            case "yarn":
                return _yarn(raw, keys)
    except KeyError as missing:
        raise ModelFileError(
            f"{name}: config.json asks for the rotary scaling '{kind}' but has no {missing}: "
            "fetch the file again"
        ) from None
    raise ModelFileError(
        f"{name}: config.json asks for the rotary scaling '{kind}', which this engine does not "
        "run (it runs linear, llama3 and yarn): choose another model"
    )


def _yarn(raw: Mapping[str, Any], keys: Mapping[str, Any]) -> Yarn:
    context = _original_context(raw, keys)
    factor = float(keys["factor"] or raw["max_position_embeddings"] / context)
    attention_factor = keys.get("attention_factor")
    if attention_factor is None:
        attention_factor = mscale(factor)
        above, below = keys.get("mscale"), keys.get("mscale_all_dim")
        if above and below:
            attention_factor = mscale(factor, above) / mscale(factor, below)
    return Yarn(
        factor=factor,
        original_context=context,
        attention_factor=float(attention_factor),
        beta_fast=float(keys.get("beta_fast") or 32),
        beta_slow=float(keys.get("beta_slow") or 1),
        truncate=bool(keys.get("truncate", True)),
    )


def _original_context(raw: Mapping[str, Any], keys: Mapping[str, Any]) -> int:
    for place in (raw, keys):
        if place.get("original_max_position_embeddings"):
            return int(place["original_max_position_embeddings"])
    return int(raw["max_position_embeddings"])
