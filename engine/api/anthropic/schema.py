"""What `/v1/messages` accepts, checked as Anthropic's API checks it.

https://docs.anthropic.com/en/api/messages. Fields that only a beta knows are ignored where the
client says that it uses betas (`anthropic-beta`), and refused otherwise, as there.
"""

import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from engine.api.ask import AnswerSchema, Ask, Chat, in_turns
from engine.api.errors import ApiError, invalid
from engine.api.schema_parts import Part, Result, refuse
from engine.tools.tool import Choice, Tool

Wanted = TypeVar("Wanted", bound="_Request")
_RUN_BY_THE_VENDOR = re.compile(
    r"(web_search|web_fetch|code_execution|tool_search_tool_\w+)_\d{8}$"
)
MOST_MESSAGES = 100_000  # the vendor's own limit
_ACCOUNTING = re.compile(r"\A\s*x-anthropic-billing-header:[^\n]*\n*")


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
    content: Result | None = None
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

    @property
    def blocks(self) -> list[Block]:
        if isinstance(self.content, list):
            return self.content
        return [TextBlock(type="text", text=self.content)]

    def for_template(self) -> list[dict[str, Any]]:
        """As models' chat templates take it: results of tools are messages of their own there, and
        come before what else the user says."""
        chat: list[dict[str, Any]] = [
            {"role": "tool", "tool_call_id": block.tool_use_id, "content": block.content or ""}
            for block in self.blocks
            if isinstance(block, ToolResultBlock)
        ]
        text = "\n".join(block.text for block in self.blocks if isinstance(block, TextBlock))
        calls = [
            {
                "id": block.id,
                "type": "function",
                "function": {"name": block.name, "arguments": block.input},
            }
            for block in self.blocks
            if isinstance(block, ToolUseBlock)
        ]
        if calls:
            chat.append({"role": self.role, "content": text, "tool_calls": calls})
        elif text or not chat:
            chat.append({"role": self.role, "content": text})
        return chat


class ClientTool(Part):
    """A tool that the client runs."""

    name: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,128}$")
    input_schema: dict[str, Any]
    description: str | None = None
    type: Literal["custom"] | None = None
    strict: bool | None = None

    def tool(self) -> Tool:
        return Tool(self.name, self.description or "", self.input_schema, bool(self.strict))


def _without_the_vendors(tools: Any) -> Any:
    """Without the tools that run on the vendor's machines: agents offer them always, and here they
    are never called. The vendor's tools that run at the client have no schema, so only its own
    models know how to call them."""
    if not isinstance(tools, list):
        return tools
    kept = []
    for tool in tools:
        kind = tool.get("type") if isinstance(tool, dict) else None
        if isinstance(kind, str) and _RUN_BY_THE_VENDOR.match(kind):
            continue
        if kind not in (None, "custom"):
            raise refuse(
                f"tools of type {str(kind)[:40]!r} are known to the vendor's own models; here "
                "tools need their input_schema"
            )
        kept.append(tool)
    return kept


class ToolChoice(Part):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool = False

    def choice(self) -> Choice:
        parallel = not self.disable_parallel_tool_use
        match self.type:
            case "tool":
                return Choice("required", self.name, parallel=False)
            case "any":
                return Choice("required", parallel=parallel)
            case "auto" | "none":
                return Choice(self.type, parallel=parallel)


class Thinking(Part):
    """Whether the client wants to see what the model wrote for itself."""

    type: Literal["enabled", "disabled", "adaptive"]


class Metadata(Part):
    user_id: str | None = None


class OutputFormat(Part):
    type: Literal["json_schema"]
    schema_: dict[str, Any] = Field(alias="schema")


class OutputConfig(Part):
    format: OutputFormat | None = None


class _Request(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    model: str = Field(min_length=1, max_length=256)
    messages: list[Message] = Field(min_length=1, max_length=MOST_MESSAGES)
    system: str | list[TextBlock] | None = None
    tools: Annotated[list[ClientTool], BeforeValidator(_without_the_vendors)] | None = None
    tool_choice: ToolChoice | None = None
    output_config: OutputConfig | None = None
    thinking: Thinking | None = None
    # What the vendor's own machines alone have a use for.
    cache_control: Any = None
    container: Any = None
    diagnostics: Any = None
    inference_geo: Any = None
    speed: Any = None
    user_profile_id: Any = None
    workspace_id: Any = None

    @model_validator(mode="after")
    def _tools_agree(self) -> "_Request":
        names = [tool.name for tool in self.tools or []]
        if len(names) != len(set(names)):
            raise refuse("tools: Tool names must be unique.")
        wanted = self.tool_choice
        if wanted is None or wanted.type in ("none", "auto"):
            return self
        if not names:
            raise refuse("tool_choice: may only be given while providing tools.")
        if wanted.type == "tool" and wanted.name not in names:
            raise refuse(f"tool_choice: there is no tool named {str(wanted.name)[:80]!r} in tools.")
        return self

    @model_validator(mode="after")
    def _results_answer_calls(self) -> "_Request":
        called: set[str] = set()
        for i, message in enumerate(self.messages):
            for j, block in enumerate(message.blocks):
                if isinstance(block, ToolUseBlock):
                    called.add(block.id)
                if isinstance(block, ToolResultBlock) and block.tool_use_id not in called:
                    raise refuse(
                        f"messages.{i}.content.{j}: there is no tool_use block before it with the "
                        f"id {block.tool_use_id[:80]!r}"
                    )
        return self

    def _chat(self) -> Chat:
        """What is asked, in nobody's dialect."""
        system = _instructions(self.system)
        chat: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
        chat += [part for message in self.messages for part in message.for_template()]
        format_ = self.output_config.format if self.output_config else None
        return Chat(
            in_turns(chat),
            [tool.tool() for tool in self.tools or []],
            self.tool_choice.choice() if self.tool_choice else Choice(),
            AnswerSchema(format_.schema_, strict=True) if format_ else None,
        )

    def ask(self) -> Ask:
        return Ask(self._chat())

    @property
    def shows_thoughts(self) -> bool:
        return self.thinking is not None and self.thinking.type != "disabled"


def _instructions(system: str | list[TextBlock] | None) -> str:
    """The system prompt without what Claude Code tells the vendor's accounts in its first line: it
    changes from request to request, and nothing after it would be found in the cache."""
    texts = [system] if isinstance(system, str) else [block.text for block in system or []]
    return "\n".join(filter(None, (_ACCOUNTING.sub("", text) for text in texts)))


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

    @field_validator("messages")
    @classmethod
    def _ends_with_the_user(cls, messages: list[Message]) -> list[Message]:
        if messages[-1].role == "assistant":
            raise refuse(
                "the last message is the assistant's: this engine does not continue an answer that "
                "was begun elsewhere; end with a user message."
            )
        return messages

    @field_validator("stop_sequences")
    @classmethod
    def _has_text(cls, stops: list[str] | None) -> list[str] | None:
        if any(not stop.strip() for stop in stops or []):
            raise refuse("each stop sequence must contain non-whitespace")
        return stops

    def ask(self) -> Ask:
        drawing = {"temperature": self.temperature, "top_p": self.top_p, "top_k": self.top_k}
        return Ask(
            self._chat(),
            max_tokens=self.max_tokens,
            drawing=drawing,
            stop=list(self.stop_sequences or []),
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
