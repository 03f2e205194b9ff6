"""What `POST /v1/chat/completions` accepts: OpenAI's fields, with OpenAI's types and ranges.

Unknown fields are ignored, as OpenAI-compatible servers do, because tools send many. A field that
would change the answer and that this engine cannot honour is refused, never dropped in silence.
"""

import re
from typing import Any, Literal

from pydantic import (
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from engine.api.ask import AnswerSchema, Ask, Chat
from engine.api.errors import ApiError, invalid
from engine.api.schema_parts import Part, Text, arguments, refuse
from engine.tools.tool import Choice, Tool

MOST_MESSAGES = 4096
MOST_STOPS = 4
MOST_TOP_LOGPROBS = 20
MOST_TOOLS = 128
MOST_ANSWERS = 16
_PASSED_ON = (
    "temperature",
    "top_p",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "seed",
)

# How pydantic names the branches of a union in an error's place.
_BRANCH = re.compile(r"str$|[A-Z]|\w+\[")

Role = Literal["system", "developer", "user", "assistant", "tool"]


class FunctionCall(Part):
    name: str
    arguments: str


class ToolCall(Part):
    id: str
    type: Literal["function"] = "function"
    function: FunctionCall

    def for_template(self) -> dict[str, Any]:
        function = {"name": self.function.name, "arguments": arguments(self.function.arguments)}
        return {"id": self.id, "type": "function", "function": function}


class Function(Part):
    name: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionTool(Part):
    type: Literal["function"]
    function: Function

    def tool(self) -> Tool:
        f = self.function
        return Tool(f.name, f.description or "", f.parameters, bool(f.strict))


class FunctionName(Part):
    name: str


class NamedTool(Part):
    type: Literal["function"]
    function: FunctionName


class ChatMessage(Part):
    """One message of the chat so far. Only an assistant's content may be null."""

    role: Role
    content: Text | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None

    @model_validator(mode="after")
    def _has_content(self) -> "ChatMessage":
        if self.content is None and self.role != "assistant":
            raise refuse(f"A {self.role} message needs its content.")
        if self.role == "tool" and self.tool_call_id is None:
            raise refuse("A tool message needs the tool_call_id of the call that it answers.")
        return self

    def for_template(self) -> dict[str, Any]:
        """The message as models' chat templates take it."""
        role = "system" if self.role == "developer" else self.role
        message: dict[str, Any] = {"role": role, "content": self.content or ""}
        if self.tool_calls:
            message["tool_calls"] = [call.for_template() for call in self.tool_calls]
        if role == "tool":
            message["tool_call_id"] = self.tool_call_id
        return message


class StreamOptions(Part):
    include_usage: bool = False


class JsonSchema(Part):
    name: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")
    schema_: dict[str, Any] = Field(default_factory=dict, alias="schema")
    strict: bool | None = None


class ResponseFormat(Part):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None

    @model_validator(mode="after")
    def _has_its_schema(self) -> "ResponseFormat":
        if self.type == "json_schema" and self.json_schema is None:
            raise refuse("json_schema is missing: it holds the schema's name and schema.")
        return self

    def answer_schema(self) -> AnswerSchema | None:
        if self.json_schema is not None and self.type == "json_schema":
            return AnswerSchema(self.json_schema.schema_, bool(self.json_schema.strict))
        return AnswerSchema({"type": "object"}, False) if self.type == "json_object" else None


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
    n: int | None = Field(None, ge=1, le=MOST_ANSWERS)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=MOST_TOP_LOGPROBS)
    response_format: ResponseFormat | None = None
    tools: list[FunctionTool] | None = Field(None, max_length=MOST_TOOLS)
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    functions: list[Any] | None = None
    logit_bias: dict[str, float] | None = None
    modalities: list[str] | None = None
    web_search_options: dict[str, Any] | None = None
    breakeven: Extension | None = None

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

    @field_validator("messages")
    @classmethod
    def _results_answer_calls(cls, messages: list[ChatMessage]) -> list[ChatMessage]:
        called: set[str] = set()
        for message in messages:
            called |= {call.id for call in message.tool_calls or []}
            if message.role == "tool" and message.tool_call_id not in called:
                raise refuse(
                    "A tool message has to answer one of the tool_calls before it: "
                    f"there is none with the id {str(message.tool_call_id)[:80]!r}."
                )
        return messages

    @field_validator("logit_bias", "functions")
    @classmethod
    def _not_supported(cls, value: Any) -> Any:
        if value:
            raise refuse("This field is not supported by this engine; leave it out.")
        return value

    @field_validator("web_search_options")
    @classmethod
    def _no_web_search(cls, value: Any) -> Any:
        if value is not None:
            raise refuse("This engine does not search the web; leave the field out.")
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
        names = [tool.function.name for tool in self.tools or []]
        if len(names) != len(set(names)):
            raise refuse("tools: two of them have the same name.")
        if not names and self.tool_choice not in (None, "none"):
            raise refuse("tool_choice: only allowed together with tools.")
        if isinstance(self.tool_choice, NamedTool) and self.tool_choice.function.name not in names:
            raise refuse("tool_choice: there is no tool of that name.")
        if self.stream_options is not None and not self.stream:
            raise refuse("stream_options: only allowed together with stream: true.")
        if self.top_logprobs is not None and not self.logprobs:
            raise refuse("top_logprobs: only allowed together with logprobs: true.")
        return self

    def ask(self) -> Ask:
        """What is asked, in nobody's dialect."""
        limits = [limit for limit in (self.max_completion_tokens, self.max_tokens) if limit]
        drawing = {name: getattr(self, name) for name in _PASSED_ON}
        if self.top_k is not None:
            drawing["top_k"] = max(0, self.top_k)  # -1, as some clients write "off", is 0 here
        return Ask(
            self._chat(),
            max_tokens=min(limits, default=None),
            drawing=drawing,
            stop=list(self.stop or []),
            top_logprobs=(self.top_logprobs or 0) if self.logprobs else None,
            answers=self.n or 1,
            report_experts=self.breakeven is not None and self.breakeven.experts,
        )

    def _chat(self) -> Chat:
        wanted, parallel = self.tool_choice, self.parallel_tool_calls is not False
        if isinstance(wanted, NamedTool):
            choice = Choice("required", wanted.function.name, parallel=False)
        else:
            choice = Choice(wanted or "auto", parallel=parallel)
        return Chat(
            [message.for_template() for message in self.messages],
            [tool.tool() for tool in self.tools or []],
            choice,
            self.response_format.answer_schema() if self.response_format else None,
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
        if isinstance(part, int):
            path += f"[{part}]"
        elif not _BRANCH.match(part):
            path += f".{part}"
    return path.lstrip(".")


def _sentence(message: str) -> str:
    message = message.replace("Input should be", "it should be")
    return message if message.endswith(".") else message + "."
