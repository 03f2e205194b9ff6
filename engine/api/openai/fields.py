"""What requests to OpenAI's addresses have in common, and how their faults are told."""

import re
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, ValidationError
from pydantic_core import ErrorDetails

from engine.api.errors import ApiError, invalid
from engine.api.schema_parts import Part, refuse

Wanted = TypeVar("Wanted", bound=BaseModel)

MOST_STOPS = 4
MOST_ANSWERS = 16
_PASSED_ON = (
    "temperature",
    "top_p",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "seed",
)
# How pydantic names the branches of a union in an error's place.
_BRANCH = re.compile(r"str$|int$|[A-Z]|\w+\[")


class StreamOptions(Part):
    include_usage: bool = False


class Extension(Part):
    """Breakeven's own field: `experts` asks for the count of choices per layer and expert."""

    experts: bool = False


def _few_stops(stop: Any) -> Any:
    texts = [stop] if isinstance(stop, str) else stop
    if texts is None:
        return None
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise refuse("stop must be a string or a list of strings.")
    if len(texts) > MOST_STOPS or "" in texts:
        raise refuse(f"stop takes up to {MOST_STOPS} strings, none of them empty.")
    return texts


class Request(Part):
    """Which model, and how its tokens are drawn."""

    model: str = Field(min_length=1, max_length=200)
    stream: bool | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    top_k: int | None = Field(None, ge=-1, le=2**31)
    min_p: float | None = Field(None, ge=0, le=1)
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    stop: Annotated[list[str] | None, BeforeValidator(_few_stops)] = None
    breakeven: Extension | None = None

    def drawing(self) -> dict[str, float | int | None]:
        drawing = {name: getattr(self, name) for name in _PASSED_ON}
        if self.top_k is not None:
            drawing["top_k"] = max(0, self.top_k)  # -1, as some clients write "off", is 0 here
        return drawing

    @property
    def reports_experts(self) -> bool:
        return self.breakeven is not None and self.breakeven.experts


def parse(kind: type[Wanted], body: bytes) -> Wanted:
    """The request in a body; an ApiError (400, with the field at fault) where it is not one."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise refusal(error.errors(include_url=False)[0]) from None


def refusal(detail: ErrorDetails) -> ApiError:
    """Pydantic's first complaint as OpenAI words it, naming the field as `messages[0].content`."""
    if detail["type"] == "json_invalid":
        return invalid(f"The request's body is not valid JSON: {detail['ctx']['error']}.")
    param = _param(detail["loc"])
    message = detail["msg"]
    if detail["type"] == "refused" and not param:
        param, _, message = message.partition(": ")
    if detail["type"] == "missing":
        return invalid(f"Missing required parameter: '{param}'.", param)
    if not param:
        return invalid("The request's body must be a JSON object.")
    return invalid(f"Invalid '{param}': {_sentence(message)}", param)


def _param(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif not _BRANCH.match(part):
            path += f".{part}"
    return path.lstrip(".")


def _sentence(message: str) -> str:
    message = message.replace("Input should be", "it should be")
    return message if message.endswith(".") else message + "."
