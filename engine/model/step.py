"""What all layers of one forward pass share: who is where, computed once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from engine.model.batch import BLOCK_TOKENS, Chunk
from engine.model.config import Rotary
from engine.model.rotary import rotary_at


@dataclass(frozen=True)
class Span:
    """Queries that are computed together: some sequences' tokens, equally many of each.

    `rows` of the pass's tokens, sequence after sequence; `slots` [sequences, length] are the cache
    positions they may look at, padded with their first one; `ages` [sequences, queries, length]
    how many positions a slot lies before the query: negative for what comes later and for padding.
    """

    rows: slice | Tensor
    slots: Tensor
    ages: Tensor
    _masks: dict[tuple[int | None, torch.dtype], Tensor] = field(default_factory=dict)

    def mask(self, window: int | None, dtype: torch.dtype) -> Tensor:
        """To add to scores: 0 for what a query sees, -∞ else, [sequences, queries, length].

        Layers with equal windows share it.
        """
        if (window, dtype) not in self._masks:
            hidden = self.ages < 0
            if window is not None:
                hidden = hidden | (self.ages >= window)
            nothing = torch.zeros(1, dtype=dtype)
            self._masks[window, dtype] = nothing.masked_fill(hidden, float("-inf"))
        return self._masks[window, dtype]


class Step:
    """One pass over `chunks`. `write` [tokens] are the cache positions of the new tokens."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self.chunks = chunks
        self.lengths = [len(chunk.token_ids) for chunk in chunks]
        slots = [_slots(chunk) for chunk in chunks]
        self._slots = slots
        self.write = torch.cat([s[c.start :] for s, c in zip(slots, chunks, strict=True)])
        self.positions = torch.cat(
            [torch.arange(c.start, len(s)) for s, c in zip(slots, chunks, strict=True)]
        )
        self._turns: dict[Rotary, tuple[Tensor, Tensor]] = {}

    @cached_property
    def token_ids(self) -> Tensor:
        return torch.tensor([i for chunk in self.chunks for i in chunk.token_ids])

    @cached_property
    def last(self) -> Tensor:
        """Each chunk's last row."""
        return torch.tensor(self.lengths).cumsum(0) - 1

    @cached_property
    def spans(self) -> list[Span]:
        """Sequences that decode (one new token) all in one, every other one by itself."""
        starts = [0, *torch.tensor(self.lengths).cumsum(0).tolist()]
        spans = []
        for i, length in enumerate(self.lengths):
            if length > 1:
                queries = torch.arange(self.chunks[i].start, len(self._slots[i]))
                ages = queries[:, None] - torch.arange(len(self._slots[i]))
                rows = slice(starts[i], starts[i] + length)
                spans.append(Span(rows, self._slots[i][None], ages[None]))
        single = [i for i, length in enumerate(self.lengths) if length == 1]
        if single:
            slots = torch.nn.utils.rnn.pad_sequence([self._slots[i] for i in single], True)
            ends = torch.tensor([len(self._slots[i]) for i in single])
            ages = ends[:, None] - 1 - torch.arange(slots.shape[1])
            # Padding looks at the sequence's own first position: memory that was never written may
            # hold NaN, which no weight of 0 takes away.
            slots = torch.where(ages >= 0, slots, slots[:, :1])
            spans.append(Span(torch.tensor([starts[i] for i in single]), slots, ages[:, None]))
        return spans

    def turns(self, rotary: Rotary, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Cosines and sines [tokens, dim / 2] of the new tokens' positions."""
        if rotary not in self._turns:
            cos, sin = rotary_at(rotary, self.positions)
            self._turns[rotary] = cos.to(dtype), sin.to(dtype)
        return self._turns[rotary]


def _slots(chunk: Chunk) -> Tensor:
    """Cache positions of the sequence's tokens from 0 to the chunk's end."""
    blocks = torch.tensor(chunk.blocks)[:, None] * BLOCK_TOKENS + torch.arange(BLOCK_TOKENS)
    return blocks.flatten()[: chunk.start + len(chunk.token_ids)]
