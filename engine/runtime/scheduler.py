"""Decides what each engine step computes.

There is no prefill phase and no decode phase (the rule is vLLM's): every sequence has
`num_computed` tokens chasing the tokens it has, running ones come first, all under one budget.
"""

from collections import Counter, deque

from engine.runtime.cache import BlockPool
from engine.runtime.sequence import Sequence

# Longer prompts are computed in pieces, so that those who wait for their next token wait less.
# A piece is never cut to fit the budget: what a request computes does not depend on the others.
PREFILL_CHUNK = 256


class Scheduler:
    """Sequences that run (they own cache blocks) and that wait."""

    def __init__(self, pool: BlockPool, max_running: int) -> None:
        self.pool = pool
        self.max_running = max_running
        self.running: list[Sequence] = []
        self.waiting: deque[Sequence] = deque()

    def add(self, sequence: Sequence) -> None:
        self.waiting.append(sequence)

    def add_siblings(self, siblings: list[Sequence]) -> None:
        """Further answers of a request that runs already: before those that have not begun."""
        self.waiting.extendleft(reversed(siblings))

    def find(self, request_id: int) -> list[Sequence]:
        everyone = (*self.running, *self.waiting)
        return [sequence for sequence in everyone if sequence.request_id == request_id]

    def remove(self, sequence: Sequence) -> None:
        """It is over: its place and its blocks are free."""
        if sequence in self.running:
            self.running.remove(sequence)
        else:
            self.waiting.remove(sequence)
        self.pool.release(sequence.held)

    def computed(self, sequence: Sequence, tokens: int) -> None:
        """The next `tokens` of a sequence are in the cache."""
        sequence.num_computed += tokens
        self.pool.name(sequence.held, sequence.token_ids, sequence.num_computed)

    def schedule(self) -> list[tuple[Sequence, int]]:
        """Sequences with the number of tokens to compute of each."""
        budget = PREFILL_CHUNK + self.max_running
        planned: list[tuple[Sequence, int]] = []
        for sequence in list(self.running):
            tokens = min(sequence.pending, PREFILL_CHUNK)
            if tokens <= budget and sequence in self.running and self._make_room(sequence, tokens):
                planned.append((sequence, tokens))
                budget -= tokens
        while self.waiting and len(self.running) < self.max_running:
            sequence = self._next()
            sequence.begin(self.pool.begin(sequence.token_ids, sequence.tenant))
            tokens = min(sequence.pending, PREFILL_CHUNK)
            fits = self.pool.has_room(sequence.held, len(sequence.token_ids))
            if tokens > budget or not fits:
                self._put_back(sequence)
                break
            self.pool.grow(sequence.held, sequence.num_computed + tokens)
            self.waiting.remove(sequence)
            self.running.append(sequence)
            planned.append((sequence, tokens))
            budget -= tokens
        return planned

    def _next(self) -> Sequence:
        """Of those who wait the first one of the tenant who has least running."""
        running = Counter(sequence.tenant for sequence in self.running)
        return min(self.waiting, key=lambda sequence: running[sequence.tenant])

    def _make_room(self, sequence: Sequence, tokens: int) -> bool:
        """Blocks for `tokens` more, if need be those of who came last, who then starts anew."""
        while not self.pool.grow(sequence.held, sequence.num_computed + tokens):
            last = self.running.pop()
            self._put_back(last)
            self.waiting.appendleft(last)
            if last is sequence:
                return False
        return True

    def _put_back(self, sequence: Sequence) -> None:
        self.pool.release(sequence.held)
        sequence.num_computed = 0
