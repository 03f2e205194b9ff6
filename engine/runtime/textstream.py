"""Turns tokens into what may be shown now: no half characters, no part of a stop string."""

from collections.abc import Collection

from engine.model.tokenizer import IncrementalDetokenizer, Tokenizer
from engine.text import overlap


class TextStream:
    """`stopped_by` is the stop string that is complete, once one is; what follows is dropped."""

    def __init__(self, tokenizer: Tokenizer, stop: list[str], shown: Collection[int] = ()) -> None:
        self._detokenizer = IncrementalDetokenizer(tokenizer, shown)
        self._stop = [text for text in stop if text]
        self._held = ""
        self.stopped_by: str | None = None

    def add(self, token_id: int) -> str:
        return self._release(self._detokenizer.add(token_id))

    def finish(self) -> str:
        """What was held back, when nothing follows that could complete it."""
        if self.stopped_by is not None:
            return ""
        text = self._release(self._detokenizer.finish())
        if self.stopped_by is None:
            text, self._held = text + self._held, ""
        return text

    def _release(self, piece: str) -> str:
        text = self._held + piece
        # The first to be complete, however the text comes in pieces; of two the longer.
        found = [(at + len(s), at, s) for s in self._stop if (at := text.find(s)) >= 0]
        if found:
            _, at, self.stopped_by = min(found)
            self._held = ""
            return text[:at]
        keep = max((overlap(text, stop) for stop in self._stop), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]
