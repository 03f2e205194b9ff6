"""The shipped carved file: whole, small, and equal to the dense model with every expert on."""

from pathlib import Path

import pytest
import torch

from engine.carve.__main__ import CARVED
from engine.carve.carved import Carved, inactive_share, load, mixture, permuted
from engine.carve.dense import Dense, hidden_states, load_dense
from engine.carve.perplexity import held_out, perplexity
from engine.model.tokenizer import Tokenizer

GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(scope="module")
def carved() -> Carved:
    return load(CARVED)


@pytest.fixture(scope="module")
def dense(weights_dir: Path) -> Dense:
    torch.set_num_threads(2)
    return load_dense(weights_dir / GGUF)


@pytest.fixture(scope="module")
def tokenizer(weights_dir: Path) -> Tokenizer:
    return Tokenizer.open(weights_dir / GGUF)


def test_the_file_is_at_most_eight_megabytes() -> None:
    assert CARVED.stat().st_size <= 8_000_000


def test_every_layer_holds_each_neuron_once(carved: Carved) -> None:
    layers, neurons = carved.order.shape
    assert (layers, neurons) == (30, 1536)
    assert carved.order.long().sort(dim=1).values.equal(torch.arange(1536).expand(30, -1))
    sizes = carved.sizes
    assert sizes.expert * (sizes.shared + sizes.routed) == neurons


def test_each_setting_spends_its_experts_and_no_layer_has_too_many(carved: Carved) -> None:
    table = carved.experts_per_layer.long()
    assert table.max() == carved.sizes.routed
    assert table.sum(dim=1).tolist() == [30 * k for k in range(carved.sizes.routed + 1)]
    assert (table.diff(dim=0) >= 0).all(), "a higher setting never takes experts from a layer"


def test_an_eighth_of_the_feed_forward_rests_and_little_is_added(carved: Carved) -> None:
    shares = inactive_share(carved, 576, carved.experts_per_token)
    assert shares["skipped"] >= 0.125
    assert shares["overhead"] <= 0.03


def test_all_experts_on_gives_the_dense_logits(
    dense: Dense, carved: Carved, tokenizer: Tokenizer
) -> None:
    ids = torch.tensor([tokenizer.encode("The whale, like all things that are mighty, wears")])
    model = permuted(dense, carved.order)
    with torch.inference_mode():
        every_expert = mixture(model, carved, carved.sizes.routed)
        ours = hidden_states(model, ids, every_expert) @ dense.embedding.T
        theirs = hidden_states(dense, ids) @ dense.embedding.T
    # The same sums in another order: equal to float32's rounding.
    torch.testing.assert_close(ours, theirs, atol=2e-3, rtol=1e-4)


def test_more_experts_per_token_never_read_worse(
    dense: Dense, carved: Carved, tokenizer: Tokenizer
) -> None:
    model = permuted(dense, carved.order)
    chats = held_out(tokenizer)["chats"][:4]
    default, routed = carved.experts_per_token, carved.sizes.routed
    settings = (default - 8, default, (default + routed) // 2, routed)
    values = [perplexity(model, chats, mixture(model, carved, k)) for k in settings]
    assert values == sorted(values, reverse=True)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "at_most"), [("chats", 1.15), ("prose", 1.15)])
def test_an_eighth_at_rest_costs_little_perplexity_on_held_out_text(
    dense: Dense, carved: Carved, tokenizer: Tokenizer, kind: str, at_most: float
) -> None:
    model = permuted(dense, carved.order)
    sequences = held_out(tokenizer)[kind][::4]
    ratio = perplexity(model, sequences, mixture(model, carved)) / perplexity(
        dense, sequences, None
    )
    assert ratio <= at_most
