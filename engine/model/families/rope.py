"""The rotary keys of a config.json, which all families share.

Two layouts are about: `rope_theta` beside `rope_scaling` (whose kind is under `rope_type` or
`type`), and one `rope_parameters` with everything in it.
"""

import math

from engine.model.config import LinearScaling, Llama3Scaling, Rotary, Yarn
from engine.model.families.keys import ConfigKeys

THETA = 10_000.0  # where a file names none


def read_rotary(
    keys: ConfigKeys, dim: int, theta: float = THETA, interleaved: bool = False
) -> Rotary:
    """The rotary embedding of the first `dim` numbers of a head.

    Raises ModelFileError for a scaling that this engine does not run (longrope, …).
    """
    section = rope_section(keys)
    base = section.number("rope_theta", keys.number("rope_theta", theta))
    return Rotary(dim, base, interleaved, _scaling(keys, section))


def rope_section(keys: ConfigKeys) -> ConfigKeys:
    """What describes the scaling, from either layout; without keys where there is none."""
    section = keys.section("rope_parameters") or keys.section("rope_scaling")
    return section or ConfigKeys({}, keys.model, "rope_scaling.")


def rope_type(section: ConfigKeys) -> str:
    return str(section.get("rope_type") or section.get("type") or "default")


def mscale(factor: float, weight: float = 1.0) -> float:
    """YaRN's correction of the scores' temperature (arXiv 2309.00071, equation 22)."""
    return 1.0 if factor <= 1 else 0.1 * weight * math.log(factor) + 1.0


def _scaling(keys: ConfigKeys, section: ConfigKeys) -> LinearScaling | Llama3Scaling | Yarn | None:
    match rope_type(section):
        case "default" | "dynamic":
            return None  # dynamic: changes only texts longer than max_position_embeddings
        case "linear":
            return LinearScaling(section.number("factor"))
        case "llama3":
            return Llama3Scaling(
                factor=section.number("factor"),
                low_frequency_factor=section.number("low_freq_factor"),
                high_frequency_factor=section.number("high_freq_factor"),
                original_context=_original_context(keys, section),
            )
        case "yarn":
            return _yarn(keys, section)
        case other:
            key = "rope_type" if section.get("rope_type") else "type"
            raise section.wrong(key, f"is {other!r}; this engine computes linear, llama3 and yarn")


def _yarn(keys: ConfigKeys, section: ConfigKeys) -> Yarn:
    context = _original_context(keys, section)
    factor = section.optional_number("factor")
    if factor is None:
        factor = keys.integer("max_position_embeddings") / context
    attention_factor = section.optional_number("attention_factor")
    if attention_factor is None:
        attention_factor = mscale(factor)
        above, below = section.get("mscale"), section.get("mscale_all_dim")
        if above and below:
            attention_factor = mscale(factor, above) / mscale(factor, below)
    return Yarn(
        factor=factor,
        original_context=context,
        attention_factor=attention_factor,
        beta_fast=section.number("beta_fast", 32.0),
        beta_slow=section.number("beta_slow", 1.0),
        truncate=section.flag("truncate", True),
    )


def _original_context(keys: ConfigKeys, section: ConfigKeys) -> int:
    """Some families keep it beside the scaling, where it has precedence."""
    key = "original_max_position_embeddings"
    return (
        keys.optional_integer(key)
        or section.optional_integer(key)
        or keys.integer("max_position_embeddings")
    )
