"""What a family's safetensors files call things. Knows nothing of torch and reads no file.

A name is a pattern with {layer}, and with {expert} where every routed expert has tensors of its
own. Files of one family differ with their age, so a thing may have several names, to be tried in
order; likewise the layouts of routed experts.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from engine.model.config import ModelConfig


@dataclass(frozen=True)
class Half:
    """The first or second half of a tensor's rows: files that keep gate and up as one matrix."""

    name: str
    second: bool


Source = str | Half


class Layout:
    """How a file holds a layer's routed experts. Every field that is a string names a tensor."""

    def names(self) -> tuple[str, ...]:
        return tuple(value for value in vars(self).values() if isinstance(value, str))

    def filled(self, layer: int, expert: int) -> Self:
        """The same with {layer} and {expert} filled in."""
        fields = {
            key: value.replace("{layer}", str(layer)).replace("{expert}", str(expert))
            if isinstance(value, str)
            else value
            for key, value in vars(self).items()
        }
        return type(self)(**fields)


@dataclass(frozen=True)
class PerExpert(Layout):
    """Three matrices an expert: gate and up [neurons, hidden], down [hidden, neurons]."""

    gate: str
    up: str
    down: str


@dataclass(frozen=True)
class Fused(Layout):
    """All experts of a layer in one tensor, gate and up together.

    gate_up [experts, 2 · neurons, hidden], down [experts, hidden, neurons], their biases
    [experts, 2 · neurons] and [experts, hidden]. `transposed`: each expert's matrices are stored
    [in, out]. `interleaved`: gate and up take turns, gate first, instead of one after the other.
    """

    gate_up: str
    down: str
    gate_up_bias: str | None = None
    down_bias: str | None = None
    transposed: bool = False
    interleaved: bool = False


@dataclass(frozen=True)
class Mxfp4(Layout):
    """Fused in 4-bit floats, 32 to a shared power of two (OCP microscaling formats, MXFP4).

    Blocks [experts, out, in / 32, 16] of bytes, two numbers in each, the low nibble first; scales
    [experts, out, in / 32], exponents + 127. Biases as in `Fused`.
    """

    gate_up_blocks: str
    gate_up_scales: str
    down_blocks: str
    down_scales: str
    gate_up_bias: str | None = None
    down_bias: str | None = None
    interleaved: bool = False


ExpertLayout = PerExpert | Fused | Mxfp4


@dataclass(frozen=True)
class Family:
    """One architecture.

    `config` reads a parsed config.json, given the model's name for messages, and raises
    ModelFileError where a key is missing or makes no sense. `names`: our name of a tensor
    (engine/model/weights.py) with "layers.{layer}." in place of "layers.3.", to the file's.
    """

    config: Callable[[dict[str, Any], str], ModelConfig]
    names: Mapping[str, Source | tuple[Source, ...]]
    layouts: tuple[ExpertLayout, ...] = ()

    def sources(self, name: str) -> tuple[Source, ...]:
        """What the file may call our tensor `name` ("layers.3.q"); empty where it has none."""
        match = re.match(r"layers\.(\d+)\.", name)
        if match is None:
            return _several(self.names.get(name, ()))
        layer = match[1]
        pattern = "layers.{layer}." + name[match.end() :]
        return tuple(_fill(source, layer) for source in _several(self.names.get(pattern, ())))


def _several(sources: Source | tuple[Source, ...]) -> tuple[Source, ...]:
    return sources if isinstance(sources, tuple) else (sources,)


def _fill(source: Source, layer: str) -> Source:
    if isinstance(source, Half):
        return replace(source, name=source.name.replace("{layer}", layer))
    return source.replace("{layer}", layer)


# Names that most families share.

ENDS: dict[str, Source] = {
    "embedding": "model.embed_tokens.weight",
    "head": "lm_head.weight",
    "final_norm": "model.norm.weight",
    "layers.{layer}.attention_norm": "model.layers.{layer}.input_layernorm.weight",
    "layers.{layer}.ffn_norm": "model.layers.{layer}.post_attention_layernorm.weight",
}

GROUPED_ATTENTION: dict[str, Source] = {
    f"layers.{{layer}}.{ours}": f"model.layers.{{layer}}.self_attn.{theirs}"
    for ours, theirs in {
        "q": "q_proj.weight",
        "k": "k_proj.weight",
        "v": "v_proj.weight",
        "o": "o_proj.weight",
        "q_bias": "q_proj.bias",
        "k_bias": "k_proj.bias",
        "v_bias": "v_proj.bias",
        "o_bias": "o_proj.bias",
        "q_norm": "q_norm.weight",
        "k_norm": "k_norm.weight",
    }.items()
}

DENSE: dict[str, Source] = {
    "layers.{layer}.gate": "model.layers.{layer}.mlp.gate_proj.weight",
    "layers.{layer}.up": "model.layers.{layer}.mlp.up_proj.weight",
    "layers.{layer}.down": "model.layers.{layer}.mlp.down_proj.weight",
}

ROUTER: dict[str, Source] = {"layers.{layer}.router": "model.layers.{layer}.mlp.gate.weight"}

# transformers saves each expert's matrices (PerExpert) and holds them fused in memory; files
# written straight from memory keep the fused names.
EXPERT_LAYOUTS: tuple[ExpertLayout, ...] = (
    PerExpert(
        gate="model.layers.{layer}.mlp.experts.{expert}.gate_proj.weight",
        up="model.layers.{layer}.mlp.experts.{expert}.up_proj.weight",
        down="model.layers.{layer}.mlp.experts.{expert}.down_proj.weight",
    ),
    Fused(
        gate_up="model.layers.{layer}.mlp.experts.gate_up_proj",
        down="model.layers.{layer}.mlp.experts.down_proj",
    ),
)
