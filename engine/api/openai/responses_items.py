"""The items of a response's output, and the events that tell how they grow."""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic_core import from_json

from engine.api.openai.responses_tools import Offer

Event = tuple[str, dict[str, Any]]  # name and content
Status = Literal["in_progress", "completed", "incomplete"]


class TextItem:
    """A message, or what the model wrote for itself: an item with one part, which is text. `index`
    is its place in the output."""

    def __init__(self, index: int, item_id: str, kind: Literal["message", "reasoning"]) -> None:
        self.kind = kind
        self.status: Status = "in_progress"
        self._index = index
        self._id = item_id
        self._name = "output_text" if kind == "message" else "reasoning_text"
        self._place = {"item_id": item_id, "output_index": index, "content_index": 0}
        self._text = ""
        self._logprobs: list[dict[str, Any]] = []

    def opened(self) -> Iterator[Event]:
        item = {**self.told(), "content": []}
        yield "response.output_item.added", {"output_index": self._index, "item": item}
        yield "response.content_part.added", {**self._place, "part": self._part()}

    def more(self, text: str, logprobs: list[dict[str, Any]]) -> Iterator[Event]:
        self._text += text
        self._logprobs += logprobs
        delta = self._with_logprobs({**self._place, "delta": text}, logprobs)
        yield f"response.{self._name}.delta", delta

    def closed(self, status: Status) -> Iterator[Event]:
        self.status = status
        text = self._with_logprobs({**self._place, "text": self._text}, self._logprobs)
        yield f"response.{self._name}.done", text
        yield "response.content_part.done", {**self._place, "part": self._part()}
        yield "response.output_item.done", {"output_index": self._index, "item": self.told()}

    def told(self) -> dict[str, Any]:
        item = {"id": self._id, "type": self.kind, "status": self.status}
        content = {"content": [self._part()]}
        if self.kind == "message":
            return {**item, "role": "assistant", **content}
        return {**item, "summary": [], **content}

    def _part(self) -> dict[str, Any]:
        part: dict[str, Any] = {"type": self._name, "text": self._text}
        if self.kind == "message":
            part["annotations"] = []
        return self._with_logprobs(part, self._logprobs)

    def _with_logprobs(self, told: dict[str, Any], logprobs: list[Any]) -> dict[str, Any]:
        return {**told, "logprobs": list(logprobs)} if self.kind == "message" else told


class CallItem:
    """A call of a function, or of a custom tool, whose input is the one argument of what the model
    took for a function."""

    kind: Literal["call"] = "call"

    def __init__(self, index: int, item_id: str, call_id: str, offer: Offer) -> None:
        self.status: Status = "in_progress"
        self._index = index
        self._ids = {"id": item_id, "call_id": call_id}
        self._place = {"item_id": item_id, "output_index": index}
        self._offer = offer
        self._arguments = ""
        self._told = ""  # of the arguments, or of the custom tool's input

    def opened(self) -> Iterator[Event]:
        yield "response.output_item.added", {"output_index": self._index, "item": self.told()}

    def more(self, text: str) -> Iterator[Event]:
        self._arguments += text
        known = self._arguments if self._offer.kind == "function" else _input(self._arguments)
        delta, self._told = known[len(self._told) :], known
        if delta:
            yield f"response.{self._name}.delta", {**self._place, "delta": delta}

    def closed(self, status: Status) -> Iterator[Event]:
        self.status = status
        yield f"response.{self._name}.done", {**self._place, **self._content()}
        yield "response.output_item.done", {"output_index": self._index, "item": self.told()}

    def told(self) -> dict[str, Any]:
        offer = self._offer
        kind = "function_call" if offer.kind == "function" else "custom_tool_call"
        item = {**self._ids, "type": kind, "status": self.status, "name": offer.name}
        if offer.namespace is not None:
            item["namespace"] = offer.namespace
        return {**item, **self._content()}

    @property
    def _name(self) -> str:
        function = self._offer.kind == "function"
        return "function_call_arguments" if function else "custom_tool_call_input"

    def _content(self) -> dict[str, str]:
        return {"arguments" if self._offer.kind == "function" else "input": self._told}


def _input(arguments: str) -> str:
    """The argument `input` as far as it is known, of JSON that is still being written."""
    try:
        value = from_json(arguments, allow_partial="trailing-strings")
    except ValueError:
        return ""
    text = value.get("input") if isinstance(value, dict) else None
    return text if isinstance(text, str) else ""
