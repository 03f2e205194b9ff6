"""How far running requests have come, kept in memory until the writer notes it on the ledger."""

import threading
import time

from db.records import Checkpoint, RequestOutcome

EVERY_S = 1.0


class Checkpoints:
    """The newest of each request since the writer took the last ones. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[int, Checkpoint] = {}
        self._taken_at = 0.0

    def first_token(self, request_id: int, at: int) -> None:
        with self._lock:
            item = self._checkpoint_of(request_id, at)
            if item.first_token_at is None:
                item.first_token_at = at

    def progress(
        self, request_id: int, output_tokens: int, at: int, cached_input_tokens: int | None
    ) -> None:
        with self._lock:
            item = self._checkpoint_of(request_id, at)
            item.output_tokens = max(item.output_tokens, output_tokens)
            if cached_input_tokens is not None:
                item.cached_input_tokens = cached_input_tokens

    def _checkpoint_of(self, request_id: int, at: int) -> Checkpoint:
        item = self._of.setdefault(request_id, Checkpoint(request_id, at))
        item.at = max(item.at, at)
        return item

    def end(self, outcome: RequestOutcome) -> None:
        """Put into an outcome what it leaves open, and forget how far the request had come."""
        with self._lock:
            last = self._of.pop(outcome.request_id, None)
        if last is not None and outcome.first_token_at is None:
            outcome.first_token_at = last.first_token_at
        if last is not None and outcome.cached_input_tokens is None:
            outcome.cached_input_tokens = last.cached_input_tokens

    # The writer's side

    def until_due_s(self) -> float:
        """Other writes wake the writer, too, so a second from now would be up to two since the
        last checkpoint."""
        left = self._taken_at + EVERY_S - time.monotonic()
        return left if left > 0 else EVERY_S

    def take(self, *, at_once: bool) -> list[Checkpoint]:
        """All of them; none where the last were taken a moment ago."""
        if not at_once and time.monotonic() - self._taken_at < EVERY_S:
            return []
        self._taken_at = time.monotonic()
        with self._lock:
            taken = list(self._of.values())
            self._of.clear()
        return taken

    def put_back(self, checkpoints: list[Checkpoint]) -> None:
        """Those that could not be written, where there is nothing newer by now."""
        with self._lock:
            for item in checkpoints:
                self._of.setdefault(item.request_id, item)
