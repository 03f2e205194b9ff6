"""The parts of carving, each against something that can be worked out by hand."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.carve.batches import Sequence, batch, batches
from engine.carve.calibrate import allocate, reduced_rank
from engine.carve.cluster import balanced_clusters
from engine.carve.prompts import prompts
from engine.carve.router import chosen, ridge


def test_clusters_of_two_clear_groups_are_the_groups() -> None:
    north, east = torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0])
    features = torch.stack([north, north, north, east, east, east])
    groups = balanced_clusters(features, clusters=2, size=3)
    assert sorted(sorted(group) for group in groups.tolist()) == [[0, 1, 2], [3, 4, 5]]


@given(seed=st.integers(0, 10_000))
def test_clusters_hold_every_item_once_and_are_of_one_size(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    features = torch.nn.functional.normalize(torch.randn(24, 5, generator=generator), dim=1)
    groups = balanced_clusters(features, clusters=4, size=6)
    assert groups.shape == (4, 6)
    assert sorted(groups.flatten().tolist()) == list(range(24))


def test_the_first_layer_is_filled_first_and_the_others_share_alike() -> None:
    # Three layers of two experts: one a layer on average is three, two of them for layer 0.
    assert allocate(layers=3, routed=2).tolist() == [[0, 0, 0], [2, 1, 0], [2, 2, 2]]


def test_a_correction_of_full_rank_recovers_a_linear_map_with_its_offset() -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(400, 4, generator=generator)
    true_map = torch.randn(4, 4, generator=generator)
    missing = x @ true_map.T + torch.tensor([1.0, 2.0, 3.0, 4.0])
    sensitivity = torch.diag(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    a, b, offset = reduced_rank(x, missing, sensitivity, rank=4)
    # The ridge shrinks a little.
    torch.testing.assert_close(b @ a, true_map, atol=0.05, rtol=0.05)
    torch.testing.assert_close(offset, torch.tensor([1.0, 2.0, 3.0, 4.0]), atol=0.1, rtol=0.05)


def test_a_correction_of_rank_one_serves_the_output_that_the_loss_feels() -> None:
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(400, 2, generator=generator)
    missing = x * torch.tensor([3.0, 1.0])  # the first output misses more…
    sensitivity = torch.diag(torch.tensor([0.01, 1.0]))  # …but the loss feels the second
    a, b, _ = reduced_rank(x, missing, sensitivity, rank=1)
    error = (missing - x @ (b @ a).T).square().mean(dim=0)
    assert error[1] < 0.05
    assert error[0] > 5


def test_ridge_finds_a_line_with_its_offset() -> None:
    x = torch.linspace(-1, 1, 50)[:, None]
    weight, bias = ridge(x, 3 * x + 2, strength=0.0)
    torch.testing.assert_close(weight, torch.tensor([[3.0]]))
    torch.testing.assert_close(bias, torch.tensor([2.0]))


def test_the_best_scored_experts_are_chosen() -> None:
    scores = torch.tensor([[0.1, 0.9, 0.5, -1.0]])
    assert chosen(scores, 2).tolist() == [[0.0, 1.0, 1.0, 0.0]]
    assert chosen(scores, 0).tolist() == [[0.0, 0.0, 0.0, 0.0]]


def test_an_answer_is_predicted_from_the_last_token_of_its_question() -> None:
    data = batch([Sequence([5, 6, 7, 8, 9], answer_start=3), Sequence([1, 2, 3], answer_start=1)])
    assert data.predicts.tolist() == [
        [False, False, True, True, False],
        [True, True, False, False, False],
    ]
    assert data.valid.sum(dim=1).tolist() == [5, 3]


def test_batches_keep_every_sequence_and_their_size() -> None:
    sequences = [Sequence([0] * length, 1) for length in (9, 3, 7, 3, 2, 8)]
    grouped = batches(sequences, tokens=16)
    assert sum(len(data.ids) for data in grouped) == 6
    assert all(data.ids.numel() <= 16 for data in grouped)


def test_no_held_out_subject_is_asked_about_in_training() -> None:
    training, held_out = prompts(seed=0, training=1280, held_out=160)
    assert any("volcanoes" in prompt for prompt in training + held_out)
    for subject in ("photosynthesis", "the French Revolution", "inflation", "gravity"):
        assert not (
            any(subject in prompt for prompt in training)
            and any(subject in prompt for prompt in held_out)
        )
