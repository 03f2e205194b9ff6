"""What config.json and the tensors' names say, before a weight is read."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

from engine.model.config import ModelConfig
from engine.model.families.known import FAMILIES
from engine.model.families.naming import Family, Half
from tests.engine.model.parity import checkpoint
from tests.engine.model.parity.variants import VARIANTS, Variant


class Written:
    """A variant's checkpoint on disk, read as far as its config and its tensors' names."""

    def __init__(self, variant: Variant, folder: Path) -> None:
        self.reference: Any = checkpoint.write(variant, folder)
        raw = json.loads((folder / "config.json").read_text())
        self.family: Family = FAMILIES[raw["architectures"][0]]
        self.config: ModelConfig = self.family.config(raw, "tiny")
        self.names: set[str] = set()
        for path in folder.glob("*.safetensors"):
            with safe_open(path, "pt") as file:
                self.names |= set(file.keys())


@pytest.fixture(scope="module", params=VARIANTS, ids=str)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    return Written(request.param, tmp_path_factory.mktemp("checkpoint"))


def test_the_config_accounts_for_every_parameter(written: Written) -> None:
    # transformers keeps the correction bias that only selects experts as a buffer.
    buffers = written.reference.named_buffers()
    selecting = sum(t.numel() for name, t in buffers if name.endswith("e_score_correction_bias"))
    trained = sum(tensor.numel() for tensor in written.reference.parameters())
    assert written.config.parameters() == trained + selecting


def test_every_tensor_of_the_file_has_a_name_of_ours(written: Written) -> None:
    layers = range(written.config.layers)
    ours = {
        source.name if isinstance(source, Half) else source
        for pattern in written.family.names
        for layer in layers
        for source in written.family.sources(pattern.replace("{layer}", str(layer)))
    }
    experts = {
        name
        for layout in written.family.layouts
        for layer in layers
        for expert in range(written.config.routed_experts)
        for name in layout.filled(layer, expert).names()
    }
    stored = {re.sub(r"_scale_inv$", "", name) for name in written.names}
    assert stored <= ours | experts
