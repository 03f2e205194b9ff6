"""What `POST /v1/chat/completions` accepts: OpenAI's fields, with OpenAI's types and ranges.

Unknown fields are ignored, as OpenAI-compatible servers do, because tools send many. A field that
would change the answer and that this engine cannot honour is refused, never dropped in silence.
"""

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from engine.api.ask import AnswerSchema, Ask, Chat
from engine.api.openai.fields import MOST_ANSWERS, Request, StreamOptions, parse
from engine.api.schema_parts import Part, Text, arguments, refuse
from engine.tools.tool import Choice, Tool

MOST_MESSAGES = 4096
MOST_TOP_LOGPROBS = 20
MOST_TOOLS = 128

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


class ChatRequest(Request):
    messages: list[ChatMessage] = Field(min_length=1, max_length=MOST_MESSAGES)
    stream_options: StreamOptions | None = None
    n: int | None = Field(None, ge=1, le=MOST_ANSWERS)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
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
        # Several fields at once: the message begins with the one at fault, which `parse` reads.
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
        return Ask(
            self._chat(),
            max_tokens=min(limits, default=None),
            drawing=self.drawing(),
            stop=self.stop or [],
            top_logprobs=(self.top_logprobs or 0) if self.logprobs else None,
            answers=self.n or 1,
            report_experts=self.reports_experts,
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
    return parse(ChatRequest, body)
