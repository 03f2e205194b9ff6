"""One of the continuations of a text, in OpenAI's words."""

import codecs
from collections.abc import Iterator
from typing import Any

from engine.api.source import Piece
from engine.runtime.protocol import TokenLogprob
from engine.tools.tool import Said


class Continuation:
    """A continuation as far as it has come. `before` is told before it: the text itself, where
    asked for."""

    def __init__(self, index: int, *, before: str, with_logprobs: bool) -> None:
        self._index = index
        self._before = before
        self._texts = [before]
        self._table = _Table(len(before)) if with_logprobs else None
        self._finish_reason: str | None = None

    def deltas(self, piece: Piece) -> Iterator[dict[str, Any]]:
        """What a piece adds, as a streamed choice."""
        if piece.finish_reason is not None:
            self._finish_reason = piece.finish_reason
        text = "".join(part.text for part in piece.parts if isinstance(part, Said))
        self._texts.append(text)
        rows = self._table.add(piece.logprobs) if self._table else None
        before, self._before = self._before, ""
        if before or text or (rows and rows["tokens"]):
            yield self._choice(before + text, rows)

    def end(self) -> dict[str, Any]:
        return {**self._choice("", None), "finish_reason": self._finish_reason}

    def whole(self) -> dict[str, Any]:
        rows = self._table.rows if self._table else None
        choice = self._choice("".join(self._texts), rows)
        return {**choice, "finish_reason": self._finish_reason}

    def _choice(self, text: str, logprobs: dict[str, Any] | None) -> dict[str, Any]:
        return {"index": self._index, "text": text, "logprobs": logprobs, "finish_reason": None}


class _Table:
    """Log-probabilities as `/v1/completions` tells them, column by column. `offset`: how many
    characters of text come before the first token."""

    def __init__(self, offset: int) -> None:
        self.rows: dict[str, list[Any]] = _empty()
        self._offset = offset
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def add(self, tokens: list[TokenLogprob]) -> dict[str, list[Any]]:
        """The rows of these tokens alone."""
        added = _empty()
        for token in tokens:
            others = {_name(raw): value for _, raw, value in token.top}
            added["tokens"].append(_name(token.token_bytes))
            added["token_logprobs"].append(token.logprob)
            added["top_logprobs"].append({**others, _name(token.token_bytes): token.logprob})
            added["text_offset"].append(self._offset)
            self._offset += len(self._decoder.decode(bytes(token.token_bytes)))
        for column, values in added.items():
            self.rows[column] += values
        return added


def _empty() -> dict[str, list[Any]]:
    return {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}


def _name(raw: list[int]) -> str:
    """A token's text; one that is no whole characters is told by its bytes, as the vendor does."""
    try:
        return bytes(raw).decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in raw)
