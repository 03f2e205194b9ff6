"""What a decoder asks of a checkpoint, whatever its file format and naming.

Names are ours. Matrices are [out, in], as torch has them:

    embedding, head (absent where tied), final_norm
    layers.N.attention_norm, layers.N.ffn_norm
    grouped-query:  layers.N.q, .k, .v, .o;  .q_bias, .k_bias, .v_bias, .o_bias;
                    .q_norm, .k_norm;  .sinks [heads]
    latent:         layers.N.q_a, .q_a_norm, .q_b (or .q);  .kv_a, .kv_a_norm, .kv_b;  .o;
                    .q_a_bias, .kv_a_bias, .o_bias
    dense:          layers.N.gate, .up, .down
    experts:        layers.N.router [experts, hidden], .router_bias, .selection_bias;
                    layers.N.shared.gate, .shared.up, .shared.down, .shared_gate [1, hidden]

A routed expert's parts come from `expert`, since files differ most in how they hold those.
"""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class ExpertWeights:
    """One routed expert: gate and up [neurons, hidden], down [hidden, neurons], and its biases."""

    gate: Tensor
    up: Tensor
    down: Tensor
    gate_bias: Tensor | None = None
    up_bias: Tensor | None = None
    down_bias: Tensor | None = None


class Weights(Protocol):
    """A checkpoint. Tensors are floating point, of the stored type where that is one.

    Where nothing has to be converted they are views of the mapped file: reading them costs no
    memory of the process's own. Both methods raise ModelFileError, naming file and tensor, where it
    is missing, cut short, of the wrong shape or not finite.
    """

    source: str  # the file or folder, for messages

    def tensor(self, name: str) -> Tensor: ...

    def expert(self, layer: int, expert: int) -> ExpertWeights: ...


@dataclass(frozen=True)
class LayerWeights:
    """One layer's part of a checkpoint, by the names above without "layers.N."."""

    weights: Weights
    layer: int

    def tensor(self, part: str) -> Tensor:
        return self.weights.tensor(f"layers.{self.layer}.{part}")

    def expert(self, expert: int) -> ExpertWeights:
        return self.weights.expert(self.layer, expert)
