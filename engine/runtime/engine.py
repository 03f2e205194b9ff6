"""The batching engine: a step is schedule, run, and take the results in."""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.model.batch import BLOCK_TOKENS, Chunk
from engine.model.errors import GrammarError
from engine.model.grammar import Grammars
from engine.model.model import Model
from engine.model.tokenizer import Tokenizer
from engine.runtime.cache import BlockPool
from engine.runtime.protocol import FinishReason, Output, SamplingParams, Submit, TokenLogprob
from engine.runtime.sampler import logprobs, sample
from engine.runtime.scheduler import Scheduler
from engine.runtime.sequence import Sequence


@dataclass(frozen=True, slots=True)
class Processed:
    """What a step computed of one request."""

    request_id: int
    tokens: int
    is_prefill: bool  # of the prompt; else of the answer
    positions: int  # cache positions that attention read, summed over the tokens
    chosen: NDArray[np.int32]  # [layers, routed experts]: how many of the tokens chose each
    outputs: int  # rows of logits that were used: 0 within a prompt, else 1


@dataclass(frozen=True, slots=True)
class StepResult:
    outputs: list[Output]
    processed: list[Processed]


class Engine:
    """Requests join and leave between steps. Not thread-safe: one thread drives it."""

    def __init__(self, model: Model, tokenizer: Tokenizer, max_running: int) -> None:
        context = model.config.context_length
        blocks = -(-max(2 * context, 1024 * max_running) // BLOCK_TOKENS)
        self.model = model
        self.tokenizer = tokenizer
        self.scheduler = Scheduler(BlockPool(blocks), max_running)
        self._grammars = Grammars(tokenizer)
        self._cache = model.new_cache(blocks)
        self._told: list[Output] = []  # to go out before the next tokens

    @property
    def has_work(self) -> bool:
        return bool(self._told or self.scheduler.running or self.scheduler.waiting)

    def submit(self, submit: Submit) -> None:
        """Queues a request; one that cannot be computed ends with an error in the next step."""
        try:
            sequences = [self._sequence(submit, index) for index in range(submit.answers)]
        except (ValueError, GrammarError) as error:
            for index in range(submit.answers):
                refused = Output(submit.request_id, "", 0, index=index)
                refused.finish_reason, refused.error = "error", str(error)
                refused.unanswerable = True
                self._told.append(refused)
            return
        for start in range(0, submit.answers, submit.n):
            first, *siblings = sequences[start : start + submit.n]
            first.siblings = siblings
            self.scheduler.add(first)

    def _sequence(self, submit: Submit, index: int) -> Sequence:
        grammar, config = submit.grammar, self.model.config
        if problem := self._problem(submit.prompts[index // submit.n], submit.sampling):
            raise ValueError(problem)
        return Sequence.from_submit(
            submit,
            index,
            self.tokenizer,
            config.context_length,
            config.layers,
            self.model.routed_experts,
            None if grammar is None else self._grammars.constraint(grammar),
        )

    def abort(self, request_id: int) -> None:
        """Ends a request as cancelled; one that is over already is left alone."""
        for sequence in self.scheduler.find(request_id):
            self._told += self._end(sequence, "cancelled", "")

    def use_experts(self, per_token: int | None) -> None:
        """Routed experts a token from the next step on (None: the model's own)."""
        self.model.routing.set_per_token(per_token)
        self.scheduler.pool.forget()

    def step(self) -> StepResult:
        """Computes the next tokens of everyone whose turn it is; or, where something is to be told
        without computing, only that, so that who left or was refused need not wait."""
        if self._told:
            told, self._told = self._told, []
            return StepResult(told, [])
        outputs: list[Output] = []
        planned = self.scheduler.schedule()
        now = time.monotonic()
        for sequence, _ in planned:
            if sequence.queue_ms is None:
                sequence.queue_ms = (now - sequence.submitted) * 1000
        processed: list[Processed] = []
        for sequence, tokens, row, chosen in self._run(planned, outputs, processed):
            processed.append(_processed(sequence, tokens, chosen))
            self.scheduler.computed(sequence, tokens)
            sequence.tokens_run += tokens
            sequence.expert_counts += chosen
            if sequence.pending == 0:
                self.scheduler.add_siblings(sequence.siblings)
                sequence.siblings = []
                outputs += self._next_token(sequence, row)
        return StepResult(outputs, processed)

    def _problem(self, prompt: list[int], sampling: SamplingParams) -> str | None:
        context = self.model.config.context_length
        if not prompt:
            return "The prompt is empty."
        if len(prompt) >= context:
            return f"The prompt has {len(prompt)} tokens; the model's limit is {context}."
        if not all(0 <= token < self.model.config.vocab_size for token in prompt):
            return "The prompt has token ids that are not in the model's vocabulary."
        if sampling.max_tokens < 1:
            return "max_tokens must be at least 1."
        return None

    def _run(
        self,
        planned: list[tuple[Sequence, int]],
        outputs: list[Output],
        processed: list[Processed],
    ) -> list[tuple[Sequence, int, NDArray[np.float32], NDArray[np.int32]]]:
        """The forward pass: (sequence, tokens, last token's logits, experts chosen) of each.

        Should it fail, each is tried alone, so that only the one at fault ends with an error, and
        the work that came to nothing is that one's.
        """
        if not planned:
            return []
        try:
            result = self.model.forward([_chunk(*plan) for plan in planned], self._cache)
        except Exception as error:
            if len(planned) > 1:
                return [done for plan in planned for done in self._run([plan], outputs, processed)]
            sequence, tokens = planned[0]
            nobody = np.zeros((self.model.config.layers, self.model.routed_experts), np.int32)
            processed.append(_processed(sequence, tokens, nobody))
            outputs += self._end(sequence, "error", "", f"The model failed: {error}.")
            return []
        rows = result.logits.numpy()
        return [(*plan, rows[i], result.chosen[i]) for i, plan in enumerate(planned)]

    def _next_token(self, sequence: Sequence, logits: NDArray[np.float32]) -> list[Output]:
        sampling = sequence.sampling
        try:
            token = _draw(sequence, logits)
        except GrammarError as error:
            outputs = self._end(sequence, "error", "", f"The JSON schema cannot be met: {error}.")
            for output in outputs:
                output.unanswerable = True
            return outputs
        except ValueError as error:
            return self._end(sequence, "error", "", f"No next token: {error}.")
        sequence.append(token)
        ended = token in self.tokenizer.ends
        text = "" if ended else sequence.text.add(token)
        complete = sequence.constraint is not None and sequence.constraint.complete
        if ended or complete or sequence.text.stopped_by is not None:
            outputs = self._end(sequence, "stop", text)
        elif len(sequence.token_ids) >= sequence.limit:
            outputs = self._end(sequence, "length", text)
        else:
            outputs = [_output(sequence, text)]
        if sampling.top_logprobs is not None and not ended:
            outputs[0].logprobs = [self._logprob(logits, token, sampling.top_logprobs)]
        return outputs

    def _logprob(self, logits: NDArray[np.float32], token: int, top: int) -> TokenLogprob:
        def named(token_id: int) -> tuple[str, list[int]]:
            raw = self.tokenizer.token_bytes(token_id)
            return raw.decode("utf-8", errors="replace"), list(raw)

        found = logprobs(logits, token, top)
        return TokenLogprob(
            *named(token), found.chosen, [(*named(i), value) for i, value in found.top]
        )

    def _end(
        self, sequence: Sequence, reason: FinishReason, text: str, error: str | None = None
    ) -> list[Output]:
        """Its last output, and those of siblings that never began."""
        self.scheduler.remove(sequence)
        return [
            self._last_output(sequence, reason, text, error),
            *(self._last_output(sibling, reason, "", error) for sibling in sequence.siblings),
        ]

    def _last_output(
        self, sequence: Sequence, reason: FinishReason, text: str, error: str | None
    ) -> Output:
        sequence.finish_reason = reason
        output = _output(sequence, text + sequence.text.finish())
        output.finish_reason, output.error = reason, error
        output.stopped_by = sequence.text.stopped_by
        output.experts_active_mean = sequence.experts_active_mean()
        if sequence.report_experts and self.model.routed_experts:
            output.experts = sequence.expert_counts.tolist()
        return output


def _draw(sequence: Sequence, logits: NDArray[np.float32]) -> int:
    """The next token. Under a grammar one is drawn freely first: most often it is allowed, and to
    find all that are takes longer."""
    sampling, constraint = sequence.sampling, sequence.constraint
    token = sample(logits, sampling, sequence.generated, sequence.random)
    if constraint is None:
        return token
    if not constraint.allows(token):
        allowed = constraint.only_allowed(logits)
        token = sample(allowed, sampling, sequence.generated, sequence.random)
    constraint.take(token)
    return token


def _output(sequence: Sequence, text: str) -> Output:
    return Output(
        sequence.request_id,
        text,
        sequence.output_tokens,
        cached_input_tokens=sequence.cached_tokens,
        queue_ms=sequence.queue_ms,
        index=sequence.index,
    )


def _chunk(sequence: Sequence, tokens: int) -> Chunk:
    start = sequence.num_computed
    return Chunk(sequence.token_ids[start : start + tokens], start, sequence.held.blocks)


def _processed(sequence: Sequence, tokens: int, chosen: NDArray[np.int32]) -> Processed:
    start = sequence.num_computed
    # Token i of the chunk reads start + i + 1 positions.
    positions = tokens * start + tokens * (tokens + 1) // 2
    return Processed(
        request_id=sequence.request_id,
        tokens=tokens,
        is_prefill=start < sequence.prompt_length,
        positions=positions,
        chosen=chosen,
        outputs=int(tokens == sequence.pending),
    )
