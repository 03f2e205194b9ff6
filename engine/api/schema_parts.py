"""What the schemas of both dialects are made of."""

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


def _flat_text(content: Any) -> Any:
    """A list of text parts as one text; a string or null as it is."""
    if not isinstance(content, list):
        return content
    texts = []
    for index, part in enumerate(content):
        if not isinstance(part, dict):
            raise refuse(f"Part {index} of the content must be an object.")
        kind = part.get("type")
        text = part.get("text" if kind == "text" else "refusal")
        if kind not in ("text", "refusal"):
            raise refuse(f"Part {index} is of type {str(kind)[:40]!r}: this model reads text only.")
        if not isinstance(text, str):
            raise refuse(f"Part {index} of the content needs a string as its {kind}.")
        texts.append(text)
    return "".join(texts)


Text = Annotated[str, BeforeValidator(_flat_text)]
