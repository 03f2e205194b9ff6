"""GGUF files of every architecture and kind of block against transformers on the same numbers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

import engine
from tests.engine.model.parity import gguf_checkpoint
from tests.engine.model.parity.gguf_checkpoint import GgufVariant
from tests.engine.model.parity.gguf_variants import VARIANTS
from tests.engine.model.parity.harness import (
    STEPS,
    compare,
    greedy,
    second_prompt,
    transformers_logits,
)


@dataclass(frozen=True)
class Written:
    path: Path
    reference: Any

    def continued(self, prompt: list[int]) -> list[int]:
        """The prompt and the STEPS tokens that transformers finds most likely after it."""
        ids = torch.tensor([prompt])
        generated = self.reference.generate(ids, max_new_tokens=STEPS, do_sample=False)
        return [int(token) for token in generated[0]]


@pytest.fixture(scope="module", params=VARIANTS, ids=str)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    variant: GgufVariant = request.param
    return Written(*gguf_checkpoint.write(variant, tmp_path_factory.mktemp("gguf")))


def test_float32_logits_and_64_tokens_are_those_of_transformers(written: Written) -> None:
    model = engine.load(written.path, "float32")
    text = written.continued(second_prompt())
    logits = model.logits(text[:-1])
    assert compare(logits, transformers_logits(written.reference, text)).largest < 1e-4
    assert greedy(model, [text[:-STEPS]]) == [text]


def test_the_header_accounts_for_every_parameter(written: Written) -> None:
    config = engine.load(written.path, "float32").config
    buffers = written.reference.named_buffers()
    selecting = sum(t.numel() for name, t in buffers if name.endswith("e_score_correction_bias"))
    trained = sum(tensor.numel() for tensor in written.reference.parameters())
    assert config.parameters() == trained + selecting
