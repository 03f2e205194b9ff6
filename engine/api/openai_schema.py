"""What `POST /v1/chat/completions` accepts: OpenAI's fields, with OpenAI's types and ranges.

Unknown fields are ignored, as OpenAI-compatible servers do, because tools send many. A field that
would change the answer and that this engine cannot honour is refused, never dropped in silence.
"""

import json
import re
from typing import Any, Literal

from pydantic import (
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from engine.api.errors import ApiError, invalid
from engine.api.schema_parts import Part, Text, refuse
from engine.model.sampling_defaults import SamplingDefaults
from engine.runtime.protocol import SamplingParams

MOST_MESSAGES = 4096
MOST_STOPS = 4
MOST_TOP_LOGPROBS = 20
_PASSED_ON = (
    "temperature",
    "top_p",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "seed",
)

Role = Literal["system", "developer", "user", "assistant", "tool"]


class FunctionCall(Part):
    name: str
    arguments: str


class ToolCall(Part):
    function: FunctionCall


class ChatMessage(Part):
    """One message of the chat so far. Only an assistant's content may be null."""

    role: Role
    content: Text | None = None
    tool_calls: list[ToolCall] | None = None

    @model_validator(mode="after")
    def _has_content(self) -> "ChatMessage":
        if self.content is None and self.role != "assistant":
            raise refuse(f"A {self.role} message needs its content.")
        return self

    def for_template(self) -> dict[str, str]:
        """The message as the model's chat template takes it. Calls that an assistant once made
        with other models' tools are shown to this one as the JSON they were."""
        calls = [
            json.dumps(
                {"name": call.function.name, "arguments": call.function.arguments},
                ensure_ascii=False,
            )
            for call in self.tool_calls or []
        ]
        text = "\n".join(filter(None, [self.content, *calls]))
        return {"role": "system" if self.role == "developer" else self.role, "content": text}


class StreamOptions(Part):
    include_usage: bool = False


class ResponseFormat(Part):
    type: str


class Extension(Part):
    """Breakeven's own field: `experts` asks for the count of choices per layer and expert."""

    experts: bool = False


class ChatRequest(Part):
    model: str = Field(min_length=1, max_length=200)
    messages: list[ChatMessage] = Field(min_length=1, max_length=MOST_MESSAGES)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    top_k: int | None = Field(None, ge=-1, le=2**31)
    min_p: float | None = Field(None, ge=0, le=1)
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    stop: str | list[str] | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=MOST_TOP_LOGPROBS)
    response_format: ResponseFormat | None = None
    tools: list[Any] | None = None
    tool_choice: Any = None
    functions: list[Any] | None = None
    logit_bias: dict[str, float] | None = None
    modalities: list[str] | None = None
    breakeven: Extension | None = None

    @field_validator("n")
    @classmethod
    def _one_answer(cls, n: int | None) -> int | None:
        if n not in (None, 1):
            raise refuse("This engine gives one answer a request: n must be 1.")
        return n

    @field_validator("stop", mode="before")
    @classmethod
    def _few_stops(cls, stop: Any) -> Any:
        texts = [stop] if isinstance(stop, str) else stop
        if texts is None:
            return None
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise refuse("stop must be a string or a list of strings.")
        if len(texts) > MOST_STOPS or "" in texts:
            raise refuse(f"stop takes up to {MOST_STOPS} strings, none of them empty.")
        return texts

    @field_validator("response_format")
    @classmethod
    def _text_only(cls, wanted: ResponseFormat | None) -> ResponseFormat | None:
        if wanted is not None and wanted.type != "text":
            raise refuse(f"response_format {wanted.type[:40]!r} is not supported: use 'text'.")
        return wanted

    @field_validator("logit_bias", "functions")
    @classmethod
    def _not_supported(cls, value: Any) -> Any:
        if value:
            raise refuse("This field is not supported by this engine; leave it out.")
        return value

    @field_validator("modalities")
    @classmethod
    def _text_modality(cls, value: list[str] | None) -> list[str] | None:
        if value not in (None, ["text"]):
            raise refuse("This engine writes text only: modalities must be ['text'].")
        return value

    @model_validator(mode="after")
    def _fields_agree(self) -> "ChatRequest":
        # Several fields at once: the message begins with the one at fault, which `api_error` reads.
        if self.tools and self.tool_choice != "none":
            raise refuse("tools: this model cannot call tools; leave them out.")
        if self.stream_options is not None and not self.stream:
            raise refuse("stream_options: only allowed together with stream: true.")
        if self.top_logprobs is not None and not self.logprobs:
            raise refuse("top_logprobs: only allowed together with logprobs: true.")
        return self

    def sampling(self, room: int, defaults: SamplingDefaults) -> SamplingParams:
        """The engine's parameters; `room` is how many tokens the context still takes, which is
        also the default of max_tokens; `defaults` are the model's for what is left out."""
        limits = [self.max_completion_tokens, self.max_tokens, room]
        given = {name: getattr(self, name) for name in _PASSED_ON}
        if self.top_k is not None:
            given["top_k"] = max(0, self.top_k)  # -1, as some clients write "off", is 0 here
        return SamplingParams(
            max_tokens=min(limit for limit in limits if limit is not None),
            stop=list(self.stop or []),
            top_logprobs=(self.top_logprobs or 0) if self.logprobs else None,
            **defaults.unless(**given),
        )


def parse_chat_request(body: bytes) -> ChatRequest:
    """The request in a body; an ApiError (400, with the field at fault) where it is not one."""
    try:
        return ChatRequest.model_validate_json(body)
    except ValidationError as error:
        raise api_error(error.errors(include_url=False)[0]) from None


def api_error(detail: ErrorDetails) -> ApiError:
    """Pydantic's first complaint as OpenAI words it, naming the field as `messages[0].content`."""
    if detail["type"] == "json_invalid":
        return invalid(f"The request's body is not valid JSON: {detail['ctx']['error']}.")
    param = _param(detail["loc"])
    message = detail["msg"]
    if detail["type"] == "refused" and not param:
        param, _, message = message.partition(": ")
    if detail["type"] == "missing":
        return invalid(f"Missing required parameter: '{param}'.", param)
    if not param:
        return invalid("The request's body must be a JSON object.")
    return invalid(f"Invalid '{param}': {_sentence(message)}", param)


def _param(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return re.sub(r"\.(str|list\[str\])$", "", path).lstrip(".")


def _sentence(message: str) -> str:
    message = message.replace("Input should be", "it should be")
    return message if message.endswith(".") else message + "."
