"""`python -m engine inspect MODEL`: what a model is and what it takes, weights left unread."""

import sys
from pathlib import Path

import click

from db.settings import Settings
from engine.model.config import ModelConfig
from engine.model.errors import ModelFileError
from engine.model.load import read_config
from engine.model.precision import PRECISIONS
from engine.model.sizes import (
    ACCELERATORS,
    Needs,
    available_memory,
    gigabytes,
    hardware_for,
    needs,
)
from engine.models import find_model
from engine.weights import WeightsError


def run(settings: Settings, model: str) -> None:
    """Prints the figures; exits 1 with one line where the model cannot be read."""
    try:
        path = find_model(model, settings)
        config = read_config(path)
    except (ModelFileError, WeightsError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    _tell(config, path, needs(config))


def _tell(config: ModelConfig, path: Path, need: Needs) -> None:
    experts = f", {config.routed_experts} routed experts" if config.routed_experts else ""
    lines = [
        ("model", f"{config.name} ({config.architecture}), {path}"),
        ("layers", f"{config.layers}, hidden size {config.hidden}{experts}"),
        (
            "parameters",
            f"{need.total_parameters / 1e9:,.2f} B, of which {need.active_parameters / 1e9:,.2f} B "
            "are active for a token",
        ),
        (
            "cache",
            f"{need.cache_bytes_per_token:,} bytes a token, {gigabytes(need.cache_bytes)} for "
            f"{need.context_length:,} tokens",
        ),
        ("memory here", f"{gigabytes(available_memory())} available"),
    ]
    for name, value in lines:
        click.echo(f"{name:<12}{value}")
    click.echo()
    for title, *cells in _tables(need):
        click.echo(f"{title:<44}" + "".join(f"{cell:>10}" for cell in cells))


def _tables(need: Needs) -> list[list[str]]:
    """Rows: a title, then a cell for each precision."""
    counts = {precision: dict(_by_name(need, precision)) for precision in PRECISIONS}
    hardware = [
        [f"  {card.name}", *(str(counts[p].get(card.name, "–")) for p in PRECISIONS)]
        for card in ACCELERATORS
    ]
    return [
        ["", *PRECISIONS],
        ["weights in memory", *(gigabytes(need.weight_bytes[p]) for p in PRECISIONS)],
        ["accelerators that hold it and a full cache"],
        *hardware,
    ]


def _by_name(need: Needs, precision: str) -> list[tuple[str, int]]:
    return [(card.name, count) for count, card in hardware_for(need, precision)]
