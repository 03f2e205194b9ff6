"""What `/v1/messages` accepts, checked as Anthropic's API checks it.

https://docs.anthropic.com/en/api/messages. Fields that only a beta knows are ignored where the
client says that it uses betas (`anthropic-beta`), and refused otherwise, as there.
"""

import json
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from engine.api.errors import ApiError, invalid
from engine.api.schema_parts import Part, Text, refuse
from engine.model.sampling_defaults import SamplingDefaults
from engine.runtime.protocol import SamplingParams

Wanted = TypeVar("Wanted", bound="_Request")
MOST_MESSAGES = 100_000  # the vendor's own limit


class TextBlock(Part):
    type: Literal["text"]
    text: str


class ToolUseBlock(Part):
    type: Literal["tool_use"]
    id: str
    name: str
    input: dict[str, Any]


class ToolResultBlock(Part):
    type: Literal["tool_result"]
    tool_use_id: str
    content: Text | None = None
    is_error: bool | None = None


class ThinkingBlock(Part):
    """A model's thoughts of earlier turns: nothing that this one reads."""

    type: Literal["thinking", "redacted_thinking"]


Block = Annotated[
    TextBlock | ToolUseBlock | ToolResultBlock | ThinkingBlock, Field(discriminator="type")
]


class Message(Part):
    role: Literal["user", "assistant", "system"]
    content: str | list[Block]

    def text(self) -> str:
        """The content as one text; calls and results of other models' tools as JSON."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(filter(None, map(_shown, self.content)))


def _shown(block: TextBlock | ToolUseBlock | ToolResultBlock | ThinkingBlock) -> str:
    match block:
        case TextBlock():
            return block.text
        case ToolUseBlock():
            return json.dumps({"name": block.name, "arguments": block.input}, ensure_ascii=False)
        case ToolResultBlock():
            return block.content or ""
        case ThinkingBlock():
            return ""


class Metadata(Part):
    user_id: str | None = None


class OutputConfig(Part):
    format: None = None  # a schema for the answer: not supported


class _Request(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    model: str = Field(min_length=1, max_length=256)
    messages: list[Message] = Field(min_length=1, max_length=MOST_MESSAGES)
    system: str | list[TextBlock] | None = None
    tools: list[Any] | None = None
    tool_choice: Any = None
    output_config: OutputConfig | None = None
    # What the vendor's own machines alone have a use for.
    thinking: Any = None
    cache_control: Any = None
    container: Any = None
    diagnostics: Any = None
    inference_geo: Any = None
    speed: Any = None
    user_profile_id: Any = None
    workspace_id: Any = None

    @field_validator("messages")
    @classmethod
    def _ends_with_the_user(cls, messages: list[Message]) -> list[Message]:
        if messages[-1].role == "assistant":
            raise refuse(
                "the last message is the assistant's: this engine does not continue an answer that "
                "was begun elsewhere; end with a user message."
            )
        return messages

    @model_validator(mode="after")
    def _no_tools(self) -> "_Request":
        unwanted = isinstance(self.tool_choice, dict) and self.tool_choice.get("type") == "none"
        if self.tools and not unwanted:
            raise refuse("tools: this model cannot call tools; leave them out.")
        return self

    def for_template(self) -> list[dict[str, str]]:
        """The chat as the model's template takes it; neighbours of one role are one message."""
        system = self.system if isinstance(self.system, str) else _joined(self.system or [])
        chat = [{"role": "system", "content": system}] if system else []
        for message in self.messages:
            if chat and chat[-1]["role"] == message.role:
                chat[-1]["content"] += "\n" + message.text()
            else:
                chat.append({"role": message.role, "content": message.text()})
        return chat


def _joined(blocks: list[TextBlock]) -> str:
    return "\n".join(block.text for block in blocks)


class CountRequest(_Request):
    """`/v1/messages/count_tokens`"""


class MessagesRequest(_Request):
    """`/v1/messages`"""

    max_tokens: int = Field(ge=1)
    stream: bool | None = None
    stop_sequences: list[str] | None = Field(None, max_length=8191)
    temperature: float | None = Field(None, ge=0, le=1)
    top_p: float | None = Field(None, ge=0, le=1)
    top_k: int | None = Field(None, ge=0, le=2**31)
    metadata: Metadata | None = None
    service_tier: Literal["auto", "standard_only"] | None = None

    @field_validator("stop_sequences")
    @classmethod
    def _has_text(cls, stops: list[str] | None) -> list[str] | None:
        if any(not stop.strip() for stop in stops or []):
            raise refuse("each stop sequence must contain non-whitespace")
        return stops

    def sampling(self, room: int, defaults: SamplingDefaults) -> SamplingParams:
        """The engine's parameters; `room` is how many tokens the context still takes."""
        return SamplingParams(
            max_tokens=min(self.max_tokens, room),
            stop=list(self.stop_sequences or []),
            **defaults.unless(temperature=self.temperature, top_p=self.top_p, top_k=self.top_k),
        )


def parse(kind: type[Wanted], body: bytes, *, betas: bool) -> Wanted:
    """The request in a body; an ApiError (400) where it is not one."""
    try:
        return kind.model_validate_json(body, extra="ignore" if betas else None)
    except ValidationError as error:
        raise _refusal(error.errors(include_url=False)[0]) from None


def _refusal(detail: ErrorDetails) -> ApiError:
    """Pydantic's first complaint in the vendor's words: "messages.0.content: Field required"."""
    place = ".".join(str(part) for part in detail["loc"] if part not in ("str", "list[union]"))
    message = detail["msg"]
    if detail["type"] == "json_invalid":
        return invalid(f"The request body is not valid JSON: {detail['ctx']['error']}")
    return invalid(f"{place}: {message}" if place else message)
