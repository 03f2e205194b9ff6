"""The compiled forward pass: packs the weights once, then one call a step."""

import ctypes
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from engine.model.batch import BLOCK_TOKENS, Chunk, Forward
from engine.model.config import Attention, Dense, ModelConfig, Rotary
from engine.model.errors import ModelFileError
from engine.model.gguf_weights import GgufWeights
from engine.model.kernels.build import NoKernel, instructions, library
from engine.model.kernels.packing import (
    BLOCK,
    TILE,
    Arena,
    Blocks,
    CMatrix,
    Packed,
    concatenated,
    from_gguf,
    pack,
    rounded,
)
from engine.model.rotary import rotary_table
from engine.model.routing import Routing

_MAX_TOKENS = 256  # in one call; more go in several


class CShape(ctypes.Structure):
    """`struct Shape` of decoder.cpp."""

    _fields_ = (
        *((n, ctypes.c_int32) for n in ("layers", "hidden", "neurons", "heads", "kv_heads")),
        *((n, ctypes.c_int32) for n in ("head_dim", "vocab", "max_tokens")),
        ("norm_eps", ctypes.c_float),
    )


class CLayer(ctypes.Structure):
    """`struct Layer` of decoder.cpp."""

    _fields_ = (
        *((n, ctypes.c_void_p) for n in ("attn_norm", "ffn_norm")),
        *((n, CMatrix) for n in ("qkv", "o", "gate", "up", "down")),
        *((n, ctypes.c_int32) for n in ("routed", "shared_blocks", "expert_blocks", "rank")),
        *((n, ctypes.c_void_p) for n in ("router", "correction_in", "correction_out")),
        *((n, ctypes.c_void_p) for n in ("router_bias", "correction_bias")),
    )


class CCall(ctypes.Structure):
    """`struct Call` of decoder.cpp."""

    _fields_ = (
        *((n, ctypes.c_int32) for n in ("tokens", "outputs")),
        *((n, ctypes.c_void_p) for n in ("token_ids", "positions", "table_starts", "tables")),
        ("per_token", ctypes.c_void_p),
        ("correction_scale", ctypes.c_float),
        *((n, ctypes.c_void_p) for n in ("output_rows", "cache")),
        ("cache_blocks", ctypes.c_int64),
        *((n, ctypes.c_void_p) for n in ("logits", "chosen")),
    )


