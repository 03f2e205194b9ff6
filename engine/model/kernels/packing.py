"""Weights in the layout of `products.h`: tiles of 16 output rows by 32 inputs, of 4 or 8 bits."""

import ctypes
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.model.gguf_file import GgufTensor

Kind = TypeVar("Kind", bound=np.generic)
TILE = 16
BLOCK = 32
_UNEVEN = 0.05  # of a step: what a product in bfloat16 may be off


class CMatrix(ctypes.Structure):
    """`struct Matrix` of products.h."""

    _fields_ = (
        ("quants", ctypes.c_void_p),
        ("scales", ctypes.c_void_p),
        ("tiles", ctypes.c_int32),
        ("blocks", ctypes.c_int32),
        ("bits", ctypes.c_int32),
    )


@dataclass(frozen=True)
class Blocks:
    """Quantised rows before tiling: weight = d · u + m, for 8 bits with m = -128 d."""

    bits: int
    values: NDArray[np.uint8]  # u [rows, blocks, 32]
    scales: NDArray[np.float16]  # [rows, blocks, 2] d and m; [rows, blocks, 1] d

    def rows(self, order: NDArray[np.int64]) -> "Blocks":
        """These rows, in this order."""
        return Blocks(self.bits, self.values[order], self.scales[order])

    def dequantised(self) -> NDArray[np.float32]:
        """[rows, inputs]"""
        scale = self.scales.astype(np.float32)
        low = scale[..., 1:] if self.bits == 4 else -128 * scale
        return (self.values * scale[..., :1] + low).reshape(len(self.values), -1)


@dataclass(frozen=True)
class Packed:
    """Tiled weights; `c` points into the arrays, which live as long as this does."""

    quants: NDArray[np.uint8]
    scales: NDArray[np.float16]
    c: CMatrix

    @property
    def nbytes(self) -> int:
        return self.quants.nbytes + self.scales.nbytes


class Arena:
    """Memory for all of a model's weights, in pieces so large that the system gives huge pages.

    (numpy asks for them from 4 MiB on.) What is never written takes no memory.
    """

    _PIECE = 64 * 2**20

    def __init__(self) -> None:
        self._room = np.empty(0, np.uint8)

    def keep(self, array: NDArray[Kind]) -> NDArray[Kind]:
        """A contiguous copy that starts at a cache line."""
        if len(self._room) < array.nbytes + 64:
            self._room = np.empty(max(self._PIECE, array.nbytes + 64), np.uint8)
        start = -self._room.ctypes.data % 64
        copy = self._room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
        copy[...] = array
        self._room = self._room[start + array.nbytes :]
        return copy


def from_gguf(tensor: GgufTensor) -> Blocks:
    """Q4_0, Q4_1 and Q8_0 keep their very numbers; Q4_K but for its scales, which are products of
    two numbers there and one in 16 bits here. Anything else is rounded to 8 bits."""
    rows = len(tensor.data)
    match tensor.kind:
        case "Q4_0":
            raw = tensor.data.reshape(rows, -1, 18)
            scale = raw[..., :2].copy().view(np.float16)
            return Blocks(4, _nibbles(raw[..., 2:]), np.concatenate((scale, -8 * scale), axis=-1))
        case "Q4_1":
            raw = tensor.data.reshape(rows, -1, 20)
            return Blocks(4, _nibbles(raw[..., 4:]), raw[..., :4].copy().view(np.float16))
        case "Q4_K":
            return _from_q4_k(tensor.data.reshape(rows, -1, 144))
        case "Q8_0":
            raw = tensor.data.reshape(rows, -1, 34)
            return Blocks(8, raw[..., 2:] ^ np.uint8(128), raw[..., :2].copy().view(np.float16))
        case _:
            return rounded(tensor.dequantised())


