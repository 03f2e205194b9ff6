"""The tools of a request to `/v1/responses`, and which of them the model may call."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from engine.api.schema_parts import Part
from engine.tools.tool import Tool

Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,128}$")]
_FREE_INPUT = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
    "additionalProperties": False,
}


class FunctionTool(Part):
    type: Literal["function"]
    name: Name
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None

    def tool(self, name: str) -> Tool:
        return Tool(name, self.description or "", self.parameters, bool(self.strict))


class InputFormat(Part):
    type: Literal["text", "grammar"]
    syntax: str | None = None
    definition: str | None = None


class CustomTool(Part):
    """A tool whose input is any text: for models a function with this text as its one argument."""

    type: Literal["custom"]
    name: Name
    description: str | None = None
    format: InputFormat | None = None

    def tool(self, name: str) -> Tool:
        told = [self.description or "", "`input` is the whole input as plain text."]
        if self.format is not None and self.format.definition:
            told.append(f"It follows this grammar:\n{self.format.definition}")
        return Tool(name, "\n".join(filter(None, told)), _FREE_INPUT, strict=True)


_KINDS = {"function": "Function", "custom": "Custom", "namespace": "Namespace"}


def _kind(value: Any) -> str:
    """The branch of a union; what has no type is complained of as a function."""
    kind = value.get("type") if isinstance(value, dict) else None
    return _KINDS.get(kind, "Hosted") if isinstance(kind, str) else "Function"


def _own_kind(value: Any) -> str:
    return "Custom" if _kind(value) == "Custom" else "Function"


OwnTool = Annotated[
    Annotated[FunctionTool, Tag("Function")] | Annotated[CustomTool, Tag("Custom")],
    Discriminator(_own_kind),
]


class NamespaceTool(Part):
    """Tools under a common name; calls of them name it."""

    type: Literal["namespace"]
    name: Name
    description: str | None = None
    tools: list[OwnTool]


class HostedTool(Part):
    """A tool that runs at the vendor, such as web_search. Agents send some with every request,
    whether they are there or not; the model is not told of them."""

    type: str


AnyTool = Annotated[
    Annotated[FunctionTool, Tag("Function")]
    | Annotated[CustomTool, Tag("Custom")]
    | Annotated[NamespaceTool, Tag("Namespace")]
    | Annotated[HostedTool, Tag("Hosted")],
    Discriminator(_kind),
]


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool as the model is told of it, and as the client knows it; `place`: its schema's in the
    request."""

    tool: Tool
    kind: Literal["function", "custom"]
    name: str
    namespace: str | None
    place: str


def offers(tools: list[AnyTool], place_before: str = "") -> Iterator[Offer]:
    """`place_before`: where in the request the tools are."""
    for index, tool in enumerate(tools):
        place = f"{place_before}tools[{index}]"
        match tool:
            case FunctionTool() | CustomTool():
                yield _offer(tool, None, place)
            case NamespaceTool():
                for inner, one in enumerate(tool.tools):
                    yield _offer(one, tool.name, f"{place}.tools[{inner}]")
            case HostedTool():
                pass


def _offer(tool: FunctionTool | CustomTool, namespace: str | None, place: str) -> Offer:
    told = tool.tool(model_name(tool.name, namespace))
    return Offer(told, tool.type, tool.name, namespace, f"{place}.parameters")


def model_name(name: str, namespace: str | None) -> str:
    """What the model calls a tool."""
    return name if namespace is None else f"{namespace}__{name}"


class NamedTool(Part):
    type: Literal["function", "custom"]
    name: str

    def names(self, offer: Offer) -> bool:
        return (self.type, self.name) == (offer.kind, offer.name)


class AllowedTool(Part):
    """One of those allowed; only those with a name run at the client."""

    type: str
    name: str | None = None

    def names(self, offer: Offer) -> bool:
        if self.type == "namespace":
            return self.name == offer.namespace
        return (self.type, self.name) == (offer.kind, offer.name)


class AllowedTools(Part):
    type: Literal["allowed_tools"]
    mode: Literal["auto", "required"]
    tools: list[AllowedTool] = Field(min_length=1)
