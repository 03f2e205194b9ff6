"""A GGUF file as Weights."""

import torch
from torch import Tensor

from engine.model.errors import ModelFileError
from engine.model.gguf_file import GgufFile
from engine.model.weights import ExpertWeights

_NAMES = {"embedding": "token_embd", "head": "output", "final_norm": "output_norm"}
_LAYER_NAMES = {
    "attention_norm": "attn_norm",
    "q": "attn_q",
    "k": "attn_k",
    "v": "attn_v",
    "o": "attn_output",
    "ffn_norm": "ffn_norm",
    "gate": "ffn_gate",
    "up": "ffn_up",
    "down": "ffn_down",
}


class GgufWeights:
    """Tensors of a Llama-style file, as float32."""

    def __init__(self, file: GgufFile) -> None:
        self.source = str(file.path)
        self._file = file

    def tensor(self, name: str) -> Tensor:
        return torch.from_numpy(self._file.tensor(_stored_name(name)).dequantised())

    def expert(self, layer: int, expert: int) -> ExpertWeights:
        raise ModelFileError(f"{self.source} has no routed experts.")


def _stored_name(name: str) -> str:
    if name in _NAMES:
        return _NAMES[name]
    _, layer, part = name.split(".")
    return f"blk.{layer}.{_LAYER_NAMES[part]}"
