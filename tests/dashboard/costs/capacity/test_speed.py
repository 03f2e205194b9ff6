"""The numbers that a queue needs, on the small machine, by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.costs.capacity.speed import READ_AT_ONCE, Speed, speed
from tests.dashboard.costs.capacity.deployments import PERFECT, deployed, small


def steady(sequences: int = 8) -> Speed:
    """Reads 100 tokens a second; a step takes 0.1 s and 0.01 s for each sequence."""
    return Speed(
        prefill_tokens_per_s=100,
        step_s=lambda number: 0.1 + 0.01 * number,
        most_at_once=sequences,
        replicas=1,
    )


def test_decoding_alone_gives_each_sequence_a_token_a_step() -> None:
    assert steady().decode_tokens_per_s(10) == pytest.approx(10 / 0.2)
    assert steady().tokens_per_s_of_each(10) == pytest.approx(5)


def test_the_first_token_comes_after_the_prompt_and_one_step() -> None:
    assert steady().first_token_s(50) == pytest.approx(0.5 + 0.11)


def test_under_full_load_prompts_and_answers_take_turns() -> None:
    # A request: 1 s for 100 prompt tokens, and an eighth of 20 steps of 0.18 s.
    assert steady().output_tokens_per_s(100, 20) == pytest.approx(20 / (1 + 20 * 0.18 / 8))
    assert steady().output_tokens_per_s(100, 20, sequences=1) == pytest.approx(20 / (1 + 2.2))


def test_slower_hardware_takes_longer_for_all_and_holds_as_much() -> None:
    half = steady().slower(2)
    assert half.first_token_s(50) == pytest.approx(2 * (0.5 + 0.11))
    assert half.tokens_per_s_of_each(10) == pytest.approx(5 / 2)
    assert half.output_tokens_per_s(100, 20) == pytest.approx(
        steady().output_tokens_per_s(100, 20) / 2
    )
    assert half.most_at_once == steady().most_at_once


def test_a_prompt_is_read_in_full_steps() -> None:
    # 8,192 tokens, each 2 × 440 + 2 × 60 FLOPs and 40 × 500 of attention, at 100,000/s.
    found = speed(small(), 1000, 10, factors=PERFECT)
    assert found.prefill_tokens_per_s == pytest.approx(100_000 / (880 + 120 + 40 * 500))
    assert READ_AT_ONCE * 240 > 1000  # arithmetic and not reading is what takes the time


def test_cached_tokens_are_looked_at_but_not_read_again() -> None:
    # The new 200 of 1,000 tokens look at 900 on average.
    found = speed(small(), 1000, 10, cached_tokens=800, factors=PERFECT)
    assert found.prefill_tokens_per_s == pytest.approx(100_000 / (880 + 120 + 40 * 900))


def test_steps_are_those_of_the_middle_of_an_answer() -> None:
    # 440 + 60 bytes and a cache of 100 + 20 / 2 tokens.
    found = speed(small(), 100, 20, factors=PERFECT)
    assert found.step_s(1) == pytest.approx((500 + 110 * 20) / 1000)


def test_what_does_not_fit_is_refused_with_what_to_do() -> None:
    with pytest.raises(ValueError, match="1 × H100 PCIe 80 GB does not hold Kimi K2 in int4"):
        speed(deployed("kimi-k2", "int4", "h100-pcie"), 1000, 100)


def test_a_request_longer_than_the_model_was_made_for_is_refused() -> None:
    with pytest.raises(ValueError, match="was made for 10,000 tokens, fewer than prompt"):
        speed(small(), 10_000, 1)


@given(prompt=st.integers(1, 30_000), answer=st.integers(1, 4000), sequences=st.integers(1, 100))
def test_more_at_once_never_makes_less_in_all(prompt: int, answer: int, sequences: int) -> None:
    fast = speed(deployed("gpt-oss-120b", "mxfp4", "h200"), prompt, answer)
    one = fast.output_tokens_per_s(prompt, answer, sequences)
    assert fast.output_tokens_per_s(prompt, answer, sequences + 1) >= one * (1 - 1e-12)
    assert one <= fast.decode_tokens_per_s(sequences)
