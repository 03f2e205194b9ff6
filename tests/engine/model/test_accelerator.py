"""What runs on an accelerator, on the processor: its experts' product and its recorded steps."""

from pathlib import Path

import pytest
import torch

import engine
from engine.model.config import Experts
from engine.model.decode_graphs import DecodeGraphs
from engine.model.decoder import Decoder
from engine.model.experts import MixtureFeedForward
from engine.model.folder import Folder
from engine.model.grouped_experts import GroupedExperts
from engine.model.holder import Holder
from engine.model.weights import LayerWeights
from tests.engine.model.parity import checkpoint
from tests.engine.model.parity.harness import STEPS, Checked, greedy, second_prompt
from tests.engine.model.parity.variants import VARIANTS, Variant

FAMILIES = ("Qwen3-MoE", "gpt-oss", "DeepSeek-V3", "Mistral")


def variant(family: str) -> Variant:
    return next(v for v in VARIANTS if family in f"{v.family} {v.point}")


@pytest.mark.parametrize("family", ["Qwen2-MoE", "gpt-oss"])
def test_one_grouped_product_is_the_experts_one_by_one(tmp_path: Path, family: str) -> None:
    checkpoint.write(variant(family), tmp_path)
    folder = Folder(tmp_path)
    experts = folder.config.blocks[0].feed_forward
    assert isinstance(experts, Experts)
    weights, holder = LayerWeights(folder, 0), Holder("float32")
    one_by_one = MixtureFeedForward(experts, weights, holder)
    x = torch.randn(19, folder.config.hidden, generator=torch.Generator().manual_seed(1))
    chosen, gains = one_by_one.router(x)
    grouped = GroupedExperts(experts, weights, holder)
    expected = one_by_one.routed(x, chosen, gains)
    assert torch.allclose(grouped(x, chosen, gains), expected, rtol=1e-5, atol=1e-4)
    assert grouped.nbytes == one_by_one.routed.nbytes


@pytest.mark.parametrize("family", FAMILIES)
def test_steps_that_are_replayed_choose_the_same_tokens(tmp_path: Path, family: str) -> None:
    """64 steps of two sequences of different lengths, past the end of the second's: inputs are
    copied into the recorded steps of two sequences and of one, over padding."""
    checked = Checked(variant(family), tmp_path)
    model = engine.load(tmp_path, "float32")
    decoder = model._runner
    assert isinstance(decoder, Decoder)
    decoder._graphs = DecodeGraphs(decoder._compute, torch.device("cpu"))
    other = second_prompt()
    texts = greedy(model, [checked.text[:-STEPS], other])
    assert texts == [checked.text, checked.continued(other)]
    assert decoder._graphs._recorded
