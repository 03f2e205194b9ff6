"""One of the answers to a chat completion, in OpenAI's words."""

from collections.abc import Iterator
from typing import Any

from engine.api.source import Piece
from engine.runtime.protocol import TokenLogprob
from engine.tools.tool import Argued, Called, Part, Said, Thought


class Choice:
    """An answer as far as it has come. `request_id` makes its calls' ids unique."""

    def __init__(self, request_id: str, index: int, *, with_logprobs: bool) -> None:
        self._id = f"{request_id}_{index}"
        self._index = index
        self._with_logprobs = with_logprobs
        self._logprobs: list[TokenLogprob] = []
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._calls: list[dict[str, Any]] = []
        self._finish_reason: str | None = None
        self._begun = False

    def deltas(self, piece: Piece) -> Iterator[dict[str, Any]]:
        """What a piece adds, as streamed choices."""
        if not self._begun:
            self._begun = True
            yield self._choice({"role": "assistant", "content": "", "refusal": None})
        if piece.finish_reason is not None:
            self._finish_reason = piece.finish_reason
        self._logprobs += piece.logprobs
        told = piece.logprobs if self._with_logprobs else []
        for part in piece.parts or ([Said("")] if told else []):
            yield self._choice(self._delta(part), _logprobs(told) if told else None)
            told = []

    def end(self) -> dict[str, Any]:
        return {**self._choice({}), "finish_reason": self._reason()}

    def whole(self) -> dict[str, Any]:
        text = "".join(self._texts)
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        if self._thoughts:
            message["reasoning_content"] = "".join(self._thoughts)
        if self._calls:
            message |= {"content": text or None, "tool_calls": self._calls}
        return {
            "index": self._index,
            "message": message,
            "logprobs": _logprobs(self._logprobs) if self._with_logprobs else None,
            "finish_reason": self._reason(),
        }

    def _delta(self, part: Part) -> dict[str, Any]:
        match part:
            case Said(text):
                self._texts.append(text)
                return {"content": text}
            case Thought(text):
                self._thoughts.append(text)
                return {"reasoning_content": text}
            case Called(name):
                function = {"name": name, "arguments": ""}
                call_id = f"call_{self._id}_{len(self._calls)}"
                call = {"id": call_id, "type": "function", "function": function}
                self._calls.append({**call, "function": dict(function)})
                return {"tool_calls": [{"index": len(self._calls) - 1, **call}]}
            case Argued(text):
                self._calls[-1]["function"]["arguments"] += text
                index = len(self._calls) - 1
                return {"tool_calls": [{"index": index, "function": {"arguments": text}}]}

    def _reason(self) -> str | None:
        called = self._calls and self._finish_reason == "stop"
        return "tool_calls" if called else self._finish_reason

    def _choice(
        self, delta: dict[str, Any], logprobs: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        return {"index": self._index, "delta": delta, "logprobs": logprobs, "finish_reason": None}


def _logprobs(tokens: list[TokenLogprob]) -> dict[str, Any]:
    return {"content": told_logprobs(tokens), "refusal": None}


def told_logprobs(tokens: list[TokenLogprob]) -> list[dict[str, Any]]:
    """Token by token, each with its alternatives."""
    return [
        {
            "token": token.token,
            "logprob": token.logprob,
            "bytes": token.token_bytes,
            "top_logprobs": [
                {"token": text, "logprob": value, "bytes": raw} for text, raw, value in token.top
            ],
        }
        for token in tokens
    ]
