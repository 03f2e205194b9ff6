"""The default weights, its tokenizer and models on it, loaded once for all tests of the engine."""

from pathlib import Path

import pytest
import torch

from engine.model.load import load
from engine.model.model import Model
from engine.model.tokenizer import Tokenizer

torch.set_num_threads(1)  # two that wait for each other are slower on a busy machine


@pytest.fixture(scope="session")
def gguf_path(weights_dir: Path) -> Path:
    return weights_dir / "SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(scope="session")
def tokenizer(gguf_path: Path) -> Tokenizer:
    return Tokenizer.open(gguf_path)


@pytest.fixture(scope="session")
def kernel_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kernels")


@pytest.fixture(scope="session")
def dense_float32(gguf_path: Path) -> Model:
    return load(gguf_path, None, "float32")


@pytest.fixture(scope="session")
def dense_int4(gguf_path: Path, kernel_folder: Path) -> Model:
    return load(gguf_path, None, "int4", threads=2, kernel_folder=kernel_folder)
