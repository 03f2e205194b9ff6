"""Finds a model by path or by name. Knows nothing of torch.

A name is looked for in the `models` folder of BREAKEVEN_HOME and in the cache that Hugging Face's
tools keep, where those have fetched it already; nothing is downloaded but the default model.
"""

import os
from collections.abc import Callable
from pathlib import Path

from db.settings import Settings
from engine.model.errors import ModelFileError
from engine.model.gguf_file import PART
from engine.weights import ensure_default_weights

DEFAULT = "SmolLM2-135M-Instruct"


def find_model(
    path_or_name: str | Path | None,
    settings: Settings,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """A GGUF file or a folder with a config.json; None is the default model, fetched if need be.

    Raises WeightsError where the default cannot be fetched, ModelFileError where nothing is found.
    """
    if path_or_name is None or str(path_or_name) == DEFAULT:
        return ensure_default_weights(settings.weights_dir, progress)
    path = Path(path_or_name).expanduser()
    for place in (path, *_named_places(str(path_or_name), settings)):
        if found := _model_at(place):
            return found
    if path.exists():
        raise ModelFileError(
            f"{path} is neither a GGUF file nor a folder with a config.json: give the path of one."
        )
    raise ModelFileError(
        f"There is no model {str(path_or_name)!r}: give the path of a GGUF file or of a folder "
        f"with config.json and safetensors, or put one into {settings.home / 'models'}."
    )


def _named_places(name: str, settings: Settings) -> list[Path]:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        return []
    own = settings.home / "models" / name
    cached = _hub_cache() / f"models--{name.replace('/', '--')}" / "snapshots"
    newest = sorted(cached.glob("*"), key=lambda p: p.stat().st_mtime, reverse=True)
    return [own, own.with_name(own.name + ".gguf"), *newest]


def _hub_cache() -> Path:
    """Where huggingface_hub keeps what it has fetched: its own environment variables, in turn."""
    if given := os.environ.get("HF_HUB_CACHE"):
        return Path(given)
    home = os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface"
    return Path(home) / "hub"


def _model_at(place: Path) -> Path | None:
    """The model that a path stands for; a folder without config.json may hold a single GGUF, or the
    parts of one."""
    if place.is_file() and place.suffix == ".gguf":
        return place
    if not place.is_dir():
        return None
    if (place / "config.json").is_file():
        return place
    files = [path for path in place.glob("*.gguf") if not _later_part(path.name)]
    return files[0] if len(files) == 1 else None


def _later_part(name: str) -> bool:
    part = PART.search(name)
    return part is not None and int(part[1]) > 1
