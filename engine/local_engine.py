"""The engine that the settings name, in this process: for commands in the terminal."""

from typing import cast

from db.settings import Settings
from engine.model.load import load, shipped_carving
from engine.model.precision import Precision
from engine.model.tokenizer import Tokenizer
from engine.models import find_model
from engine.runtime.engine import Engine


def load_engine(settings: Settings, threads: int, at_once: int) -> Engine:
    """Raises WeightsError and ModelFileError. `at_once`: requests computed together."""
    weights = find_model(settings.model, settings)
    model = load(
        weights,
        shipped_carving(weights),
        cast(Precision | None, settings.precision),
        settings.experts_per_token,
        threads,
        settings.home / "kernels",
        settings.offload,
    )
    return Engine(model, Tokenizer.open(weights), at_once)
