"""What a step's energy is divided by, counted by hand."""

from pathlib import Path

import numpy as np
import pytest

from engine.model.load import load, shipped_carving
from engine.model.model import Model
from engine.runtime.engine import Processed
from engine.runtime.work import Sizes, work_done


@pytest.fixture(scope="module")
def carved_model(gguf_path: Path, kernel_folder: Path) -> Model:
    carving = shipped_carving(gguf_path)
    return load(gguf_path, carving, "int4", threads=2, kernel_folder=kernel_folder)


def processed(request: int, chosen: list[list[int]], *, tokens: int = 1) -> Processed:
    counts = np.zeros((30, 32), np.int32)
    counts[:, : len(chosen[0])] = np.repeat(chosen, 30, axis=0)
    return Processed(
        request, tokens, is_prefill=tokens > 1, positions=10 * tokens, chosen=counts, outputs=1
    )


def test_an_expert_is_paid_for_by_those_who_chose_it(carved_model: Model) -> None:
    sizes = Sizes.of(carved_model)
    # In each of 30 layers: the first chose experts 0 and 1, the second 1 and 2.
    work = work_done(Sizes.of(carved_model), [processed(1, [[1, 1, 0]]), processed(2, [[0, 1, 1]])])
    alone = work_done(Sizes.of(carved_model), [processed(1, [[1, 1, 0]])])
    saved = alone[1].decode.weight_bytes - work[1].decode.weight_bytes
    halves = sizes.always / 2 + sizes.head / 2 + 30 * sizes.expert / 2  # all that both of them read
    assert saved == pytest.approx(halves * sizes.parameter_bytes)
    assert work[1].decode.weight_bytes == pytest.approx(work[2].decode.weight_bytes)
    assert work[1].decode.flops == alone[1].decode.flops  # products are each one's own


def test_a_long_prompt_pays_for_its_products_and_not_for_the_others_reading(
    carved_model: Model,
) -> None:
    prompt = processed(1, [[64, 64]], tokens=64)
    answer = processed(2, [[1, 1]])
    work = work_done(Sizes.of(carved_model), [prompt, answer])
    assert (work[1].prefill.tokens, work[1].decode.tokens) == (64, 0)
    assert (work[2].prefill.tokens, work[2].decode.tokens) == (0, 1)
    assert work[1].prefill.weight_bytes == pytest.approx(work[2].decode.weight_bytes)
    assert work[1].prefill.cache_bytes == pytest.approx(64 * work[2].decode.cache_bytes)


def test_the_bytes_of_one_token_are_the_weights_that_it_goes_through(carved_model: Model) -> None:
    carving = carved_model.routing.carving
    assert carving is not None
    counts = np.zeros((30, 32), np.int32)
    for layer, number in enumerate(carved_model.routing.counts):
        counts[layer, :number] = 1
    one = Processed(1, 1, False, positions=1, chosen=counts, outputs=1)
    work = work_done(Sizes.of(carved_model), [one])[1].decode
    active = carved_model.active_parameters * carved_model.weight_bytes
    assert work.weight_bytes == pytest.approx(active / carved_model.total_parameters)
    assert work.flops >= 2 * carved_model.active_parameters


def test_several_answers_to_one_request_are_its_own_together(carved_model: Model) -> None:
    pair = work_done(Sizes.of(carved_model), [processed(1, [[1]]), processed(1, [[1]])])
    two = work_done(Sizes.of(carved_model), [processed(1, [[1]]), processed(2, [[1]])])
    assert pair[1].decode.flops == two[1].decode.flops + two[2].decode.flops
    assert pair[1].decode.steps == 1
