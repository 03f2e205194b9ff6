"""`python -m engine.carve train` makes the carved file, `… evaluate` judges it."""

import json
import time
from pathlib import Path

import click
import torch

from db.settings import settings
from engine.carve.carved import inactive_share, load, mixture, permuted
from engine.carve.dense import load_dense
from engine.carve.perplexity import held_out, perplexity
from engine.carve.train import Plan, train
from engine.model.tokenizer import Tokenizer
from engine.weights import GGUF

CARVED = Path(__file__).parents[1] / "model" / "carved" / "smollm2-135m-instruct.safetensors"


@click.group()
@click.option("--threads", default=2, show_default=True, help="Threads for torch.")
def carve(threads: int) -> None:
    """Carve the default model into a mixture of experts, and judge the result."""
    torch.set_num_threads(threads)


weights_option = click.option(
    "--weights",
    default=lambda: settings().weights_dir / GGUF,
    show_default="the fetched default weights",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The dense model: SmolLM2-135M-Instruct.Q4_1.gguf.",
)


@carve.command("train")
@weights_option
@click.option(
    "--work",
    default=lambda: settings().home / "carve",
    show_default="carve in BREAKEVEN_HOME",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for checkpoints. The same command goes on from them.",
)
@click.option("--out", default=CARVED, show_default=True, type=click.Path(path_type=Path))
def train_command(weights: Path, work: Path, out: Path) -> None:
    """Write text, carve in closed form, distil. Fixed seed; stops and restarts where it was."""
    train(weights, work, out, Plan())


@carve.command("evaluate")
@weights_option
@click.option("--carved", "carved_path", default=CARVED, type=click.Path(path_type=Path))
@click.option(
    "--experts-per-token", "-k", "wanted", multiple=True, type=int, help="Default: the file's own."
)
def evaluate_command(weights: Path, carved_path: Path, wanted: tuple[int, ...]) -> None:
    """Perplexities of the dense and the carved model on both held-out texts, in bfloat16."""
    started = time.monotonic()
    dense, carved = load_dense(weights, torch.bfloat16), load(carved_path)
    model = permuted(dense, carved.order)
    texts = held_out(Tokenizer.open(weights))
    base = {name: perplexity(dense, sequences, None) for name, sequences in texts.items()}
    click.echo(f"{carved_path.name}: {carved_path.stat().st_size:,} bytes")
    for name, sequences in texts.items():
        tokens = sum(len(s.ids) - s.answer_start for s in sequences)
        click.echo(f"dense, {name} ({tokens:,} tokens): {base[name]:.3f}")
    for count in wanted or (carved.experts_per_token,):
        shares = inactive_share(carved, dense.shape.hidden, count)
        click.echo(
            f"{count} of {carved.sizes.routed} experts per token, {carved.sizes.shared} shared: "
            f"{shares['skipped']:.2%} of feed-forward parameters skipped, "
            f"{shares['overhead']:.2%} added by routers and corrections, net {shares['net']:.2%}"
        )
        for name, sequences in texts.items():
            value = perplexity(model, sequences, mixture(model, carved, count))
            click.echo(f"  {name}: {value:.3f}, {value / base[name]:.3f} x dense")
    click.echo(json.dumps({"seconds": round(time.monotonic() - started)}))


if __name__ == "__main__":
    carve()
