"""How evenly experts are used, counted by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.engine_page import findings
from dashboard.engine_page.experts import balance, most_used, never_used
from engine.api.activity import ExpertUse


def use(counts: list[list[int]], tokens: int) -> ExpertUse:
    return ExpertUse(np.array(counts, np.int64), tokens, since_ms=0)


# Ten tokens, two of four experts each. Layer 0: 10, 6, 4, 0, of which the mean is 5 and the
# standard deviation √((25 + 1 + 1 + 25) / 4) = √13. Layer 1 is even.
TWO_LAYERS = use([[10, 6, 4, 0], [5, 5, 5, 5]], tokens=10)


def test_shares_are_of_the_layers_tokens_and_even_use_is_experts_a_token_over_experts() -> None:
    found = balance(TWO_LAYERS)
    assert found.share[0].tolist() == [1.0, 0.6, 0.4, 0.0]
    assert found.even.tolist() == [0.5, 0.5]


def test_the_busiest_expert_is_over_the_mean_and_the_variation_too() -> None:
    found = balance(TWO_LAYERS)
    assert found.busiest.tolist() == [2.0, 1.0]
    assert found.variation[0] == pytest.approx(13**0.5 / 5)
    assert found.variation[1] == 0


def test_the_titles_say_who_is_used_most_and_how_uneven_that_is() -> None:
    found = balance(TWO_LAYERS)
    assert findings.of_experts(found) == (
        "Expert 0 of layer 0 is used most: by 100% of tokens, 2.00 × even use; 1 of 8 were never "
        "used"
    )
    assert findings.of_balance(found) == (
        "The busiest expert of a layer has 1.50 × its even share on average, at most 2.00 × in "
        "layer 0 (1: perfectly even)"
    )


def test_a_layer_without_experts_to_choose_from_is_unknown_not_uneven() -> None:
    found = balance(use([[0, 0, 0, 0], [8, 4, 4, 4]], tokens=10))
    assert np.isnan(found.share[0]).all()
    assert np.isnan(found.busiest[0])
    top = most_used(found)
    assert (top.layer, top.expert, top.share, top.times_even) == (1, 0, 0.8, 1.6)
    assert never_used(found) == 0


@given(st.integers(1, 6), st.integers(2, 8), st.integers(1, 40), st.data())
def test_no_layer_is_more_uneven_than_experts_over_experts_a_token(
    layers: int, experts: int, tokens: int, data: st.DataObject
) -> None:
    per_token = data.draw(st.integers(1, experts))
    counts = np.zeros((layers, experts), np.int64)
    for layer in range(layers):
        for _ in range(tokens):
            counts[layer, data.draw(st.permutations(range(experts)))[:per_token]] += 1
    found = balance(ExpertUse(counts, tokens, since_ms=0))
    assert (found.busiest >= 1 - 1e-9).all()
    assert (found.busiest <= experts / per_token + 1e-9).all()
    assert found.share.sum(axis=1) == pytest.approx([per_token] * layers)
