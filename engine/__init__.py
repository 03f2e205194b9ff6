"""Makes tokens and measures joules. `engine.load` gives a model that runs.

The gateway imports from this package without torch, so that is imported where a model is loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.model.model import Model
    from engine.model.precision import Precision


def load(
    path_or_name: str | Path | None = None,
    precision: Precision = "bfloat16",
    *,
    experts_per_token: int | None = None,
    threads: int | None = None,
    offload: bool = False,
) -> Model:
    """A model from a GGUF file or a folder of safetensors, by path or by name.

    None is the embedded default, a mixture carved out of SmolLM2-135M-Instruct, for which alone
    `experts_per_token` can be chosen. `offload` leaves routed experts in their files and reads
    those that are chosen, so that a model larger than the memory still answers. Raises
    ModelFileError, in one line for people, where the model is not there, is damaged, or does not
    fit into memory; WeightsError where the default cannot be fetched.
    """
    from db.settings import settings
    from engine.model import load as loading
    from engine.models import find_model

    options = settings()
    path = find_model(path_or_name, options)
    return loading.load(
        path,
        loading.shipped_carving(path),
        precision,
        experts_per_token,
        threads,
        options.home / "kernels",
        offload,
    )