class KernelLlama:
    """Weights in 4 bits as the GGUF file has them, activations in 15, cache in bfloat16.

    A carving's order takes the down projection's blocks apart, so that is rounded to 8 bits. Logits
    then stay as close to float32 as those of bfloat16 do, and ten times closer without a carving.
    Raises NoKernel where there is no compiler or the model's sizes do not fit the kernel's tiles.
    """

    def __init__(
        self,
        config: ModelConfig,
        weights: GgufWeights,
        routing: Routing,
        threads: int,
        folder: Path,
        target: str = "native",
    ) -> None:
        self._attention, self._neurons = _uniform_block(config)
        _check_sizes(config, self._attention, self._neurons, routing)
        self._library = library(folder, target)
        self.config = config
        self.routing = routing
        self._kept: list[NDArray[np.generic]] = []  # what the kernel has pointers to
        self._packed: list[Packed] = []
        self._arena = Arena()
        layers = (CLayer * config.layers)(*(self._layer(weights, i) for i in range(config.layers)))
        embedding = _blocks(weights, "embedding")
        embedding = embedding if embedding.bits == 8 else rounded(embedding.dequantised())
        head = self._pack(embedding)
        table = head
        if not config.tied_head:
            head = self._pack(_blocks(weights, "head"))
        attention = self._attention
        table_of_angles = rotary_table(attention.rotary, config.context_length)
        rotary = torch.cat(table_of_angles, dim=1).numpy()
        shape = CShape(
            *(config.layers, config.hidden, self._neurons, attention.heads, attention.kv_heads),
            *(attention.head_dim, config.vocab_size, _MAX_TOKENS, config.norm_eps),
        )
        self._library.breakeven_create.restype = ctypes.c_void_p
        self._decoder = ctypes.c_void_p(
            self._library.breakeven_create(
                ctypes.byref(shape),
                layers,
                ctypes.c_void_p(self._floats(weights.tensor("final_norm").numpy())),
                ctypes.byref(table),
                ctypes.byref(head),
                ctypes.c_void_p(self._floats(rotary)),
                ctypes.c_int(threads),
            )
        )

    @property
    def instructions(self) -> str:
        """Which of the processor's instructions the products use, in words."""
        return instructions(self._library)

    def close(self) -> None:
        """Ends the kernel's threads."""
        self._library.breakeven_destroy(self._decoder)

    @property
    def weight_bytes(self) -> int:
        """Bytes of weights in memory."""
        return sum(p.nbytes for p in self._packed) + sum(array.nbytes for array in self._kept)

    def _floats(self, array: NDArray[np.float32]) -> int:
        kept = np.ascontiguousarray(array, dtype=np.float32)
        self._kept.append(kept)
        return kept.ctypes.data

    def _bfloat16(self, tensor: torch.Tensor) -> int:
        kept = tensor.bfloat16().contiguous().view(torch.uint16).numpy()
        self._kept.append(kept)
        return kept.ctypes.data

    def _pack(self, blocks: Blocks, by_block: bool = False) -> CMatrix:
        packed = pack(blocks, self._arena, by_block)
        self._packed.append(packed)
        return packed.c

    def _layer(self, weights: GgufWeights, index: int) -> CLayer:
        def read(part: str) -> Blocks:
            return _blocks(weights, f"layers.{index}.{part}")

        def norm(part: str) -> int:
            return self._floats(weights.tensor(f"layers.{index}.{part}").numpy())

        layer = CLayer(
            attn_norm=norm("attention_norm"),
            ffn_norm=norm("ffn_norm"),
            qkv=self._pack(concatenated(*(read(part) for part in "qkv"))),
            o=self._pack(read("o")),
        )
        gate, up, down = read("gate"), read("up"), read("down")
        carving = self.routing.carving
        if carving is None:
            layer.shared_blocks = self._neurons // BLOCK
        else:
            order = carving.order[index].numpy()
            gate, up = gate.rows(order), up.rows(order)
            # Its blocks of 32 inputs are 32 neurons, which the new order takes apart.
            down = rounded(down.dequantised()[:, order])
            layer.routed = carving.routed
            layer.shared_blocks = carving.shared * carving.expert // BLOCK
            layer.expert_blocks = carving.expert // BLOCK
            layer.rank = carving.correction_a.shape[1]
            layer.router = self._bfloat16(carving.router_weight[index])
            layer.router_bias = self._floats(carving.router_bias[index].numpy())
            layer.correction_in = self._bfloat16(carving.correction_a[index])
            layer.correction_out = self._bfloat16(carving.correction_b[index].T)
            layer.correction_bias = self._floats(carving.correction_bias[index].numpy())
        layer.gate, layer.up, layer.down = self._pack(gate), self._pack(up), self._pack(down, True)
        return layer

    def new_cache(self, blocks: int) -> NDArray[np.uint16]:
        """bfloat16 as its bits; pages never written take no memory."""
        a = self._attention
        return np.zeros(
            (self.config.layers, blocks, a.kv_heads, 2, BLOCK_TOKENS * a.head_dim), dtype=np.uint16
        )

    def forward(
        self, chunks: Sequence[Chunk], cache: NDArray[np.uint16], every_token: bool = False
    ) -> Forward:
        """Computes the chunks and writes their keys and values into the cache."""
        lengths = [len(chunk.token_ids) for chunk in chunks]
        ends = list(accumulate(lengths))
        token_ids = np.array([i for chunk in chunks for i in chunk.token_ids], np.int32)
        positions = np.concatenate(
            [
                np.arange(c.start, c.start + n, dtype=np.int32)
                for c, n in zip(chunks, lengths, strict=True)
            ]
        )
        tables = np.array([block for chunk in chunks for block in chunk.blocks], np.int32)
        starts = accumulate((len(chunk.blocks) for chunk in chunks[:-1]), initial=0)
        table_starts = np.repeat(np.array(list(starts), np.int32), lengths)
        wanted = np.arange(ends[-1]) if every_token else np.array(ends) - 1
        logits = torch.empty(len(wanted), self.config.vocab_size)
        chosen = np.zeros((ends[-1], self.config.layers, self.routing.routed), np.uint8)
        for begin in range(0, ends[-1], _MAX_TOKENS):
            part = slice(begin, min(begin + _MAX_TOKENS, ends[-1]))
            found = np.searchsorted(wanted, (part.start, part.stop))
            self._call(
                token_ids[part],
                positions[part],
                table_starts[part],
                tables,
                (wanted[slice(*found)] - begin).astype(np.int32),
                cache,
                logits[slice(*found)],
                chosen[part],
            )
        counts = np.add.reduceat(chosen, [0, *ends[:-1]], axis=0, dtype=np.int32)
        return Forward(logits, counts)

    def _call(
        self,
        token_ids: NDArray[np.int32],
        positions: NDArray[np.int32],
        table_starts: NDArray[np.int32],
        tables: NDArray[np.int32],
        output_rows: NDArray[np.int32],
        cache: NDArray[np.uint16],
        logits: torch.Tensor,
        chosen: NDArray[np.uint8],
    ) -> None:
        per_token = np.array(self.routing.counts or [0] * self.config.layers, np.int32)
        call = CCall(
            tokens=len(token_ids),
            outputs=len(output_rows),
            token_ids=token_ids.ctypes.data,
            positions=positions.ctypes.data,
            table_starts=table_starts.ctypes.data,
            tables=tables.ctypes.data,
            per_token=per_token.ctypes.data,
            correction_scale=self.routing.correction_scale,
            output_rows=output_rows.ctypes.data,
            cache=cache.ctypes.data,
            cache_blocks=cache.shape[1],
            logits=logits.data_ptr(),
            chosen=chosen.ctypes.data,
        )
        self._library.breakeven_forward(self._decoder, ctypes.byref(call))


