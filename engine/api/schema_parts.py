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


def put(chat: list[dict[str, Any]], message: dict[str, Any]) -> None:
    """Adds a message; neighbours of one role are one message, since templates want turns."""
    alike = chat and chat[-1]["role"] == message["role"] != "tool"
    if alike and not (message.keys() | chat[-1].keys()) & {"tool_calls"}:
        chat[-1]["content"] += "\n" + message["content"]
    else:
        chat.append(message)
