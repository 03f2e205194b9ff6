"""What a step did for each request, in operations and bytes: the weights of its energy."""

from collections.abc import Sequence

from engine.energy.attribution import Work
from engine.model.model import Model
from engine.runtime.engine import Processed


def work_done(model: Model, processed: Sequence[Processed]) -> dict[int, Work]:
    """By request id. The weights that a step reads are shared out by tokens."""
    c, expert = model.config, model.expert_parameters
    head = c.hidden * c.vocab_size
    every_token = model.active_parameters - head - model.expert_choices * expert
    tokens = sum(p.prefill_tokens + p.decode_tokens for p in processed)
    done: dict[int, Work] = {}
    for p in processed:
        own = p.prefill_tokens + p.decode_tokens
        products = own * every_token + p.experts * expert + p.outputs * head
        scores = p.positions * c.attention_operations()
        cache = p.positions * c.cached_per_token * model.cache_number_bytes
        work = Work(
            prefill_tokens=p.prefill_tokens,
            decode_tokens=p.decode_tokens,
            flops=2.0 * (products + scores),
            bytes_moved=model.weight_bytes * own / tokens + cache,
        )
        before = done.get(p.request_id)  # of another of its answers
        done[p.request_id] = work if before is None else before + work
    return done
