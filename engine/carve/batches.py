"""Sequences of tokens in batches, padded on the right (which a causal model never sees)."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Sequence:
    ids: list[int]
    answer_start: int  # tokens before this one are given; from it on they are predicted


@dataclass(frozen=True)
class Batch:
    ids: Tensor  # [sequences, length]
    valid: Tensor  # the same shape: True where a token is, False where padding is
    predicts: Tensor  # the same shape: True where the next token counts


def batch(sequences: list[Sequence]) -> Batch:
    length = max(len(sequence.ids) for sequence in sequences)
    ids = torch.zeros((len(sequences), length), dtype=torch.long)
    valid = torch.zeros_like(ids, dtype=torch.bool)
    predicts = torch.zeros_like(valid)
    for row, sequence in enumerate(sequences):
        end = len(sequence.ids)
        ids[row, :end] = torch.tensor(sequence.ids)
        valid[row, :end] = True
        predicts[row, max(sequence.answer_start, 1) - 1 : end - 1] = True
    return Batch(ids, valid, predicts)


def batches(sequences: list[Sequence], tokens: int) -> list[Batch]:
    """Groups sequences of similar length into batches of about that many tokens."""
    groups: list[list[Sequence]] = [[]]
    for sequence in sorted(sequences, key=lambda sequence: len(sequence.ids)):
        if groups[-1] and (len(groups[-1]) + 1) * len(sequence.ids) > tokens:
            groups.append([])
        groups[-1].append(sequence)
    return [batch(group) for group in groups]