def _nibbles(packed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[rows, blocks, bytes] -> [rows, blocks, 2 · bytes]: the low halves come first."""
    return np.concatenate((packed & 15, packed >> 4), axis=-1)


def _from_q4_k(raw: NDArray[np.uint8]) -> Blocks:
    """[rows, superblocks, 144]: eight blocks of 32, with 6-bit scales and offsets in units of two
    numbers that they share (struct block_q4_K of ggml-common.h)."""
    rows = len(raw)
    units = raw[..., :4].copy().view(np.float16).astype(np.float32)
    low, middle, high = np.split(raw[..., 4:16], 3, axis=-1)
    scale = np.concatenate((low & 63, high & 15 | low >> 6 << 4), axis=-1)
    offset = np.concatenate((middle & 63, high >> 4 | middle >> 6 << 4), axis=-1)
    scales = np.stack((units[..., :1] * scale, -units[..., 1:] * offset), axis=-1)
    # 32 bytes hold two blocks: one in the low halves, the next in the high ones.
    values = _nibbles(raw[..., 16:].reshape(rows, -1, 32)).reshape(rows, -1, BLOCK)
    return Blocks(4, values, scales.reshape(rows, -1, 2).astype(np.float16))


def rounded(weights: NDArray[np.float32]) -> Blocks:
    """[rows, inputs] to the nearest of 255 steps for each 32 inputs of a row."""
    blocks = weights.reshape(len(weights), -1, BLOCK)
    scales = (np.abs(blocks).max(axis=-1, keepdims=True) / 127).astype(np.float16)
    exact = scales.astype(np.float32)
    steps = np.divide(blocks, exact, out=np.zeros_like(blocks), where=exact > 0)
    values = np.clip(np.rint(steps), -127, 127) + 128
    return Blocks(8, values.astype(np.uint8), scales)


def rounded_to_4(weights: NDArray[np.float32]) -> Blocks:
    """[rows, inputs] to the nearest of 16 even steps of each 32 inputs of a row.

    The steps lie between the block's extremes, but where its numbers are on 16 even steps or fewer
    already, as those of weights are that were stored in 4 bits: there they are those very steps.
    """
    blocks = weights.reshape(len(weights), -1, BLOCK)
    low = blocks.min(axis=-1, keepdims=True)
    step = (blocks.max(axis=-1, keepdims=True) - low) / 15
    some = blocks[:: max(1, len(blocks) // 16), :16]
    if _stored_steps(some)[1].mean() > 0.5:
        found, stored = _stored_steps(blocks)
        step = np.where(stored, found, step)
    scales = np.concatenate((step, low), axis=-1).astype(np.float16)
    step, start = scales[..., :1].astype(np.float32), scales[..., 1:].astype(np.float32)
    steps = np.divide(blocks - start, step, out=np.zeros_like(blocks), where=step > 0)
    return Blocks(4, np.clip(np.rint(steps), 0, 15).astype(np.uint8), scales)


def _stored_steps(
    blocks: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The even steps that each block's numbers are on, and whether they are on 16 or fewer; both
    [rows, blocks, 1]."""
    ordered = np.sort(blocks, axis=-1)
    low, spread = ordered[..., :1], ordered[..., -1:] - ordered[..., :1]
    gaps = np.diff(ordered, axis=-1)
    gaps[gaps < spread / 64] = np.inf  # equal, but for rounding
    with np.errstate(invalid="ignore", divide="ignore"):
        step = spread / np.rint(spread / gaps.min(axis=-1, keepdims=True))
        places = (ordered - low) / step
        even = np.abs(places - np.rint(places)).max(axis=-1, keepdims=True) < _UNEVEN
    return step, even & (step * 15.5 > spread)


def concatenated(*parts: Blocks) -> Blocks:
    """Matrices of the same inputs, one below the other; mixed kinds become 8 bits."""
    if len({part.bits for part in parts}) > 1:
        return rounded(np.concatenate([part.dequantised() for part in parts]))
    values = np.concatenate([part.values for part in parts])
    return Blocks(parts[0].bits, values, np.concatenate([part.scales for part in parts]))


def pack(blocks: Blocks, arena: Arena, by_block: bool = False) -> Packed:
    """Tiles the rows; the last tile is filled with rows of zeros.

    Tiles lie [tiles, blocks], or [blocks, tiles] for a matrix of which only some blocks are read.
    """
    rows, count, _ = blocks.values.shape
    missing = -rows % TILE
    values = np.pad(blocks.values, ((0, missing), (0, 0), (0, 0)))
    scales = np.pad(blocks.scales, ((0, missing), (0, 0), (0, 0)))
    tiles = (rows + missing) // TILE
    # [tile, row, block, quad, input] -> [tile, block, quad, row, input]
    quants = values.reshape(tiles, TILE, count, 8, 4).transpose(0, 2, 3, 1, 4)
    if blocks.bits == 4:
        quants = quants[:, :, :4] | quants[:, :, 4:] << np.uint8(4)
    scales = scales.reshape(tiles, TILE, count, -1).transpose(0, 2, 3, 1)
    if by_block:
        quants, scales = quants.swapaxes(0, 1), scales.swapaxes(0, 1)
    quants, scales = arena.keep(quants), arena.keep(scales)
    matrix = CMatrix(quants.ctypes.data, scales.ctypes.data, tiles, count, blocks.bits)
    return Packed(quants, scales, matrix)
