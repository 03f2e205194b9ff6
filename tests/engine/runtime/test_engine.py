"""The engine on the real model: requests that join, leave, fail and share a batch."""

from collections import defaultdict
from pathlib import Path

import pytest

from engine.model.batch import BLOCK_TOKENS
from engine.model.load import load
from engine.model.model import Model
from engine.model.tokenizer import Tokenizer
from engine.runtime.cache import BlockPool
from engine.runtime.engine import Engine
from engine.runtime.protocol import Output, SamplingParams, Submit
from tests.engine.model.reference import write_carving

QUESTIONS = [
    "What is the capital of France?",
    "Name three fruits.",
    "Who wrote Hamlet?",
    "Say something about the sea.",
    "What is 2 + 2?",
    "Write one line of Python.",
    "Which language is spoken in Brazil?",
    "Tell me a joke.",
]


@pytest.fixture
def engine(dense_int4: Model, tokenizer: Tokenizer) -> Engine:
    return Engine(dense_int4, tokenizer, max_running=8)


def ask(engine: Engine, request_id: int, text: str, **sampling: object) -> None:
    ids = engine.tokenizer.encode_chat([{"role": "user", "content": text}])
    params = SamplingParams(**{"temperature": 0.0, "max_tokens": 24, **sampling})  # type: ignore[arg-type]
    engine.submit(Submit(request_id, [ids], params, report_experts=True))


def finish(engine: Engine) -> tuple[dict[int, str], dict[int, Output]]:
    """Text and last output of every request."""
    text: defaultdict[int, str] = defaultdict(str)
    last: dict[int, Output] = {}
    while engine.has_work:
        for output in engine.step().outputs:
            assert output.request_id not in last or last[output.request_id].finish_reason is None
            text[output.request_id] += output.text
            last[output.request_id] = output
    return text, last


def test_the_capital_of_france_is_paris(engine: Engine) -> None:
    ask(engine, 1, QUESTIONS[0])
    text, last = finish(engine)
    assert "Paris" in text[1]
    assert last[1].finish_reason == "stop"


@pytest.mark.parametrize("sampling", [{}, {"temperature": 1.0, "top_p": 0.9, "seed": 7}])
def test_eight_at_once_get_what_each_gets_alone(
    engine: Engine, sampling: dict[str, object]
) -> None:
    for request_id, question in enumerate(QUESTIONS):
        ask(engine, request_id, question, **sampling)
    together, _ = finish(engine)
    for request_id, question in enumerate(QUESTIONS):
        ask(engine, request_id, question, **sampling)
        alone, _ = finish(engine)
        assert alone[request_id] == together[request_id]


def test_different_seeds_give_different_answers(engine: Engine) -> None:
    for seed in range(3):
        ask(engine, seed, "Invent a name for a ship.", temperature=1.2, seed=seed)
    text, _ = finish(engine)
    assert len(set(text.values())) > 1


def test_max_tokens_ends_with_length_and_counts_exactly(engine: Engine) -> None:
    ask(engine, 1, "Tell me a long story.", max_tokens=5)
    _, last = finish(engine)
    assert (last[1].finish_reason, last[1].output_tokens) == ("length", 5)


def test_a_stop_string_ends_the_answer_and_is_not_shown(engine: Engine) -> None:
    ask(engine, 1, QUESTIONS[0], stop=[" Paris"])
    text, last = finish(engine)
    assert text[1] == "The capital of France is"
    assert last[1].finish_reason == "stop"


def test_an_abort_ends_one_request_and_frees_its_place(engine: Engine) -> None:
    ask(engine, 1, "Tell me a long story.", max_tokens=200)
    ask(engine, 2, QUESTIONS[0])
    for _ in range(3):
        engine.step()
    engine.abort(1)
    text, last = finish(engine)
    assert last[1].finish_reason == "cancelled"
    assert last[1].output_tokens == 3
    assert "Paris" in text[2]


def test_who_is_aborted_is_told_so_before_anything_more_is_computed(engine: Engine) -> None:
    ask(engine, 1, "Tell me a long story.", max_tokens=200)
    ask(engine, 2, QUESTIONS[0])
    engine.step()
    engine.abort(1)
    told = engine.step()
    assert [(out.request_id, out.finish_reason) for out in told.outputs] == [(1, "cancelled")]
    assert told.processed == []
    assert [out.request_id for out in engine.step().outputs] == [2]


