"""Lets the dense model write answers, many chats at a time, with a KV cache."""

import time

import click
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.carve.dense import Cache, Dense, hidden_states

TEMPERATURE = 0.8  # at which answers are drawn


@torch.inference_mode()
def answers(
    model: Dense,
    prompts: list[list[int]],
    end_id: int,
    seed: int,
    longest: int = 256,
    batch: int = 128,
) -> list[list[int]]:
    """One sampled answer a prompt, in the prompts' order, with `end_id` where it was reached."""
    by_length = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    written: dict[int, list[int]] = {}
    started = time.monotonic()
    for first in range(0, len(by_length), batch):
        rows = by_length[first : first + batch]
        generator = torch.Generator().manual_seed(seed + first)
        batch_answers = _one_batch(model, [prompts[i] for i in rows], end_id, generator, longest)
        written.update(zip(rows, batch_answers, strict=True))
        tokens = sum(len(answer) for answer in written.values())
        click.echo(
            f"  {len(written)} of {len(prompts)} answers, {tokens} tokens, "
            f"{tokens / (time.monotonic() - started):.0f} tokens/s"
        )
    return [written[i] for i in range(len(prompts))]


def _one_batch(
    model: Dense,
    prompts: list[list[int]],
    end_id: int,
    generator: torch.Generator,
    longest: int,
) -> list[list[int]]:
    width = max(len(prompt) for prompt in prompts)
    start = torch.tensor([width - len(prompt) for prompt in prompts])
    ids = torch.tensor([[end_id] * (width - len(p)) + p for p in prompts])
    cache = Cache(model.shape, len(prompts), width + longest, model.embedding.dtype)
    written: list[list[int]] = [[] for _ in prompts]
    running = torch.arange(len(prompts))  # the row of `written` of each row of the batch
    for _ in range(longest):
        hidden = hidden_states(model, ids, cache=cache, start=start)[:, -1]
        token = _sample(F.linear(hidden, model.embedding), generator)
        for row, value in zip(running.tolist(), token.tolist(), strict=True):
            written[row].append(value)
        going = (token != end_id).nonzero()[:, 0]
        if len(going) == 0:
            break
        # Copying the cache costs more than computing a few finished rows, so drop them in bunches.
        if len(going) <= 0.85 * len(token):
            cache.keep(going)
            running, start, token = running[going], start[going], token[going]
        ids = token[:, None]
    return [_until(answer, end_id) for answer in written]


def _sample(logits: Tensor, generator: torch.Generator) -> Tensor:
    """Draws from softmax(logits / TEMPERATURE) by inverting the cumulative chances.

    [batch, vocab] -> [batch]
    """
    cumulative = F.softmax(logits.float() / TEMPERATURE, dim=-1).cumsum(dim=-1)
    point = torch.rand((len(logits), 1), generator=generator) * cumulative[:, -1:]
    return torch.searchsorted(cumulative, point, right=True)[:, 0].clamp_max(logits.shape[1] - 1)


def _until(answer: list[int], end_id: int) -> list[int]:
    return answer[: answer.index(end_id) + 1] if end_id in answer else answer
