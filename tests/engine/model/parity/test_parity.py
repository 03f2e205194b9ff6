"""What a checkpoint computes here is what it computes in transformers, family by family.

Bounds: in float32, logits within 1e-4 of their range and the same 64 tokens. In bfloat16, errors
are compared with those that transformers itself makes in bfloat16 on the same checkpoint: both
round the same numbers to 8 bits at about the same places, so ours may not be larger than theirs,
but for the luck of which way things round (see BFLOAT16_SLACK).
"""

import pytest

from tests.engine.model.parity.harness import Checked, greedy, second_prompt
from tests.engine.model.parity.variants import VARIANTS, Variant

FLOAT32_BOUND = 1e-4
# Root mean square over about 28,000 logits. A near tie between experts that the two resolve
# differently moves a whole token's row, which is what most of the slack is for. Which ones tie
# depends on the processor: on a Xeon with AMX the largest ratio of all variants is 1.505.
BFLOAT16_SLACK = 1.6


@pytest.fixture(scope="module", params=VARIANTS, ids=str)
def checked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Checked:
    variant: Variant = request.param
    return Checked(variant, tmp_path_factory.mktemp("checkpoint"))


def test_float32_logits_are_within_a_ten_thousandth_of_their_range(checked: Checked) -> None:
    assert checked.difference("float32").largest < FLOAT32_BOUND


def test_float32_chooses_the_same_64_tokens_in_pieces_beside_another_sequence(
    checked: Checked,
) -> None:
    other = second_prompt()
    texts = greedy(checked.load("float32"), [checked.text[:-64], other])
    assert texts == [checked.text, checked.continued(other)]


def test_bfloat16_loses_no_more_than_transformers_does_in_bfloat16(checked: Checked) -> None:
    ours, theirs = checked.difference("bfloat16"), checked.bfloat16_difference()
    assert ours.rms <= BFLOAT16_SLACK * theirs.rms
