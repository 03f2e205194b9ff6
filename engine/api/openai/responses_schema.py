"""What `POST /v1/responses` accepts: OpenAI's fields, with OpenAI's types and ranges.

Unknown fields are ignored. Nothing is stored here, so whatever points to an earlier response is
refused; `store` may be true, and the response says that it is not.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from engine.api.ask import AnswerSchema, Ask, Chat
from engine.api.openai.fields import Request, parse
from engine.api.openai.responses_input import AdditionalToolsItem, Item, chat_of, unanswerable
from engine.api.openai.responses_tools import (
    AllowedTools,
    AnyTool,
    HostedTool,
    NamedTool,
    Offer,
    offers,
)
from engine.api.openai.schema import MOST_TOP_LOGPROBS
from engine.api.schema_parts import Part, refuse
from engine.tools.tool import Choice

MOST_ITEMS = 8192
MOST_TOOLS = 512
_LOGPROBS = "message.output_text.logprobs"


class TextFormat(Part):
    type: Literal["text", "json_object", "json_schema"]
    name: str | None = Field(None, pattern=r"^[a-zA-Z0-9_-]{1,64}$")
    schema_: dict[str, Any] | None = Field(None, alias="schema")
    strict: bool | None = None
    description: str | None = None

    @model_validator(mode="after")
    def _has_its_schema(self) -> "TextFormat":
        if self.type == "json_schema" and (self.name is None or self.schema_ is None):
            raise refuse("a json_schema needs its name and its schema.")
        return self

    def answer_schema(self) -> AnswerSchema | None:
        if self.type == "json_schema":
            return AnswerSchema(self.schema_ or {}, bool(self.strict))
        return AnswerSchema({"type": "object"}, False) if self.type == "json_object" else None


class TextConfig(Part):
    format: TextFormat | None = None
    verbosity: str | None = None


class Reasoning(Part):
    effort: str | None = None
    summary: str | None = None


def _as_items(value: Any) -> Any:
    """A text as the user's message."""
    return [{"role": "user", "content": value}] if isinstance(value, str) else value


class ResponsesRequest(Request):
    input: Annotated[list[Item], BeforeValidator(_as_items), Field(max_length=MOST_ITEMS)]
    instructions: str | None = None
    tools: list[AnyTool] | None = Field(None, max_length=MOST_TOOLS)
    tool_choice: Literal["none", "auto", "required"] | NamedTool | AllowedTools | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: int | None = Field(None, ge=1)
    top_logprobs: int | None = Field(None, ge=0, le=MOST_TOP_LOGPROBS)
    include: list[str] | None = None
    text: TextConfig | None = None
    reasoning: Reasoning | None = None
    background: bool | None = None
    truncation: Literal["auto", "disabled"] | None = None
    metadata: dict[str, str] | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    previous_response_id: Any = None
    conversation: Any = None
    prompt: Any = None

    @field_validator("tool_choice", mode="before")
    @classmethod
    def _runs_at_the_client(cls, choice: Any) -> Any:
        kind = choice.get("type") if isinstance(choice, dict) else "function"
        if kind not in ("function", "custom", "allowed_tools"):
            raise refuse(f"a tool of type {str(kind)[:40]!r} runs at the vendor, not here.")
        return choice

    @field_validator("previous_response_id", "conversation", "prompt")
    @classmethod
    def _is_not_stored(cls, value: Any) -> Any:
        if value is not None:
            raise refuse("nothing is stored here: send the whole conversation as input.")
        return value

    @field_validator("background")
    @classmethod
    def _is_waited_for(cls, value: bool | None) -> bool | None:
        if value:
            raise refuse("nothing is stored here: wait for the response, or stream it.")
        return value

    @model_validator(mode="after")
    def _fields_agree(self) -> "ResponsesRequest":
        # Several fields at once: the message begins with the one at fault, which `parse` reads.
        if (call_id := unanswerable(self.input)) is not None:
            raise refuse(f"input: there is no call with the id {call_id[:80]!r} before its output.")
        if not chat_of(self.instructions, self.input):
            raise refuse("input: there is no message in it to answer.")
        names = [offer.tool.name for offer in self._every_offer()]
        if len(names) != len(set(names)):
            raise refuse("tools: two of them have the same name.")
        choice = self.tool_choice
        required = choice == "required" or isinstance(choice, NamedTool | AllowedTools)
        if required and not self.offers:
            raise refuse("tool_choice: there is no such tool that could be called here.")
        return self

    @cached_property
    def offers(self) -> Sequence[Offer]:
        """The tools that may be called."""
        every, choice = self._every_offer(), self.tool_choice
        if isinstance(choice, NamedTool):
            return [offer for offer in every if choice.names(offer)]
        if isinstance(choice, AllowedTools):
            return [o for o in every if any(allowed.names(o) for allowed in choice.tools)]
        return every

    def _every_offer(self) -> list[Offer]:
        found = list(offers(self.tools or []))
        for index, item in enumerate(self.input):
            if isinstance(item, AdditionalToolsItem):
                found += offers(item.tools, f"input[{index}].")
        return found

    @property
    def callable_tools(self) -> list[dict[str, Any]]:
        """The tools as they were sent, but for those that run at the vendor."""
        tools = [tool for tool in self.tools or [] if not isinstance(tool, HostedTool)]
        return [tool.model_dump(exclude_none=True) for tool in tools]

    @property
    def with_logprobs(self) -> bool:
        return _LOGPROBS in (self.include or [])

    def ask(self) -> Ask:
        """What is asked, in nobody's dialect."""
        chat = chat_of(self.instructions, self.input)
        form = self.text.format if self.text else None
        schema = form.answer_schema() if form else None
        return Ask(
            Chat(chat, [offer.tool for offer in self.offers], self._choice(), schema),
            max_tokens=self.max_output_tokens,
            drawing=self.drawing(),
            stop=self.stop or [],
            top_logprobs=(self.top_logprobs or 0) if self.with_logprobs else None,
            report_experts=self.reports_experts,
        )

    def _choice(self) -> Choice:
        parallel = self.parallel_tool_calls is not False
        match self.tool_choice:
            case NamedTool():
                return Choice("required", self.offers[0].tool.name, parallel=False)
            case AllowedTools(mode=mode):
                return Choice(mode, parallel=parallel)
            case mode:
                return Choice(mode or "auto", parallel=parallel)


def parse_responses_request(body: bytes) -> ResponsesRequest:
    """The request in a body; an ApiError (400, with the field at fault) where it is not one."""
    return parse(ResponsesRequest, body)
