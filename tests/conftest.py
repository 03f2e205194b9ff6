"""Fixtures that every folder of tests shares: the real weights and a home of one's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from platformdirs import user_cache_path

from engine.weights import ensure_default_weights
from tests.postgresql import Server, server


@pytest.fixture(scope="session")
def weights_dir() -> Path:
    """The verified default weights, fetched once into the user's cache and kept there."""
    folder = user_cache_path("breakeven-tests", appauthor=False) / "weights"
    ensure_default_weights(folder)
    return folder


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server to make databases on."""
    with server() as found:
        yield found


@pytest.fixture
def home(tmp_path: Path, weights_dir: Path) -> Path:
    """A fresh BREAKEVEN_HOME that has the weights already and no ledger yet."""
    return make_home(tmp_path / "home", weights_dir)


def make_home(folder: Path, weights_dir: Path) -> Path:
    """A home beside the cached weights, which shares the compiled kernel with all others."""
    folder.mkdir(parents=True)
    kernels = weights_dir.parent / "kernels"
    kernels.mkdir(exist_ok=True)
    (folder / "weights").symlink_to(weights_dir, target_is_directory=True)
    (folder / "kernels").symlink_to(kernels, target_is_directory=True)
    return folder
