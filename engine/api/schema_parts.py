"""What the schemas of all dialects are made of."""

from collections.abc import Collection
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError, from_json


def refuse(message: str) -> PydanticCustomError:
    return PydanticCustomError("refused", "{message}", {"message": message})


class Part(BaseModel):
    """Fields that are unknown are ignored; types are not converted."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


def arguments(text: str) -> dict[str, Any]:
    """A call's arguments as an object, also where a client sends back a call that was cut off."""
    try:
        value = from_json(text, allow_partial=True)
    except ValueError:
        value = text
    return value if isinstance(value, dict) else {"arguments": text}


def flat_text(content: Any, kinds: Collection[str] = ("text",)) -> Any:
    """A list of text parts, of these types, as one text; a string or null as it is."""
    if not isinstance(content, list):
        return content
    texts = []
    for index, part in enumerate(content):
        if not isinstance(part, dict):
            raise refuse(f"Part {index} of the content must be an object.")
        kind = part.get("type")
        text = part.get("refusal" if kind == "refusal" else "text")
        if kind not in (*kinds, "refusal"):
            raise refuse(f"Part {index} is of type {str(kind)[:40]!r}: this model reads text only.")
        if not isinstance(text, str):
            raise refuse(f"Part {index} of the content needs a string as its {kind}.")
        texts.append(text)
    return "".join(texts)


Text = Annotated[str, BeforeValidator(flat_text)]


def _seen_by_a_reader(content: Any) -> Any:
    if not isinstance(content, list):
        return content
    texts = []
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        match kind:
            case "text" | "input_text" | "output_text":
                texts.append(part.get("text"))
            case "tool_reference":
                texts.append(f"The tool {part.get('tool_name')} can be used now.")
            case _:
                texts.append(f"[{str(kind)[:40]}: this model reads text only]")
    return "\n".join(text for text in texts if isinstance(text, str))


Result = Annotated[str, BeforeValidator(_seen_by_a_reader)]
"""What a tool gave, as text. Pictures and the like are named, not refused: an agent cannot leave
out what its tools return."""
