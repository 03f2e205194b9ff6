"""Distils the dense model into the small parts of the carved one, end to end.

Only the corrections and the routers' thresholds move; every weight of the dense model stays. The
loss compares the next-token distributions of both models, so any text serves, not only what the
model would write. A checkpoint is written at intervals, and training goes
on from it when it is started again.
"""

import math
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import click
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.carve.batches import Batch, Sequence, batch
from engine.carve.carved import Carved, mixture
from engine.carve.dense import Dense, FeedForward, hidden_states
from engine.carve.generate import TEMPERATURE

WRITTEN_SHARE = 0.25
TRAINED = ("correction_a", "correction_b", "correction_bias")


@dataclass(frozen=True)
class Schedule:
    steps: int
    tokens: int  # in a batch, about
    rate: float
    warm_up: int = 10
    check_every: int = 20


@dataclass(frozen=True)
class Text:
    """Sequences of one kind; `written`: the dense model wrote them itself, at TEMPERATURE."""

    sequences: list[Sequence]
    written: bool


def divergence(
    dense: Dense, model: Dense, feed_forward: FeedForward, data: Batch, written: bool
) -> tuple[Tensor, int]:
    """How far the carved model's next-token distributions are from the dense model's.

    Returns the sum over the predicted tokens, in nats, and their number. It is half the Jeffreys
    divergence: the mean of the Kullback-Leibler divergences in both directions. The usual one alone
    (dense to carved) is least with a carved model that is less sure than the dense one: in trials
    it lowered that divergence and still raised the perplexity of answers. For text that the model
    has written, a quarter of the loss is the divergence from the dense model at the temperature of
    the writing, which is what the perplexity of such text measures (sequence-level distillation,
    arXiv 1606.07947, with the sampled next token replaced by its expectation).
    """
    with torch.no_grad():
        logits = F.linear(hidden_states(dense, data.ids)[data.predicts], dense.embedding).float()
        wanted = F.log_softmax(logits, dim=-1)
    hidden = hidden_states(model, data.ids, feed_forward)[data.predicts]
    given = F.log_softmax(F.linear(hidden, model.embedding).float(), dim=-1)
    total = ((wanted.exp() - given.exp()) * (wanted - given)).sum() / 2
    if written:
        sharper = F.log_softmax(logits / TEMPERATURE, dim=-1)
        as_written = (sharper.exp() * (sharper - given)).sum()
        total = total + WRITTEN_SHARE * (as_written - total)
    return total, len(wanted)


class Distillation:
    """The trained tensors in float32, their optimiser, and where they are saved."""

    def __init__(self, carved: Carved, schedule: Schedule, folder: Path) -> None:
        self.carved = carved
        self.schedule = schedule
        self.path = folder / "distil.safetensors"
        self.parts = {n: torch.nn.Parameter(getattr(carved, n).float().clone()) for n in TRAINED}
        self.optimiser = torch.optim.AdamW(
            self.parts.values(), lr=schedule.rate, betas=(0.9, 0.98), weight_decay=0.0
        )
        self.step = 0
        self.best = math.inf
        self.best_parts = {n: p.detach().clone() for n, p in self.parts.items()}
        if self.path.exists():
            self._resume()

    def current(self) -> Carved:
        return _with(self.carved, self.parts)

    def best_carved(self) -> Carved:
        return _with(self.carved, self.best_parts)

    def rate(self) -> float:
        """Linear warm-up, then half a cosine down to a tenth."""
        warm = min(1.0, (self.step + 1) / self.schedule.warm_up)
        progress = self.step / self.schedule.steps
        return self.schedule.rate * warm * (0.55 + 0.45 * math.cos(math.pi * progress))

    def keep(self, validation: float) -> None:
        """Notes the validation loss and writes a checkpoint."""
        if validation < self.best:
            self.best = validation
            self.best_parts = {n: p.detach().clone() for n, p in self.parts.items()}
        tensors = {f"best.{n}": t for n, t in self.best_parts.items()}
        tensors |= {f"now.{n}": p.detach() for n, p in self.parts.items()}
        for name, part in self.parts.items():
            for key, value in self.optimiser.state.get(part, {}).items():
                tensors[f"adam.{key}.{name}"] = value
        tensors["step"] = torch.tensor(self.step)
        tensors["best"] = torch.tensor(self.best, dtype=torch.float64)
        unfinished = self.path.with_suffix(".part")
        save_file(tensors, unfinished)
        unfinished.replace(self.path)

    def _resume(self) -> None:
        tensors = load_file(self.path)
        self.step, self.best = int(tensors["step"]), float(tensors["best"])
        for name, part in self.parts.items():
            part.data.copy_(tensors[f"now.{name}"])
            self.best_parts[name] = tensors[f"best.{name}"]
            moments = ("step", "exp_avg", "exp_avg_sq")
            if f"adam.step.{name}" in tensors:
                self.optimiser.state[part] = {k: tensors[f"adam.{k}.{name}"] for k in moments}


