"""From the dense model's file to the carved file, phase by phase, each saved before the next."""

import hashlib
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.carve import text
from engine.carve.batches import Sequence, batches
from engine.carve.calibrate import allocate, first_pass, second_pass, sensitivities
from engine.carve.carved import Carved, permuted, save
from engine.carve.cluster import Sizes
from engine.carve.dense import Dense, load_dense
from engine.carve.distil import Distillation, Schedule, Text, distil
from engine.carve.generate import answers
from engine.carve.perplexity import chat_sequence
from engine.carve.prompts import prompts
from engine.model.tokenizer import Tokenizer

SIZES = Sizes(expert=32, shared=16, routed=32)
SCHEDULE = Schedule(steps=60, tokens=2048, rate=3e-4)


@dataclass(frozen=True)
class Plan:
    """Every choice of a run. The defaults made the shipped file."""

    seed: int = 0
    sizes: Sizes = SIZES
    experts_per_token: int = 26
    rank: int = 32
    chats: int = 1280
    prose_windows: int = 900
    documentation_windows: int = 300
    window: int = 512
    schedule: Schedule = SCHEDULE


@dataclass(frozen=True)
class Corpus:
    chats: list[Sequence]
    prose: list[Sequence]
    documentation: list[Sequence]

    def draw(self, chats: slice, prose: slice, documentation: slice) -> list[Sequence]:
        return self.chats[chats] + self.prose[prose] + self.documentation[documentation]


def train(weights: Path, work: Path, out: Path, plan: Plan) -> None:
    """Runs what `work` does not hold yet and writes the carved file to `out`.

    The file is written first as soon as the closed-form phases are done, then whenever
    distillation is checked.
    """
    work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(plan.seed)
    tokenizer = Tokenizer.open(weights)
    dense = load_dense(weights, torch.bfloat16)
    clock = Clock()
    corpus = _corpus(dense, tokenizer, work, plan)
    clock.lap("text")
    model, carved = _closed_form(dense, corpus, work, plan, clock)

    # The first sequences of each kind have served above; the last ones validate.
    validation = [(data, True) for data in batches(corpus.chats[-10:], tokens=2048)]
    validation += [(data, False) for data in batches(corpus.prose[-3:], tokens=2048)]
    # Chats twice: they lose more, and they are what the model is for.
    chats = Text(corpus.chats[:-10], written=True)
    training = [chats, chats, Text(corpus.prose[:-3] + corpus.documentation, written=False)]
    notes = {"base_sha256": hashlib.sha256(weights.read_bytes()).hexdigest()}
    run = Distillation(carved, plan.schedule, work)
    for best in distil(run, dense, model, training, validation, plan.seed):
        save(best, out, notes)
    clock.lap("distillation")


def _closed_form(
    dense: Dense, corpus: Corpus, work: Path, plan: Plan, clock: "Clock"
) -> tuple[Dense, Carved]:
    """The permuted dense model, and its carving before distillation."""
    probes = batches(corpus.draw(slice(100, 125), slice(24, 34), slice(6, 10)), tokens=1024)
    calibration = batches(corpus.draw(slice(125), slice(12), slice(4)), tokens=2048)
    fisher = _saved(
        work / "sensitivity.safetensors",
        lambda: {"fisher": torch.stack(sensitivities(dense, probes, plan.seed))},
    )["fisher"]
    clock.lap("sensitivity")
    order = _saved(
        work / "partition.safetensors",
        lambda: {"order": first_pass(dense, calibration, list(fisher), plan.sizes)},
    )["order"]
    model = permuted(dense, order)
    experts_per_layer = allocate(dense.shape.layers, plan.sizes.routed)
    clock.lap("partition")
    fitted = _saved(
        work / "corrections.safetensors",
        lambda: second_pass(
            model,
            calibration,
            list(fisher),
            plan.sizes,
            experts_per_layer[plan.experts_per_token].tolist(),
            plan.rank,
        ),
    )
    clock.lap("routers and corrections")
    return model, Carved(
        plan.sizes, plan.experts_per_token, order.to(torch.int16), experts_per_layer, **fitted
    )


class Clock:
    """Prints what each phase took, on the wall and of the processor."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.monotonic(), _cpu_seconds()

    def lap(self, phase: str) -> None:
        wall, cpu = time.monotonic(), _cpu_seconds()
        click.echo(f"{phase}: {wall - self.wall:.0f} s, {cpu - self.cpu:.0f} s of CPU")
        self.wall, self.cpu = wall, cpu


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _saved(path: Path, compute: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    if not path.exists():
        unfinished = path.with_suffix(".part")
        save_file({k: v.contiguous() for k, v in compute().items()}, unfinished)
        unfinished.replace(path)
    return load_file(path)


def _corpus(dense: Dense, tokenizer: Tokenizer, work: Path, plan: Plan) -> Corpus:
    chats = _written(dense, tokenizer, work / "chats.jsonl", plan)
    prose, _ = text.split(text.fetch_prose(work))
    windows = [
        text.pieces([tokenizer.encode(d) for d in documents], plan.window, count, plan.seed)
        for documents, count in (
            (prose, plan.prose_windows),
            (text.python_documentation(), plan.documentation_windows),
        )
    ]
    return Corpus(
        [chat_sequence(tokenizer, chat) for chat in chats],
        *([Sequence(window, 1) for window in kind] for kind in windows),
    )


def _written(dense: Dense, tokenizer: Tokenizer, path: Path, plan: Plan) -> list[text.Chat]:
    """The dense model's answers to the training prompts, written once."""
    if not path.exists():
        asked, _ = prompts(plan.seed, plan.chats, held_out=160)
        ids = [tokenizer.encode_chat([{"role": "user", "content": prompt}]) for prompt in asked]
        end = tokenizer.eos_token_id
        chats = [
            text.Chat(prompt, tokenizer.decode([i for i in answer if i != end]), end in answer)
            for prompt, answer in zip(asked, answers(dense, ids, end, plan.seed), strict=True)
        ]
        text.save_chats(chats, path)
    return text.load_chats(path)
