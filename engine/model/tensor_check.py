"""What every tensor of a checkpoint has to pass before it is used."""

from pathlib import Path

from torch import Tensor

from engine.model.errors import ModelFileError


class TensorCheck:
    """Refuses a tensor of another shape, and at its first reading one that is not finite.

    `expected_by` names what the shapes come from, for messages. Raises ModelFileError.
    """

    def __init__(self, expected_by: str) -> None:
        self._expected_by = expected_by
        self._finite: set[tuple[str, int]] = set()

    def shape(
        self, found: tuple[int, ...], expected: tuple[int, ...], path: Path, name: str
    ) -> None:
        if found != expected:
            raise ModelFileError(
                f"{path}: {name} gives {list(found)}, {self._expected_by} needs {list(expected)}; "
                "the two do not belong together."
            )

    def finite(self, tensor: Tensor, path: Path, name: str, expert: int = -1) -> Tensor:
        """The tensor, or an error. `expert`: which part of the tensor of that name it is."""
        if (name, expert) not in self._finite:
            if not _finite(tensor):
                raise ModelFileError(f"{path}: {name} holds NaN or infinity; fetch it again.")
            self._finite.add((name, expert))
        return tensor


def _finite(tensor: Tensor) -> bool:
    """NaN makes both extremes NaN. Unlike `isfinite` this needs no second tensor, thousands of
    which would leave the allocator with as much memory in pieces as the model has."""
    low, high = tensor.aminmax()
    return bool(low.isfinite()) and bool(high.isfinite())