def _with(carved: Carved, parts: Mapping[str, Tensor]) -> Carved:
    return replace(
        carved,
        correction_a=parts["correction_a"],
        correction_b=parts["correction_b"],
        correction_bias=parts["correction_bias"],
    )


def distil(
    run: Distillation,
    dense: Dense,
    model: Dense,
    training: list[Text],
    validation: list[tuple[Batch, bool]],
    seed: int,
) -> Iterator[Carved]:
    """Trains the corrections; yields, at every check, what did best on the validation text so far.

    `model` is the permuted dense model. Each step takes the same share of every text in `training`;
    `validation` says of each batch whether the dense model has written it. What a step reads
    depends on the seed and its number alone.
    """
    schedule = run.schedule
    started, seen = time.monotonic(), 0
    while run.step < schedule.steps:
        if run.step % schedule.check_every == 0:
            yield _check(run, dense, model, validation)
        source = random.Random(seed * 1_000_003 + run.step)
        drawn = [
            (_draw(text.sequences, schedule.tokens // len(training), source), text.written)
            for text in training
        ]
        loss = _step(run, dense, model, drawn)
        seen += sum(int(data.valid.sum()) for data, _ in drawn)
        if run.step % 5 == 0:
            speed = seen / (time.monotonic() - started)
            click.echo(f"  step {run.step}: {loss:.4f} nats, {speed:.0f} tokens/s")
    yield _check(run, dense, model, validation)


def _step(run: Distillation, dense: Dense, model: Dense, drawn: list[tuple[Batch, bool]]) -> float:
    """One update of the trained parts; the kinds of text weigh the same. Returns the loss."""
    for group in run.optimiser.param_groups:
        group["lr"] = run.rate()
    mean = 0.0
    for data, written in drawn:
        loss, count = divergence(dense, model, mixture(model, run.current()), data, written)
        (loss / (count * len(drawn))).backward()
        mean += loss.item() / (count * len(drawn))
    torch.nn.utils.clip_grad_norm_(run.parts.values(), 1.0)
    run.optimiser.step()
    run.optimiser.zero_grad()
    run.step += 1
    return mean


@torch.no_grad()
def _check(
    run: Distillation, dense: Dense, model: Dense, validation: list[tuple[Batch, bool]]
) -> Carved:
    feed_forward = mixture(model, run.current())
    parts = [divergence(dense, model, feed_forward, *data) for data in validation]
    loss = sum(total.item() for total, _ in parts) / sum(count for _, count in parts)
    run.keep(loss)
    click.echo(f"  step {run.step}: validation {loss:.4f} nats, best {run.best:.4f}")
    return run.best_carved()


def _draw(kind: list[Sequence], tokens: int, source: random.Random) -> Batch:
    """Random sequences of similar length, so that little of the batch is padding."""
    some = sorted(source.sample(kind, len(kind) // 8), key=lambda sequence: len(sequence.ids))
    end = source.randrange(1, len(some) + 1)
    count = max(1, tokens // len(some[end - 1].ids))
    return batch(some[max(0, end - count) : end])
