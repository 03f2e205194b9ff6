"""Scheduling rules, with sequences that are computed on paper."""

import random

from hypothesis import given
from hypothesis import strategies as st

from engine.model.tokenizer import Tokenizer
from engine.runtime.cache import BlockPool, Held
from engine.runtime.protocol import SamplingParams, Submit
from engine.runtime.scheduler import PREFILL_CHUNK, Scheduler
from engine.runtime.sequence import Sequence

CONTEXT = 512


def sequence(
    tokenizer: Tokenizer,
    request_id: int,
    prompt: int,
    answer: int = 10,
    text: int | None = None,
    tenant: int = 0,
) -> Sequence:
    """Requests of the same `text` have the same prompt, as far as it goes; else none is alike."""
    ids = [request_id if text is None else text] * prompt
    submit = Submit(request_id, [ids], SamplingParams(max_tokens=answer), tenant=tenant)
    return Sequence.from_submit(submit, 0, tokenizer, CONTEXT, layers=1, routed=1)


Cache = dict[tuple[int, int], int]  # block, position in it → the token computed there


def compute(scheduler: Scheduler, cache: Cache | None = None) -> list[tuple[int, int]]:
    """One step: every scheduled token is computed; who caught up gets a token or is over.
    What a sequence reads in `cache` has to be its own tokens."""
    planned = scheduler.schedule()
    for one, tokens in planned:
        for at, token in enumerate(one.token_ids[: one.num_computed + tokens]):
            place = one.held.blocks[at // 32], at % 32
            if cache is not None and at >= one.num_computed:
                cache[place] = token
            assert cache is None or cache[place] == token
        scheduler.computed(one, tokens)
        if one.pending == 0:
            one.append(7 + one.request_id % 2)
            if len(one.token_ids) >= one.limit:
                scheduler.remove(one)
    return [(one.request_id, tokens) for one, tokens in planned]


def test_a_new_request_joins_those_that_decode(tokenizer: Tokenizer) -> None:
    scheduler = Scheduler(BlockPool(64), max_running=8)
    scheduler.add(sequence(tokenizer, 1, prompt=20))
    assert compute(scheduler) == [(1, 20)]
    scheduler.add(sequence(tokenizer, 2, prompt=30))
    assert compute(scheduler) == [(1, 1), (2, 30)]
    assert compute(scheduler) == [(1, 1), (2, 1)]


def test_a_long_prompt_is_computed_in_pieces_while_others_decode(tokenizer: Tokenizer) -> None:
    scheduler = Scheduler(BlockPool(64), max_running=8)
    scheduler.add(sequence(tokenizer, 1, prompt=4))
    compute(scheduler)
    scheduler.add(sequence(tokenizer, 2, prompt=300))
    assert compute(scheduler) == [(1, 1), (2, PREFILL_CHUNK)]
    assert compute(scheduler) == [(1, 1), (2, 300 - PREFILL_CHUNK)]


def test_a_piece_is_never_cut_to_fit_the_budget(tokenizer: Tokenizer) -> None:
    scheduler = Scheduler(BlockPool(64), max_running=2)
    scheduler.add(sequence(tokenizer, 1, prompt=200))
    scheduler.add(sequence(tokenizer, 2, prompt=100))
    assert compute(scheduler) == [(1, 200)]
    assert compute(scheduler) == [(1, 1), (2, 100)]


def test_no_more_run_than_may(tokenizer: Tokenizer) -> None:
    scheduler = Scheduler(BlockPool(64), max_running=2)
    for request_id in range(3):
        scheduler.add(sequence(tokenizer, request_id, prompt=4))
    assert compute(scheduler) == [(0, 4), (1, 4)]
    assert [waiting.request_id for waiting in scheduler.waiting] == [2]


def test_who_came_last_makes_room_and_starts_anew(tokenizer: Tokenizer) -> None:
    # 4 blocks of 32 positions: the first fills its two at 64 tokens, the second its one at 32.
    scheduler = Scheduler(BlockPool(4), max_running=2)
    scheduler.add(sequence(tokenizer, 1, prompt=63, answer=9))
    scheduler.add(sequence(tokenizer, 2, prompt=30, answer=9))
    compute(scheduler)
    compute(scheduler)
    assert compute(scheduler) == [(1, 1), (2, 1)]
    assert compute(scheduler) == [(1, 1)]
    assert scheduler.waiting[0].request_id == 2
    assert scheduler.waiting[0].num_computed == 0


@given(
    st.lists(
        st.tuples(st.integers(1, 300), st.integers(1, 60), st.integers(0, 2)),
        min_size=1,
        max_size=12,
    ),
    st.integers(16, 40),
    st.integers(1, 6),
    st.randoms(use_true_random=False),
)
def test_everyone_finishes_and_every_block_comes_back(
    tokenizer: Tokenizer,
    requests: list[tuple[int, int, int]],
    blocks: int,
    max_running: int,
    chance: random.Random,
) -> None:
    scheduler = Scheduler(BlockPool(blocks), max_running)
    everyone = [sequence(tokenizer, i, *sizes) for i, sizes in enumerate(requests)]
    arriving = list(everyone)
    cache: Cache = {}
    for _ in range(20_000):
        if arriving and chance.random() < 0.5:
            scheduler.add(arriving.pop())
        planned = compute(scheduler, cache)
        assert len(scheduler.running) <= max_running
        assert sum(tokens for _, tokens in planned) <= PREFILL_CHUNK + max_running
        if not (arriving or scheduler.running or scheduler.waiting):
            break
    assert [len(one.token_ids) for one in everyone] == [
        min(CONTEXT, prompt + answer) for prompt, answer, _ in requests
    ]
    assert scheduler.pool.has_room(Held(), 32 * (blocks - 1))


def test_who_asks_for_one_answer_does_not_wait_for_fifty_of_another(tokenizer: Tokenizer) -> None:
    scheduler = Scheduler(BlockPool(512), max_running=4)
    for request_id in range(50):
        scheduler.add(sequence(tokenizer, request_id, prompt=4, tenant=1))
    compute(scheduler)
    scheduler.add(sequence(tokenizer, 99, prompt=4, answer=2, tenant=2))
    steps = 0
    while all(one.request_id != 99 for one in scheduler.running):
        compute(scheduler)
        steps += 1
    assert steps <= 10  # as many as the answers that run already still take
    assert len(scheduler.waiting) >= 42


def test_a_prompt_that_another_tenant_sent_is_not_read_from_the_cache(tokenizer: Tokenizer) -> None:
    scheduler = Scheduler(BlockPool(64), max_running=8)
    scheduler.add(sequence(tokenizer, 1, prompt=100, text=5, tenant=1))
    compute(scheduler)
    scheduler.add(sequence(tokenizer, 2, prompt=100, text=5, tenant=2))
    scheduler.add(sequence(tokenizer, 3, prompt=100, text=5, tenant=1))
    compute(scheduler)
    cached = {one.request_id: one.cached_tokens for one in scheduler.running}
    assert cached == {1: 0, 2: 0, 3: 96}


def test_a_requests_further_answers_come_before_requests_that_have_not_begun(
    tokenizer: Tokenizer,
) -> None:
    scheduler = Scheduler(BlockPool(64), max_running=2)
    scheduler.add(sequence(tokenizer, 1, prompt=4, answer=9))
    scheduler.add(sequence(tokenizer, 2, prompt=4, answer=1))
    scheduler.add(sequence(tokenizer, 3, prompt=4))
    compute(scheduler)  # the second is over
    scheduler.add_siblings([sequence(tokenizer, 1, prompt=4)])
    compute(scheduler)
    assert [one.request_id for one in scheduler.running] == [1, 1]
