import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.runtime.protocol import SamplingParams
from engine.runtime.sampler import logprobs, sample


def draws(probabilities: list[float], count: int = 4000, **sampling: float) -> NDArray[np.float64]:
    """How often each token is drawn, as a share."""
    logits = np.log(np.array(probabilities, np.float32))
    params = SamplingParams(**sampling)  # type: ignore[arg-type]
    random = np.random.default_rng(0)
    tokens = [sample(logits, params, {}, random) for _ in range(count)]
    return np.bincount(tokens, minlength=len(probabilities)) / count


def test_tokens_are_drawn_as_often_as_their_probabilities_say() -> None:
    assert np.allclose(draws([0.5, 0.3, 0.2]), [0.5, 0.3, 0.2], atol=0.03)


def test_temperature_2_flattens_by_the_square_root() -> None:
    roots = np.sqrt([0.5, 0.3, 0.2])
    assert np.allclose(draws([0.5, 0.3, 0.2], temperature=2.0), roots / roots.sum(), atol=0.03)


def test_temperature_0_takes_the_most_likely() -> None:
    assert draws([0.3, 0.4, 0.3], 20, temperature=0.0).tolist() == [0, 1, 0]


def test_top_k_keeps_the_k_most_likely() -> None:
    assert np.allclose(draws([0.1, 0.4, 0.2, 0.3], top_k=2), [0, 4 / 7, 0, 3 / 7], atol=0.03)


def test_top_p_keeps_the_fewest_that_reach_it() -> None:
    # 0.5 alone does not reach 0.6; 0.5 + 0.3 does.
    assert np.allclose(draws([0.5, 0.3, 0.2], top_p=0.6), [5 / 8, 3 / 8, 0], atol=0.03)


def test_top_p_counts_shares_of_what_top_k_left() -> None:
    # Of 0.4 and 0.3 the first has 4/7 = 0.571, which reaches 0.5.
    assert draws([0.4, 0.3, 0.3], 50, top_k=2, top_p=0.5).tolist() == [1, 0, 0]


def test_min_p_drops_what_is_unlikely_beside_the_best() -> None:
    assert np.allclose(draws([0.6, 0.3, 0.1], min_p=0.4), [2 / 3, 1 / 3, 0], atol=0.03)


def test_top_p_is_right_where_many_tokens_are_equally_likely() -> None:
    logits = np.zeros(5000, np.float32)
    random = np.random.default_rng(0)
    params = SamplingParams(top_p=0.5)
    drawn = {sample(logits, params, {}, random) for _ in range(4000)}
    assert max(drawn) < 2501  # half of 5,000, the lower ids first
    assert len(drawn) > 1500


def test_presence_penalty_is_taken_once_and_frequency_penalty_each_time() -> None:
    logits = np.array([3.0, 2.0, 1.0], np.float32)
    greedy = SamplingParams(temperature=0.0, presence_penalty=0.5, frequency_penalty=0.3)
    random = np.random.default_rng(0)
    # 3 - 0.5 - 0.3 = 2.2 stays above 2; with two occurrences 3 - 0.5 - 0.6 = 1.9 falls below.
    assert sample(logits, greedy, {0: 1}, random) == 0
    assert sample(logits, greedy, {0: 2}, random) == 1


@given(st.integers(0, 2**64 - 1), st.floats(0.1, 2), st.floats(0.01, 1), st.integers(0, 600))
def test_a_seed_repeats_the_draws(seed: int, temperature: float, top_p: float, top_k: int) -> None:
    logits = np.random.default_rng(1).normal(size=1000).astype(np.float32) * 3
    params = SamplingParams(temperature=temperature, top_p=top_p, top_k=top_k)
    one, two = (np.random.Generator(np.random.Philox(seed)) for _ in range(2))
    assert [sample(logits, params, {}, one) for _ in range(5)] == [
        sample(logits, params, {}, two) for _ in range(5)
    ]


def test_logits_that_are_no_numbers_are_an_error() -> None:
    with pytest.raises(ValueError, match="not a number"):
        sample(np.full(4, np.nan, np.float32), SamplingParams(), {}, np.random.default_rng(0))


def test_logprobs_are_of_the_models_own_distribution() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.2], np.float32)) + 7
    found = logprobs(logits, chosen=1, top=2)
    assert found.chosen == pytest.approx(np.log(0.3), abs=1e-5)
    assert [token for token, _ in found.top] == [0, 1]
    assert [value for _, value in found.top] == pytest.approx(np.log([0.5, 0.3]), abs=1e-5)
