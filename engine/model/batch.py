"""What one forward pass is asked for and what it gives: the seam between scheduler and model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

BLOCK_TOKENS = 32  # positions in a block of the key-value cache


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive tokens of one sequence.

    `start` is the first one's position; `blocks` are the cache blocks that hold positions 0, 32, …
    up to the chunk's end.
    """

    token_ids: Sequence[int]
    start: int
    blocks: Sequence[int]


@dataclass(frozen=True, slots=True)
class Forward:
    """`logits` [chunks, vocab] of each chunk's last token; [tokens, vocab] where all are wanted.

    `chosen` [chunks, layers, routed experts]: how many of the chunk's tokens chose each expert.
    """

    logits: Tensor
    chosen: NDArray[np.int32]
