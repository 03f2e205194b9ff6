"""What a request asks for, in nobody's dialect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.model.sampling_defaults import SamplingDefaults
from engine.runtime.protocol import SamplingParams
from engine.tools.formats import Message
from engine.tools.tool import Choice, Tool


@dataclass(frozen=True, slots=True)
class AnswerSchema:
    """What the answer's JSON has to be. `strict`: no keyword of the schema may be passed over."""

    schema: Mapping[str, Any]
    strict: bool


@dataclass(frozen=True, slots=True)
class Chat:
    messages: Sequence[Message]
    tools: Sequence[Tool] = ()
    choice: Choice = field(default_factory=Choice)
    schema: AnswerSchema | None = None

    @property
    def may_call(self) -> bool:
        return bool(self.tools) and self.choice.mode != "none"


def in_turns(messages: Sequence[Message]) -> list[Message]:
    """As every model's template takes it: one system message, which comes first, and neighbours of
    one role as one message. What the system says later is said by the user."""
    chat: list[Message] = []
    for message in messages:
        if message["role"] == "system" and chat and chat[-1]["role"] != "system":
            message = {**message, "role": "user"}
        alike = chat and chat[-1]["role"] == message["role"] != "tool"
        if alike and not (message.keys() | chat[-1].keys()) & {"tool_calls"}:
            chat[-1] = {**message, "content": f"{chat[-1]['content']}\n{message['content']}"}
        else:
            chat.append(message)
    return chat


@dataclass(frozen=True, slots=True)
class Ask:
    """`texts`, or lists of token ids, are continued as they are, each `answers` times; without any
    the chat is answered. `max_tokens` None: as many as there is room for. `drawing` has those
    fields of SamplingParams that say how tokens are drawn; None in it means that the request leaves
    the field out. `top_logprobs` None: no log-probabilities."""

    chat: Chat = field(default_factory=lambda: Chat(()))
    max_tokens: int | None = None
    drawing: Mapping[str, float | int | None] = field(default_factory=dict)
    stop: Sequence[str] = ()
    top_logprobs: int | None = None
    answers: int = 1
    report_experts: bool = False
    texts: Sequence[str | list[int]] = ()

    def sampling(self, room: int, defaults: SamplingDefaults) -> SamplingParams:
        """The engine's parameters. `room` is how many tokens the context still takes, `defaults`
        are the model's own."""
        return SamplingParams(
            max_tokens=room if self.max_tokens is None else min(self.max_tokens, room),
            stop=list(self.stop),
            top_logprobs=self.top_logprobs,
            **defaults.unless(**self.drawing),
        )
