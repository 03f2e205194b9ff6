"""How a model's makers want its tokens drawn, where a request does not say."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from engine.model.errors import ModelFileError

_RANGES = {"temperature": (0, 2), "top_p": (0, 1), "top_k": (0, 2**31), "min_p": (0, 1)}


@dataclass(frozen=True)
class SamplingDefaults:
    """OpenAI's own defaults, for models that state none. `top_k` 0: all tokens."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0

    def unless(self, **given: float | None) -> dict[str, Any]:
        """All by name: what a request gives, the model's own for what it leaves out (None)."""
        return asdict(self) | {name: value for name, value in given.items() if value is not None}


def sampling_defaults(stated: Mapping[str, Any], source: str) -> SamplingDefaults:
    """From the keys of generation_config.json; null counts as absent.

    Raises ModelFileError, naming `source`, where a number is none or out of its range.
    """
    found = {key: stated[key] for key in _RANGES if stated.get(key) is not None}
    for key, value in found.items():
        low, high = _RANGES[key]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not low <= value <= high:
            raise ModelFileError(
                f"{source}: {key} is {value!r}; it must be a number from {low} to {high}."
            )
    return SamplingDefaults(**found)
