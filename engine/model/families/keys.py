"""config.json read key by key, with one clear line for what is missing or makes no sense.

A key that is null counts as absent, as it does for transformers. Where a family's class gives a
default, files written by older versions may lack the key, so the same default is given here.
"""

from collections.abc import Mapping
from typing import Any

from engine.model.errors import ModelFileError


class ConfigKeys:
    """The keys of a model's config.json, or of one dictionary in it; or, with another `file`, of
    what else describes a model by keys."""

    def __init__(
        self,
        raw: Mapping[str, Any],
        model: str,
        section: str = "",
        file: str = "/config.json",
    ) -> None:
        self.raw = raw
        self.model = model
        self._section = section
        self._file = file

    def wrong(self, key: str, what: str) -> ModelFileError:
        """An error to raise: `key` named with its file, then what is wrong with it."""
        return ModelFileError(f"{self.model}{self._file}: {self._section}{key} {what}.")

    def get(self, key: str) -> Any:
        return self.raw.get(key)

    def integer(self, *keys: str, default: int | None = None, least: int = 1) -> int:
        """The first of `keys` that is there (older and newer names of one number)."""
        for key in keys:
            value = self.get(key)
            if value is not None:
                if not _number(value) or not float(value).is_integer():
                    raise self.wrong(key, f"is {value!r}, not a whole number")
                if value < least:
                    raise self.wrong(key, f"is {value}; it must be at least {least}")
                return int(value)
        if default is None:
            raise self.wrong(keys[0], "is missing")
        return default

    def optional_integer(self, key: str, least: int = 1) -> int | None:
        return None if self.get(key) is None else self.integer(key, least=least)

    def number(self, key: str, default: float | None = None) -> float:
        """A number above 0."""
        value = self.get(key)
        if value is None:
            if default is None:
                raise self.wrong(key, "is missing")
            return default
        if not _number(value) or not 0 < value < float("inf"):
            raise self.wrong(key, f"is {value!r}, not a number above 0")
        return float(value)

    def optional_number(self, key: str) -> float | None:
        return None if self.get(key) is None else self.number(key)

    def flag(self, key: str, default: bool) -> bool:
        value = self.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(key, f"is {value!r}, neither true nor false")
        return value

    def integers(self, key: str) -> tuple[int, ...]:
        """A list of whole numbers from 0, or one of them; () where absent."""
        value = self.get(key)
        values = value if isinstance(value, list) else [] if value is None else [value]
        if not all(isinstance(v, int) and not isinstance(v, bool) and v >= 0 for v in values):
            raise self.wrong(key, f"is {value!r}, not a list of whole numbers")
        return tuple(values)

    def section(self, key: str) -> "ConfigKeys | None":
        """A dictionary inside this one; None where it is absent or empty."""
        value = self.get(key)
        if not value:
            return None
        if not isinstance(value, Mapping):
            raise self.wrong(key, f"is {value!r}, not a dictionary")
        return ConfigKeys(value, self.model, f"{self._section}{key}.", self._file)

    def only(self, key: str, *known: str | bool) -> None:
        """Refuses a variant of the family that this engine does not compute. Absent is fine."""
        value = self.get(key)
        if value is not None and value not in known:
            wanted = " or ".join(repr(one) for one in known)
            raise self.wrong(key, f"is {value!r}; this engine computes {wanted}")

    def layer_types(self, layers: int) -> tuple[str, ...] | None:
        """ "full_attention" or "sliding_attention" a layer; None where the file does not say."""
        kinds = self.get("layer_types")
        if kinds is None:
            return None
        known = {"full_attention", "sliding_attention"}
        if not isinstance(kinds, list) or len(kinds) != layers or not known.issuperset(kinds):
            what = f"must hold 'full_attention' or 'sliding_attention' for each of {layers} layers"
            raise self.wrong("layer_types", what)
        return tuple(kinds)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
