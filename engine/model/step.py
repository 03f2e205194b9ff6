"""What all layers of one forward pass share: who is where, computed once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

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
            nothing = torch.zeros(1, dtype=dtype, device=hidden.device)
            self._masks[window, dtype] = nothing.masked_fill(hidden, float("-inf"))
        return self._masks[window, dtype]


@dataclass(frozen=True)
class Step:
    """One pass. All [tokens], but `last`: the row of each chunk's last token.

    `write` are the cache positions of the new tokens. Sequences that decode (one new token) are all
    in one span, every other one has its own.
    """

    token_ids: Tensor
    positions: Tensor
    write: Tensor
    last: Tensor
    spans: tuple[Span, ...]
    _turns: dict[Rotary, tuple[Tensor, Tensor]] = field(default_factory=dict)

    @classmethod
    def of(cls, chunks: Sequence[Chunk], device: torch.device) -> Self:
        slots = [_slots(chunk) for chunk in chunks]
        new = [s[c.start :] for s, c in zip(slots, chunks, strict=True)]
        ends = torch.tensor([len(part) for part in new]).cumsum(0)
        positions = [torch.arange(c.start, len(s)) for s, c in zip(slots, chunks, strict=True)]
        return cls(
            torch.tensor([i for chunk in chunks for i in chunk.token_ids], device=device),
            torch.cat(positions).to(device),
            torch.cat(new).to(device),
            (ends - 1).to(device),
            tuple(_spans(slots, positions, [0, *ends.tolist()], device)),
        )

    def turns(self, rotary: Rotary, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Cosines and sines [tokens, dim / 2] of the new tokens' positions."""
        if rotary not in self._turns:
            cos, sin = rotary_at(rotary, self.positions)
            self._turns[rotary] = cos.to(dtype), sin.to(dtype)
        return self._turns[rotary]

    # What decode_graphs.py needs: steps of which every sequence decodes.

    def padded(self, multiple: int) -> Self:
        """The same with its sequences' slots padded to a multiple of some positions."""
        (span,) = self.spans
        slots = span.slots
        missing = -slots.shape[1] % multiple
        slots = torch.cat((slots, slots[:, :1].expand(-1, missing)), dim=1)
        ages = self.positions[:, None] - torch.arange(slots.shape[1], device=slots.device)
        return replace(self, spans=(Span(span.rows, slots, ages[:, None]),), _turns={})

    def copy_from(self, other: "Step") -> None:
        """Takes over the tensors of a step of the same shape, in place."""
        for mine, theirs in zip(self._tensors(), other._tensors(), strict=True):
            mine.copy_(theirs)

    def anew(self) -> Self:
        """The same tensors, and nothing that was computed from them."""
        spans = tuple(Span(span.rows, span.slots, span.ages) for span in self.spans)
        return replace(self, spans=spans, _turns={})

    def _tensors(self) -> tuple[Tensor, ...]:
        (span,) = self.spans
        assert isinstance(span.rows, Tensor)
        own = self.token_ids, self.positions, self.write, self.last
        return *own, span.rows, span.slots, span.ages


def _spans(
    slots: list[Tensor], positions: list[Tensor], starts: list[int], device: torch.device
) -> Iterator[Span]:
    for i, queries in enumerate(positions):
        if len(queries) > 1:
            ages = queries[:, None] - torch.arange(len(slots[i]))
            rows = slice(starts[i], starts[i + 1])
            yield Span(rows, slots[i][None].to(device), ages[None].to(device))
    single = [i for i, queries in enumerate(positions) if len(queries) == 1]
    if single:
        padded = torch.nn.utils.rnn.pad_sequence([slots[i] for i in single], True)
        ages = torch.cat([positions[i] for i in single])[:, None] - torch.arange(padded.shape[1])
        # Padding looks at the sequence's own first position: memory that was never written may
        # hold NaN, which no weight of 0 takes away.
        padded = torch.where(ages >= 0, padded, padded[:, :1])
        firsts = torch.tensor([starts[i] for i in single], device=device)
        yield Span(firsts, padded.to(device), ages[:, None].to(device))


def _slots(chunk: Chunk) -> Tensor:
    """Cache positions of the sequence's tokens from 0 to the chunk's end."""
    blocks = torch.tensor(chunk.blocks)[:, None] * BLOCK_TOKENS + torch.arange(BLOCK_TOKENS)
    return blocks.flatten()[: chunk.start + len(chunk.token_ids)]
