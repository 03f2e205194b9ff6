"""The items of which the input of a request to `/v1/responses` is made, and the chat they are."""

from functools import partial
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Tag, model_validator

from engine.api.ask import in_turns
from engine.api.openai.responses_tools import AnyTool, model_name
from engine.api.schema_parts import Part, Result, arguments, flat_text, refuse
from engine.tools.formats import Message

_Text = Annotated[
    str, BeforeValidator(partial(flat_text, kinds=("input_text", "output_text", "text")))
]


class MessageItem(Part):
    role: Literal["user", "assistant", "system", "developer"]
    content: _Text


class FunctionCallItem(Part):
    call_id: str
    name: str
    arguments: str
    namespace: str | None = None

    def call(self) -> dict[str, Any]:
        name = model_name(self.name, self.namespace)
        return _call(self.call_id, name, arguments(self.arguments))


class CustomCallItem(Part):
    call_id: str
    name: str
    input: str
    namespace: str | None = None

    def call(self) -> dict[str, Any]:
        return _call(self.call_id, model_name(self.name, self.namespace), {"input": self.input})


class CallOutputItem(Part):
    call_id: str
    output: Result


class AdditionalToolsItem(Part):
    """Tools that came up on the way; Codex sends all of its tools so."""

    tools: list[AnyTool]


class UnreadItem(Part):
    """A model's thoughts of earlier turns, and the vendor's searches: nothing that this one
    reads."""


class OtherItem(Part):
    @model_validator(mode="before")
    @classmethod
    def _refused(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise refuse("it should be an object.")
        kind = str(value.get("type", "item_reference"))[:40]
        if kind == "item_reference":
            raise refuse("nothing is stored here: send the item itself, not a reference to it.")
        raise refuse(f"items of type {kind!r} cannot be read here.")


_KINDS = {
    "message": "Message",
    "function_call": "FunctionCall",
    "custom_tool_call": "CustomCall",
    "function_call_output": "CallOutput",
    "custom_tool_call_output": "CallOutput",
    "additional_tools": "AdditionalTools",
    "reasoning": "Unread",
    "web_search_call": "Unread",
}


def _kind(value: Any) -> str:
    if not isinstance(value, dict):
        return "Other"
    usual = "message" if "role" in value else None
    return _KINDS.get(str(value.get("type") or usual), "Other")


Item = Annotated[
    Annotated[MessageItem, Tag("Message")]
    | Annotated[FunctionCallItem, Tag("FunctionCall")]
    | Annotated[CustomCallItem, Tag("CustomCall")]
    | Annotated[CallOutputItem, Tag("CallOutput")]
    | Annotated[AdditionalToolsItem, Tag("AdditionalTools")]
    | Annotated[UnreadItem, Tag("Unread")]
    | Annotated[OtherItem, Tag("Other")],
    Discriminator(_kind),
]


def chat_of(instructions: str | None, items: list[Item]) -> list[Message]:
    """As models' chat templates take it: one turn's calls are part of one message."""
    chat: list[Message] = []
    if instructions:
        chat.append({"role": "system", "content": instructions})
    for item in items:
        match item:
            case MessageItem():
                role = "system" if item.role == "developer" else item.role
                chat.append({"role": role, "content": item.content})
            case FunctionCallItem() | CustomCallItem():
                if not chat or chat[-1]["role"] != "assistant":
                    chat.append({"role": "assistant", "content": ""})
                chat[-1].setdefault("tool_calls", []).append(item.call())
            case CallOutputItem():
                result = {"role": "tool", "tool_call_id": item.call_id, "content": item.output}
                chat.append(result)
            case AdditionalToolsItem() | UnreadItem() | OtherItem():
                pass
    return in_turns(chat)


def unanswerable(items: list[Item]) -> str | None:
    """The id of a call that an output answers though there is no such call before it."""
    called: set[str] = set()
    for item in items:
        if isinstance(item, FunctionCallItem | CustomCallItem):
            called.add(item.call_id)
        elif isinstance(item, CallOutputItem) and item.call_id not in called:
            return item.call_id
    return None


def _call(call_id: str, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function}