def test_aborting_what_is_unknown_or_over_does_nothing(engine: Engine) -> None:
    ask(engine, 1, QUESTIONS[0])
    finish(engine)
    engine.abort(1)
    engine.abort(99)
    assert not engine.has_work


def test_a_request_that_never_started_can_be_aborted(engine: Engine) -> None:
    ask(engine, 1, QUESTIONS[0])
    engine.abort(1)
    _, last = finish(engine)
    assert (last[1].finish_reason, last[1].output_tokens) == ("cancelled", 0)


@pytest.mark.parametrize(
    ("prompt", "complaint"),
    [([], "empty"), ([1] * 8192, "limit is 8192"), ([49152], "not in the model's vocabulary")],
)
def test_an_impossible_prompt_ends_with_an_error_and_hurts_nobody(
    engine: Engine, prompt: list[int], complaint: str
) -> None:
    ask(engine, 1, QUESTIONS[0])
    engine.submit(Submit(2, [prompt], SamplingParams()))
    text, last = finish(engine)
    assert last[2].finish_reason == "error"
    assert complaint in (last[2].error or "")
    assert "Paris" in text[1]


def test_logprobs_name_the_token_and_its_rivals(engine: Engine) -> None:
    ask(engine, 1, QUESTIONS[0], max_tokens=3, top_logprobs=2)
    found = []
    while engine.has_work:
        found += [entry for output in engine.step().outputs for entry in output.logprobs]
    assert [entry.token for entry in found] == ["The", " capital", " of"]
    for entry in found:
        assert bytes(entry.token_bytes).decode() == entry.token
        assert entry.logprob == pytest.approx(entry.top[0][2])  # greedy: the best is chosen
        assert entry.top[0][2] >= entry.top[1][2]


