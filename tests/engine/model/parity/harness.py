"""Compares a checkpoint loaded by the engine with transformers' model of the same weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import engine
from engine.model.batch import BLOCK_TOKENS, Chunk
from engine.model.model import Model
from engine.model.precision import Precision
from tests.engine.model.parity import checkpoint
from tests.engine.model.parity.variants import TINY, Variant

STEPS = 64
PROMPT = 45  # longer than every window and than the contexts that scaled rotary models start from
PIECES = (7, 32, 1, 16)  # tokens a sequence has computed in one forward pass, in turn


@dataclass(frozen=True)
class Difference:
    """Of two sets of logits [tokens, vocab], relative to the reference's range."""

    largest: float
    rms: float
    agreeing: int  # of the last STEPS positions: the same most likely token


class Checked:
    """A variant's checkpoint, and what transformers computes of it in float32."""

    def __init__(self, variant: Variant, folder: Path) -> None:
        self.variant = variant
        self.folder = folder
        self.reference = checkpoint.write(variant, folder)
        self.text = self.continued(_prompt(0, PROMPT))
        self.logits = transformers_logits(self.reference, self.text)

    def continued(self, prompt: list[int]) -> list[int]:
        """The prompt and the STEPS tokens that transformers finds most likely after it."""
        generated = self.reference.generate(
            torch.tensor([prompt]), max_new_tokens=STEPS, do_sample=False, use_cache=True
        )
        return [int(token) for token in generated[0]]

    def load(self, precision: Precision) -> Model:
        return engine.load(self.folder, precision)

    def difference(self, precision: Precision) -> Difference:
        return compare(self.load(precision).logits(self.text[:-1]), self.logits)

    def bfloat16_difference(self) -> Difference:
        """What transformers itself loses in bfloat16."""
        rounded = checkpoint.build(self.variant, torch.bfloat16)
        rounded.load_state_dict(self.reference.state_dict())
        exact = dict(self.reference.named_buffers())
        for name, buffer in rounded.named_buffers():
            if name.endswith("e_score_correction_bias"):  # from_pretrained leaves it in float32
                buffer.data = exact[name]
        return compare(transformers_logits(rounded, self.text), self.logits)


def compare(logits: Tensor, reference: Tensor) -> Difference:
    assert logits.shape == reference.shape
    assert logits.isfinite().all()
    difference = (logits - reference) / (reference.max() - reference.min())
    same = logits[-STEPS:].argmax(-1) == reference[-STEPS:].argmax(-1)
    return Difference(
        float(difference.abs().max()), float(difference.square().mean().sqrt()), int(same.sum())
    )


@torch.inference_mode()
def transformers_logits(model: Any, text: Sequence[int]) -> Tensor:
    """Logits [tokens - 1, vocab] of all but the last token, in one pass without a cache."""
    logits: Tensor = model(torch.tensor([text[:-1]]), use_cache=False).logits[0]
    return logits.float()


def greedy(model: Model, prompts: Sequence[list[int]]) -> list[list[int]]:
    """Prompts with STEPS tokens more, computed together, in pieces, through one shared cache.

    The sequences' blocks lie scattered in it, and their lengths differ.
    """
    room = [_blocks(len(prompt) + STEPS) for prompt in prompts]
    order = torch.randperm(sum(room), generator=torch.Generator().manual_seed(3)).tolist()
    blocks = [[order.pop() for _ in range(count)] for count in room]
    cache = model.new_cache(sum(room))
    texts = [list(prompt) for prompt in prompts]
    done, turn = [0] * len(texts), 0
    while any(len(t) < len(p) + STEPS for t, p in zip(texts, prompts, strict=True)):
        chunks, rows = [], []
        for i, text in enumerate(texts):
            if len(text) < len(prompts[i]) + STEPS:
                piece = text[done[i] : done[i] + PIECES[turn % len(PIECES)]]
                chunks.append(Chunk(piece, done[i], blocks[i]))
                rows.append(i)
        logits = model.forward(chunks, cache).logits
        for row, i in enumerate(rows):
            done[i] += len(chunks[row].token_ids)
            if done[i] == len(texts[i]):
                texts[i].append(int(logits[row].argmax()))
        turn += 1
    return texts


def second_prompt() -> list[int]:
    return _prompt(1, 19)


def _prompt(seed: int, length: int) -> list[int]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, TINY["vocab_size"], (length,), generator=generator).tolist()


def _blocks(tokens: int) -> int:
    return -(-tokens // BLOCK_TOKENS)
