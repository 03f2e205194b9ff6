from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM

from engine.model.batch import Chunk
from engine.model.load import load
from engine.model.model import Model
from engine.model.tokenizer import Tokenizer
from tests.engine.model.reference import greedy, transformers_model, write_carving

QUESTION = [{"role": "user", "content": "Explain in three sentences how a sailing boat moves."}]


@pytest.fixture(scope="session")
def transformers_float32(gguf_path: Path) -> LlamaForCausalLM:
    return transformers_model(gguf_path)


def continued(model: Model, token_ids: list[int], count: int) -> list[int]:
    """Greedy continuation, token by token through the cache."""
    cache = model.new_cache(8)
    blocks = [5, 2, 7, 0, 1, 6, 3, 4]  # a sequence's blocks may lie anywhere
    ids, start = list(token_ids), 0
    for _ in range(count):
        result = model.forward([Chunk(ids[start:], start, blocks)], cache)
        start = len(ids)
        ids.append(int(result.logits[0].argmax()))
    return ids[len(token_ids) :]


def test_64_greedy_tokens_are_those_of_transformers(
    dense_float32: Model, tokenizer: Tokenizer, transformers_float32: LlamaForCausalLM
) -> None:
    ids = tokenizer.encode_chat(QUESTION)
    assert continued(dense_float32, ids, 64) == greedy(transformers_float32, ids, 64)


def test_logits_are_those_of_transformers(
    dense_float32: Model, tokenizer: Tokenizer, transformers_float32: LlamaForCausalLM
) -> None:
    ids = tokenizer.encode_chat(QUESTION)
    with torch.inference_mode():
        theirs = transformers_float32(torch.tensor([ids])).logits[0]
    span = theirs.max() - theirs.min()
    assert (dense_float32.logits(ids) - theirs).abs().max() / span < 1e-4


def test_a_carved_model_with_every_expert_on_is_the_dense_model(
    gguf_path: Path, tokenizer: Tokenizer, dense_float32: Model, tmp_path: Path
) -> None:
    carved = write_carving(tmp_path / "c.safetensors", gguf_path)
    mixture = load(gguf_path, carved, "float32", experts_per_token=32)
    ids = tokenizer.encode_chat(QUESTION)
    dense = dense_float32.logits(ids)
    span = dense.max() - dense.min()
    assert (mixture.logits(ids) - dense).abs().max() / span < 1e-5
    assert continued(mixture, ids, 16) == continued(dense_float32, ids, 16)


def test_a_prompt_in_pieces_gives_the_same_logits(
    dense_float32: Model, tokenizer: Tokenizer
) -> None:
    ids = tokenizer.encode("The quick brown fox jumps over the lazy dog. " * 8)
    cache = dense_float32.new_cache(4)
    for start in range(0, len(ids), 23):
        pieces = dense_float32.forward([Chunk(ids[start : start + 23], start, [3, 1, 2, 0])], cache)
    whole = dense_float32.logits(ids)[-1]
    assert torch.allclose(pieces.logits[0], whole, atol=2e-3)


def test_sequences_in_one_batch_do_not_see_each_other(
    dense_float32: Model, tokenizer: Tokenizer
) -> None:
    one, two = tokenizer.encode("The sea is blue"), tokenizer.encode("Numbers: one, two, three,")
    cache = dense_float32.new_cache(2)
    both = dense_float32.forward([Chunk(one, 0, [0]), Chunk(two, 0, [1])], cache).logits
    assert torch.allclose(both[0], dense_float32.logits(one)[-1], atol=2e-3)
    assert torch.allclose(both[1], dense_float32.logits(two)[-1], atol=2e-3)


def test_bfloat16_stays_close_to_float32(gguf_path: Path, tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode_chat(QUESTION)
    exact = load(gguf_path, None, "float32").logits(ids).log_softmax(-1)
    rounded = load(gguf_path, None, "bfloat16").logits(ids).log_softmax(-1)
    divergence = (exact.exp() * (exact - rounded)).sum(-1).mean()
    assert divergence < 0.01  # nats a token


def test_parameters_are_counted_as_transformers_counts_them(
    dense_float32: Model, transformers_float32: LlamaForCausalLM
) -> None:
    assert dense_float32.total_parameters == transformers_float32.num_parameters()
    assert dense_float32.active_parameters == dense_float32.total_parameters
