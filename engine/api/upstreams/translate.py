"""Between nobody's dialect and chat completions, which every upstream speaks."""

import json
from collections.abc import Iterator
from typing import Any

from engine.api.ask import Ask, Chat
from engine.api.source import Piece
from engine.api.upstreams.wire import text_or_none
from engine.runtime.protocol import TokenLogprob
from engine.tools.formats import Message
from engine.tools.tool import Argued, Called, Choice, Part, Said, Thought


def body_of(ask: Ask, model: str) -> dict[str, Any]:
    """A streamed chat completion that asks for the same."""
    chat = ask.chat
    body: dict[str, Any] = {
        "model": model,
        "messages": [_message(message) for message in chat.messages],
        "stream": True,
        **{name: value for name, value in ask.drawing.items() if value is not None},
    }
    if ask.max_tokens is not None:
        body["max_tokens"] = ask.max_tokens
    if ask.stop:
        body["stop"] = list(ask.stop)
    if ask.answers > 1:
        body["n"] = ask.answers
    if ask.top_logprobs is not None:
        body |= {"logprobs": True, "top_logprobs": ask.top_logprobs}
    if chat.tools:
        body |= _tools(chat)
    if chat.schema is not None:
        schema = {"name": "answer", "schema": chat.schema.schema, "strict": chat.schema.strict}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


def _message(message: Message) -> dict[str, Any]:
    """Calls' arguments are text there."""
    if not message.get("tool_calls"):
        return message
    calls = []
    for call in message["tool_calls"]:
        function = call["function"]
        text = json.dumps(function["arguments"], ensure_ascii=False)
        calls.append({**call, "function": {**function, "arguments": text}})
    return {**message, "content": message["content"] or None, "tool_calls": calls}


def _tools(chat: Chat) -> dict[str, Any]:
    tools = []
    for tool in chat.tools:
        told = tool.for_template()
        if tool.strict:
            told["function"]["strict"] = True
        tools.append(told)
    asked: dict[str, Any] = {"tools": tools, "tool_choice": _choice(chat.choice)}
    if not chat.choice.parallel:
        asked["parallel_tool_calls"] = False
    return asked


def _choice(choice: Choice) -> Any:
    if choice.name is not None:
        return {"type": "function", "function": {"name": choice.name}}
    return choice.mode


class Reader:
    """Reads the deltas of one answer into its parts."""

    def __init__(self) -> None:
        self._call: tuple[Any, Any] | None = None  # index and id of the one that is written

    def parts(self, delta: dict[str, Any]) -> Iterator[Part]:
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(thought, str) and thought:
            yield Thought(thought)
        for text in (delta.get("content"), delta.get("refusal")):
            if isinstance(text, str) and text:
                yield Said(text)
        for call in delta.get("tool_calls") or ():
            yield from self._called(call)

    def _called(self, call: Any) -> Iterator[Part]:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            return
        name, index, call_id = function.get("name"), call.get("index", 0), call.get("id")
        known = self._call is not None and (index, call_id or self._call[1]) == self._call
        if isinstance(name, str) and name and not known:
            self._call = index, call_id
            yield Called(name)
        arguments = function.get("arguments")
        if isinstance(arguments, str) and arguments and self._call is not None:
            yield Argued(arguments)


def said_in(choice: Any, name: str) -> list[str]:
    """The texts that the model wrote, of a choice with a `delta` or a `message`, or of one of a
    text that is continued."""
    if not isinstance(choice, dict):
        return []
    said = choice.get(name) or {}
    texts = [said.get(field) for field in ("reasoning_content", "reasoning", "content", "refusal")]
    for call in said.get("tool_calls") or ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            texts += [function.get("name"), function.get("arguments")]
    return [text for text in (*texts, choice.get("text")) if isinstance(text, str) and text]


def pieces_of(chunk: dict[str, Any], readers: list[Reader] | None) -> list[Piece]:
    """What a chunk adds to each answer; `readers` None: parts are not wanted."""
    found = []
    for choice in chunk.get("choices") or ():
        if not isinstance(choice, dict):
            continue
        index = int(choice.get("index", 0))
        piece = Piece(index, finish_reason=text_or_none(choice.get("finish_reason")))
        piece.stopped_by = text_or_none(choice.get("stop_reason"))  # as vLLM tells it
        if readers is not None and 0 <= index < len(readers):
            piece.parts = list(readers[index].parts(choice.get("delta") or {}))
            piece.logprobs = _logprobs(choice.get("logprobs"))
        found.append(piece)
    return found


def _logprobs(told: Any) -> list[TokenLogprob]:
    tokens = (told.get("content") if isinstance(told, dict) else None) or []
    return [
        TokenLogprob(
            token["token"],
            token.get("bytes") or list(token["token"].encode()),
            float(token["logprob"]),
            [
                (top["token"], top.get("bytes") or list(top["token"].encode()), top["logprob"])
                for top in token.get("top_logprobs") or ()
            ],
        )
        for token in tokens
    ]