def _blocks(weights: GgufWeights, name: str) -> Blocks:
    tensor = weights.stored(name)
    blocks = from_gguf(tensor)
    if not np.isfinite(blocks.scales).all():
        raise ModelFileError(
            f"{weights.source}: {tensor.name} holds NaN or infinity; fetch it again."
        )
    return blocks


def _uniform_block(config: ModelConfig) -> tuple[Attention, int]:
    """The attention and the feed-forward width that every block has, or NoKernel."""
    block = config.blocks[0]
    plain = (
        isinstance(block.attention, Attention)
        and isinstance(block.feed_forward, Dense)
        and all(other == block for other in config.blocks)
        and (config.embedding_multiplier, config.residual_multiplier) == (1, 1)
        and config.logits_divisor == 1
    )
    if not plain:
        raise NoKernel("the model is not a plain Llama")
    assert isinstance(block.attention, Attention)
    assert isinstance(block.feed_forward, Dense)
    attention, rotary = block.attention, block.attention.rotary
    usual = Attention(
        *(attention.heads, attention.kv_heads, attention.head_dim, attention.head_dim**-0.5),
        Rotary(attention.head_dim, rotary.theta, interleaved=True, scaling=rotary.scaling),
    )
    if attention != usual:
        raise NoKernel("the model's attention is not a plain Llama's")
    return attention, block.feed_forward.neurons


def _check_sizes(config: ModelConfig, attention: Attention, neurons: int, routing: Routing) -> None:
    group, rest = divmod(attention.heads, attention.kv_heads)
    fits = (
        config.hidden % BLOCK == 0
        and neurons % BLOCK == 0
        and attention.heads * attention.head_dim % BLOCK == 0
        and attention.kv_heads * attention.head_dim % TILE == 0
        and attention.head_dim % 64 == 0
        and rest == 0
        and group <= 8
        and (routing.carving is None or routing.carving.expert % BLOCK == 0)
    )
    if not fits:
        raise NoKernel("the model's sizes do not fit the kernel's tiles of 16 by 32")
