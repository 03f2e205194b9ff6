"""A GGUF file as Weights."""

from dataclasses import replace

import torch
from torch import Tensor

from engine.model.config import Experts, LatentAttention, ModelConfig
from engine.model.errors import ModelFileError
from engine.model.gguf_file import GgufFile, GgufTensor
from engine.model.shapes import expert_shapes, shape_of
from engine.model.tensor_check import TensorCheck
from engine.model.weights import ExpertWeights

_NAMES = {"embedding": "token_embd", "head": "output", "final_norm": "output_norm"}
_LAYER_NAMES = {
    "attention_norm": "attn_norm",
    "q": "attn_q",
    "k": "attn_k",
    "v": "attn_v",
    "o": "attn_output",
    "q_norm": "attn_q_norm",
    "k_norm": "attn_k_norm",
    "q_a": "attn_q_a",
    "q_a_norm": "attn_q_a_norm",
    "q_b": "attn_q_b",
    "kv_a": "attn_kv_a_mqa",
    "kv_a_norm": "attn_kv_a_norm",
    "kv_b": "attn_kv_b",
    "ffn_norm": "ffn_norm",
    "gate": "ffn_gate",
    "up": "ffn_up",
    "down": "ffn_down",
    "router": "ffn_gate_inp",
    "shared.gate": "ffn_gate_shexp",
    "shared.up": "ffn_up_shexp",
    "shared.down": "ffn_down_shexp",
    "shared_gate": "ffn_gate_inp_shexp",
}


class GgufWeights:
    """Tensors of a file, as float32.

    Raises ModelFileError where one is missing, of another shape than `config` asks for, or not
    finite.
    """

    def __init__(self, file: GgufFile, config: ModelConfig) -> None:
        self.source = str(file.path)
        self._tensors, self._config = file.tensors, config
        self._check = TensorCheck("the file's header")

    def tensor(self, name: str) -> Tensor:
        if name.endswith(".kv_b") and self._stored_name(name) not in self._tensors:
            return self._joined_kv(int(name.split(".")[1]))
        return self._dequantised(self.stored(name))

    def stored(self, name: str) -> GgufTensor:
        """As the file has it, of the right shape."""
        shape = self._shape(name)
        if name.endswith(".shared_gate"):  # some writers keep this one row as a vector
            return self._found(self._stored_name(name), shape, as_vector=True)
        return self._found(self._stored_name(name), shape)

    def expert(self, layer: int, expert: int) -> ExpertWeights:
        experts = self._config.blocks[layer].feed_forward
        assert isinstance(experts, Experts), f"layer {layer} is dense"
        shapes = expert_shapes(experts, self._config.hidden)

        def read(part: str) -> Tensor:
            together = f"blk.{layer}.ffn_{part}_exps.weight"
            if together in self._tensors:
                tensor = self._found(together, (experts.count, *shapes[part]))
                return self._dequantised(tensor[expert], expert)
            # Files of 2024 keep them one by one.
            return self._dequantised(
                self._found(f"blk.{layer}.ffn_{part}.{expert}.weight", shapes[part])
            )

        return ExpertWeights(read("gate"), read("up"), read("down"))

    def _joined_kv(self, layer: int) -> Tensor:
        """Newer files keep what makes keys and what makes values apart, the former transposed."""
        a = self._config.blocks[layer].attention
        assert isinstance(a, LatentAttention)
        read, names = self._found, [f"blk.{layer}.attn_{part}_b.weight" for part in "kv"]
        key = self._dequantised(read(names[0], (a.heads, a.kv_rank, a.nope_dim)))
        value = self._dequantised(read(names[1], (a.heads, a.value_dim, a.kv_rank)))
        return torch.cat((key.transpose(1, 2), value), dim=1).flatten(0, 1)

    def _dequantised(self, tensor: GgufTensor, expert: int = -1) -> Tensor:
        values = torch.from_numpy(tensor.dequantised())
        return self._check.finite(values, tensor.file.path, tensor.name, expert)

    def _found(self, name: str, shape: tuple[int, ...], as_vector: bool = False) -> GgufTensor:
        try:
            tensor = self._tensors[name]
        except KeyError as error:
            raise ModelFileError(f"{self.source} has no tensor {name}; fetch it again.") from error
        if as_vector and tensor.shape == shape[1:]:
            tensor = replace(tensor, shape=shape)
        self._check.shape(tensor.shape, shape, tensor.file.path, name)
        return tensor

    def _shape(self, name: str) -> tuple[int, ...]:
        shape = shape_of(self._config, name)
        if shape is None:
            raise ModelFileError(f"{self.source} has no {name}: its architecture has none.")
        return shape

    def _stored_name(self, name: str) -> str:
        if name in _NAMES:
            return f"{_NAMES[name]}.weight"
        _, layer, part = name.split(".", 2)
        if part == "selection_bias":
            return f"blk.{layer}.exp_probs_b.bias"
        kind = "bias" if part.endswith("_bias") else "weight"
        return f"blk.{layer}.{_LAYER_NAMES[part.removesuffix('_bias')]}.{kind}"
