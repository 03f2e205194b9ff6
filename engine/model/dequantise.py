"""Weights that checkpoints store in fewer bits, made into floating point."""

import numpy as np
import torch
from torch import Tensor

# The sixteen values of a 4-bit float: a sign, two bits of exponent, one of fraction.
_E2M1 = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
_E2M1_PAIRS = np.array(
    [
        [(_E2M1 + tuple(-v for v in _E2M1))[nibble] for nibble in (byte & 15, byte >> 4)]
        for byte in range(256)
    ],
    dtype=np.float32,
)
_INT4_PAIRS = np.array(
    [[nibble - 8 for nibble in (byte & 15, byte >> 4)] for byte in range(256)], dtype=np.float32
)


def fp8_blocks(weight: Tensor, scale: Tensor, block: tuple[int, int]) -> Tensor:
    """DeepSeek's 8-bit floats: weight [rows, columns] times its block's scale, float32.

    `scale` [⌈rows / block[0]⌉, ⌈columns / block[1]⌉], called weight_scale_inv in the files; blocks
    at the lower and right edges may be smaller.
    """
    columns = weight.shape[1]
    # A table of 256 values is faster than torch's own conversion of 8-bit floats.
    table = torch.arange(256, dtype=torch.uint8).view(weight.dtype).float().numpy()
    values = torch.from_numpy(table[weight.view(torch.uint8).numpy()])
    across = scale.float().repeat_interleave(block[1], dim=1)[:, :columns]
    for band, factors in zip(values.split(block[0]), across, strict=True):
        band *= factors
    return values


def mxfp4(blocks: Tensor, scales: Tensor) -> Tensor:
    """OCP microscaling 4-bit floats, bfloat16, which holds every one of their values.

    blocks [..., groups, 16], two numbers a byte, the low half first; scales [..., groups],
    exponent + 127. Gives [..., groups · 32].
    """
    pairs = torch.from_numpy(_E2M1_PAIRS[blocks.numpy()])  # [..., groups, 16, 2]
    power = torch.exp2(scales.float() - 127)
    return pairs.flatten(-2).mul_(power[..., None]).to(torch.bfloat16).flatten(-2)


def int4_groups(packed: Tensor, scale: Tensor, columns: int) -> Tensor:
    """compressed-tensors' `pack-quantized` 4-bit integers, float32 [rows, columns].

    packed [rows, ⌈columns / 8⌉] int32, the lowest bits first, each value + 8; scale [rows, groups],
    a group being as many columns as divide evenly over them.
    """
    rows, groups = scale.shape
    pairs = torch.from_numpy(_INT4_PAIRS[packed.contiguous().view(torch.uint8).numpy()])
    values = pairs.view(rows, -1)[:, :columns].unflatten(1, (groups, -1))
    scaled: Tensor = values * scale.float()[..., None]
    return scaled.flatten(1)
