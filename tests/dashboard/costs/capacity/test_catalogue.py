"""The catalogue: parameters against what the cards publish, sizes against published files."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from dashboard.costs.capacity.language_model import LanguageModel
from dashboard.costs.capacity.load import hardware, models, published
from dashboard.costs.capacity.memory import weight_bytes
from tests.dashboard.costs.capacity.deployments import deployed, machine, small


@pytest.mark.parametrize("model", models().values(), ids=lambda model: model.name)
def test_parameters_add_up_to_what_the_card_publishes(model: LanguageModel) -> None:
    assert model.total_parameters == pytest.approx(model.published_total, rel=0.03)
    # Of active parameters some cards leave out both tables, some count both.
    tables = model.embedding_parameters
    assert model.active_parameters - tables <= model.published_active * 1.02
    assert model.active_parameters + tables >= model.published_active * 0.98


def test_the_parameters_of_deepseek_follow_from_its_config_by_hand() -> None:
    # One expert 3 × 7168 × 2048; 58 layers × 256 of them.
    # Attention 7168×1536 + 1536×128×192 + 7168×576 + 512×128×256 + 128×128×7168.
    model = models()["deepseek-v3"]
    assert model.expert_parameters == 44_040_192
    assert model.routed_parameters == 58 * 256 * 44_040_192
    assert model.attention.parameters(7168, 128) == 187_105_280


@pytest.mark.parametrize(
    ("model", "precision", "gigabytes"),
    [
        ("kimi-k2", "int4", 594),  # Kimi-K2-Thinking on Hugging Face: 594 GB
        ("kimi-k2", "fp8", 1030),  # Kimi-K2-Instruct: 1.03 TB
        ("gpt-oss-120b", "mxfp4-gguf", 63.4),  # ggml-org's file: 59.02 GiB
        ("gpt-oss-20b", "mxfp4", 13.76),  # openai/gpt-oss-20b: 4.79 + 4.80 + 4.17 GB
        ("mixtral-8x7b", "bf16", 93.4),  # 46.7 billion × 2 bytes
        ("qwen3-30b-a3b", "q4-k", 18.6),  # a published Q4_K_M file
    ],
)
def test_weights_weigh_what_the_published_files_do(
    model: str, precision: str, gigabytes: float
) -> None:
    known = models()[model]
    assert weight_bytes(known, known.at(precision)) / 1e9 == pytest.approx(gigabytes, rel=0.02)


def test_an_unknown_precision_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match="Kimi K2 has no precision 'fp2': choose one of fp8, int4"):
        models()["kimi-k2"].at("fp2")


def test_every_entry_can_be_traced() -> None:
    sources = [each.source for each in hardware().values()]
    sources += [each.source for each in models().values()]
    sources += [each.source for each in published()]
    sources += [each.price.source for each in hardware().values() if each.price]
    assert all(source.title and source.address.startswith("https://") for source in sources)


def test_a_module_on_a_board_is_bought_with_its_board() -> None:
    # 8 × $35,000 + $70,000 for the node.
    assert hardware()["h200"].cost(1) == hardware()["h200"].cost(8) == Decimal(350_000)
    assert hardware()["h200"].cost(9) == Decimal(700_000)
    # 8 × 700 W + 4,600 W: the 10.2 kW that NVIDIA rates such a node at.
    assert hardware()["h200"].rated_watts(1) == 10_200


def test_a_price_without_its_host_is_unknown_and_not_lower() -> None:
    assert hardware()["rtx-pro-6000"].cost(8) is None
    assert hardware()["rtx-4090"].cost(1) is None


def test_hardware_multiplies_in_16_bits_what_it_lacks_a_unit_for() -> None:
    rates = hardware()["h100-sxm"].flops
    assert rates.at("fp4") == rates.bf16
    assert rates.at("fp8") == pytest.approx(2 * rates.bf16, rel=0.001)


def test_more_accelerators_than_can_be_joined_are_refused() -> None:
    with pytest.raises(ValidationError, match="take 1 at most, or more replicas"):
        deployed("gpt-oss-20b", "mxfp4", "mac-studio-m3-ultra", 2)
    assert small(4, hardware=machine(most_accelerators=4)).accelerators == 4
