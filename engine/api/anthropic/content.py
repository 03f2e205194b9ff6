"""An answer's content blocks, in Anthropic's words."""

from collections.abc import Iterator
from typing import Any

from engine.api.schema_parts import arguments
from engine.api.source import Piece
from engine.tools.tool import Argued, Called, Part, Said, Thought

Event = tuple[str, dict[str, Any]]  # name and content


class Content:
    """The blocks as far as they have come. `thoughts`: whether the client wants to see them;
    `request_id` makes the ids of calls unique."""

    def __init__(self, request_id: str, *, thoughts: bool) -> None:
        self.blocks: list[dict[str, Any]] = []
        self.calls = 0
        self._request_id = request_id
        self._thoughts = thoughts
        self._arguments = ""
        self._open = False

    def events(self, piece: Piece) -> Iterator[Event]:
        """What a piece adds. The last one closes the last block."""
        for part in piece.parts:
            yield from self._of(part)
        if piece.finish_reason is not None:
            yield from self._stop()

    def _of(self, part: Part) -> Iterator[Event]:
        match part:
            case Said(text):
                yield from self._go_on("text", "text", text)
            case Thought(text) if self._thoughts:
                yield from self._go_on("thinking", "thinking", text)
            case Called(name):
                call_id = f"toolu_{self._request_id}_{self.calls}"
                self.calls += 1
                yield from self._start({"type": "tool_use", "id": call_id, "name": name})
            case Argued(text):
                self._arguments += text
                yield self._delta({"type": "input_json_delta", "partial_json": text})

    def _go_on(self, kind: str, field: str, text: str) -> Iterator[Event]:
        if not self._open or self.blocks[-1]["type"] != kind:
            empty = {"signature": ""} if kind == "thinking" else {}
            yield from self._start({"type": kind, field: "", **empty})
        self.blocks[-1][field] += text
        yield self._delta({"type": f"{kind}_delta", field: text})

    def _start(self, block: dict[str, Any]) -> Iterator[Event]:
        yield from self._stop()
        if block["type"] == "tool_use":
            block["input"] = {}
        self.blocks.append(block)
        self._open, self._arguments = True, ""
        index = len(self.blocks) - 1
        yield "content_block_start", {"index": index, "content_block": dict(block)}

    def _stop(self) -> Iterator[Event]:
        if self._open:
            if self.blocks[-1]["type"] == "tool_use":
                self.blocks[-1]["input"] = arguments(self._arguments or "{}")
            self._open = False
            yield "content_block_stop", {"index": len(self.blocks) - 1}

    def _delta(self, delta: dict[str, Any]) -> Event:
        return "content_block_delta", {"index": len(self.blocks) - 1, "delta": delta}
