"""What a request offers to the model, in nobody's dialect."""

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Tool:
    """`parameters` is a JSON schema of an object. `strict`: arguments must follow all of it, and a
    schema that cannot be followed is refused."""

    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None
    strict: bool = False

    def for_template(self) -> dict[str, Any]:
        """As chat templates take it: OpenAI's form, which all families were trained on."""
        function = {
            "name": self.name,
            "description": self.description,
            "parameters": self.parameters or {"type": "object", "properties": {}},
        }
        return {"type": "function", "function": function}


@dataclass(frozen=True, slots=True)
class Choice:
    """Whether tools are called: as the model likes, at least one, or the one of that `name`.
    `parallel`: more than one call an answer."""

    mode: Literal["auto", "required", "none"] = "auto"
    name: str | None = None
    parallel: bool = True


@dataclass(frozen=True, slots=True)
class Said:
    """Text of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Thought:
    """Text that the model wrote for itself."""

    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """A call begins. Its arguments follow."""

    name: str


@dataclass(frozen=True, slots=True)
class Argued:
    """More of the JSON object of the last call's arguments."""

    text: str


Part = Said | Thought | Called | Argued
