"""A model folder's config.json, recognised without touching weights. Knows nothing of torch."""

import json
from pathlib import Path
from typing import Any

from engine.model.config import ModelConfig
from engine.model.errors import ModelFileError
from engine.model.families.known import FAMILIES
from engine.model.families.naming import Family


def read_config(folder: Path) -> tuple[dict[str, Any], Family, ModelConfig]:
    """The parsed config.json, its family by `architectures[0]`, and the model's numbers.

    Raises ModelFileError where it is missing, broken or of a family that is not known.
    """
    if not folder.is_dir():
        raise ModelFileError(f"There is no model folder {folder}.")
    raw = read_json(folder / "config.json")
    architectures = raw.get("architectures")
    if not isinstance(architectures, list) or not architectures:
        raise ModelFileError(f"{folder}/config.json does not say which architecture it is of.")
    family = FAMILIES.get(str(architectures[0]))
    if family is None:
        known = ", ".join(sorted(FAMILIES))
        raise ModelFileError(
            f"{folder}/config.json is of {architectures[0]}; this engine runs {known}."
        )
    return raw, family, family.config(raw, folder.name)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object. Raises ModelFileError where it is missing, broken or no object."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path} is broken ({error}); fetch it again.") from error
    if not isinstance(value, dict):
        raise ModelFileError(f"{path} is broken (it is no JSON object); fetch it again.")
    return value