def test_a_small_cache_makes_requests_wait_but_changes_no_answer(
    dense_int4: Model, tokenizer: Tokenizer, engine: Engine
) -> None:
    for request_id, question in enumerate(QUESTIONS[:4]):
        ask(engine, request_id, question, max_tokens=40)
    roomy, _ = finish(engine)
    small = Engine(dense_int4, tokenizer, max_running=4)
    small.scheduler.pool = BlockPool(7 * 32 // BLOCK_TOKENS)
    for request_id, question in enumerate(QUESTIONS[:4]):
        ask(small, request_id, question, max_tokens=40)
    tight, _ = finish(small)
    assert tight == roomy


def test_time_in_the_queue_is_told(dense_int4: Model, tokenizer: Tokenizer) -> None:
    engine = Engine(dense_int4, tokenizer, max_running=1)
    ask(engine, 1, QUESTIONS[0])
    ask(engine, 2, QUESTIONS[0])
    _, last = finish(engine)
    first, second = last[1].queue_ms, last[2].queue_ms
    assert first is not None
    assert second is not None
    assert second > first


def test_experts_are_counted_for_each_request(
    gguf_path: Path, kernel_folder: Path, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    carved = write_carving(tmp_path / "c.safetensors", gguf_path)
    model = load(gguf_path, carved, "int4", 12, 2, kernel_folder)
    engine = Engine(model, tokenizer, max_running=2)
    ask(engine, 1, QUESTIONS[0], max_tokens=6)
    ask(engine, 2, QUESTIONS[1], max_tokens=3)
    _, last = finish(engine)
    prompt = len(tokenizer.encode_chat([{"role": "user", "content": QUESTIONS[0]}]))
    computed = prompt + last[1].output_tokens - 1  # the last token is drawn, not computed
    assert last[1].experts_active_mean == pytest.approx(12)
    assert last[1].experts is not None
    assert [sum(layer) for layer in last[1].experts] == [13 * computed, 11 * computed] * 15


def test_a_dense_model_tells_of_no_experts(engine: Engine) -> None:
    ask(engine, 1, QUESTIONS[0], max_tokens=2)
    _, last = finish(engine)
    assert last[1].experts is None
    assert last[1].experts_active_mean is None


def say(engine: Engine, request_id: int, chat: list[dict[str, str]], **sampling: object) -> int:
    """Submits a chat; its number of tokens."""
    ids = engine.tokenizer.encode_chat(chat)
    params = SamplingParams(**{"temperature": 0.0, "max_tokens": 24, **sampling})  # type: ignore[arg-type]
    engine.submit(Submit(request_id, [ids], params, report_experts=True))
    return len(ids)


def test_a_chat_that_goes_on_is_computed_from_where_it_ended(engine: Engine) -> None:
    chat = [{"role": "user", "content": QUESTIONS[0] + " Tell me about its rivers, too."}]
    asked = say(engine, 1, chat)
    answers, first = finish(engine)
    chat += [
        {"role": "assistant", "content": answers[1]},
        {"role": "user", "content": "And of Spain?"},
    ]
    say(engine, 2, chat)
    _, second = finish(engine)
    assert first[1].cached_input_tokens == 0
    # Whole blocks of what had been computed: the prompt, and the answer but for its last token.
    known = asked + first[1].output_tokens - 1
    assert second[2].cached_input_tokens == known // BLOCK_TOKENS * BLOCK_TOKENS


@pytest.mark.parametrize("sampling", [{}, {"temperature": 1.0, "seed": 7}])
def test_an_answer_from_a_cached_beginning_is_the_one_without(
    dense_int4: Model, tokenizer: Tokenizer, sampling: dict[str, object]
) -> None:
    story = "Once there was a fox who lived near the river. " * 20
    chat = [{"role": "user", "content": story + "What did the fox see?"}]
    other = [{"role": "user", "content": story + "Who lived there?"}]
    fresh = Engine(dense_int4, tokenizer, max_running=2)
    say(fresh, 1, chat, **sampling)
    expected, last = finish(fresh)
    assert last[1].cached_input_tokens == 0
    warm = Engine(dense_int4, tokenizer, max_running=2)
    say(warm, 1, other)
    finish(warm)
    say(warm, 2, chat, **sampling)
    found, last = finish(warm)
    assert last[2].cached_input_tokens > 100
    assert found[2] == expected[1]


def test_the_last_token_of_a_prompt_is_always_computed(engine: Engine) -> None:
    ids = engine.tokenizer.encode("sea " * 200)[: 2 * BLOCK_TOKENS]
    for request_id in (1, 2):
        engine.submit(Submit(request_id, [ids], SamplingParams(temperature=0.0, max_tokens=2)))
        _, last = finish(engine)
    assert last[2].cached_input_tokens == BLOCK_TOKENS


def test_another_number_of_experts_makes_the_cache_forget(
    gguf_path: Path, kernel_folder: Path, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    carved = write_carving(tmp_path / "c.safetensors", gguf_path)
    engine = Engine(load(gguf_path, carved, "int4", 12, 2, kernel_folder), tokenizer, 2)
    chat = [{"role": "user", "content": "The sea is wide and blue. " * 20}]
    cached = []
    for request_id, experts in enumerate((12, 12, 8, 8)):
        if request_id == 2:
            engine.use_experts(experts)
        say(engine, request_id, chat, max_tokens=2)
        _, last = finish(engine)
        cached.append(last[request_id].cached_input_tokens > 0)
        assert last[request_id].experts_active_mean == pytest.approx(experts)
    assert cached == [False, True, False, True]


def test_ten_turns_of_a_chat_take_a_fifth_of_the_prefill(engine: Engine) -> None:
    chat = [{"role": "system", "content": "You know all about rivers and the sea. " * 60}]
    told, cached, prefilled = 0, 0, 0
    for turn in range(10):
        chat.append({"role": "user", "content": f"Turn {turn}: {QUESTIONS[turn % 8]} " * 4})
        told += say(engine, turn, chat)
        answer, last = "", None
        while engine.has_work:
            step = engine.step()
            prefilled += sum(part.tokens for part in step.processed if part.is_prefill)
            answer += "".join(output.text for output in step.outputs)
            last = step.outputs[-1] if step.outputs else last
        assert last is not None
        cached += last.cached_input_tokens
        chat.append({"role": "assistant", "content": answer})
    assert prefilled == told - cached
    assert told >= 5 * prefilled
