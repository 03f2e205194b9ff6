"""The catalogue that ships with the product, read once."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from dashboard.costs.capacity.factors import Factors
from dashboard.costs.capacity.hardware import Hardware
from dashboard.costs.capacity.language_model import LanguageModel
from dashboard.costs.capacity.published import Figure


@cache
def hardware() -> Mapping[str, Hardware]:
    """Every kind of hardware, by name."""
    entries = [Hardware.model_validate(entry) for entry in _read("hardware")["hardware"]]
    return MappingProxyType({entry.name: entry for entry in entries})


@cache
def models() -> Mapping[str, LanguageModel]:
    """Every model, by name."""
    entries = [LanguageModel.model_validate(entry) for entry in _read("models")["model"]]
    return MappingProxyType({entry.name: entry for entry in entries})


@cache
def published() -> tuple[Figure, ...]:
    """The published speeds that the model is held against."""
    return tuple(Figure.model_validate(entry) for entry in _read("published")["figure"])


@cache
def factors() -> Factors:
    """The factors that were calibrated against the published speeds."""
    return Factors.model_validate(_read("factors"))


def _read(name: str) -> dict[str, Any]:
    file = files("dashboard.costs.capacity").joinpath("catalogue", f"{name}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))
