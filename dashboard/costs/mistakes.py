"""What is wrong with a scenario's file: one clear line a mistake, with the field's path."""

from collections.abc import Mapping, Sequence
from json import JSONDecodeError
from tomllib import TOMLDecodeError
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from dashboard.costs.strict import CURRENCY_CODE

_SHORT = 40


def mistakes(error: ValueError, data: Any = None) -> list[str]:
    """`data` is what was read, so that paths name only what stands in it."""
    match error:
        case ValidationError():
            found = error.errors(include_url=False)
            return [_line(one, data) for one in found if not _follows(one, found)]
        case TOMLDecodeError():
            return [f"This is not TOML: {error}."]
        case JSONDecodeError():
            return [f"This is not JSON: {error}."]
        case UnicodeDecodeError():
            return ["This is no text in UTF-8."]
        case _:
            return str(error).splitlines()


def _follows(error: ErrorDetails, found: Sequence[ErrorDetails]) -> bool:
    """Whether it only says that a list is too short without the members that have mistakes."""
    place = error["loc"]
    inside = [one for one in found if len(one["loc"]) > len(place)]
    return error["type"] == "too_short" and any(one["loc"][: len(place)] == place for one in inside)


def _line(error: ErrorDetails, data: Any) -> str:
    path = _path(error["loc"], data, missing=error["type"] == "missing") or "scenario"
    if error["type"] == "missing":
        return f"{path}: is missing"
    if error["type"] == "extra_forbidden":
        return f"{path}: there is no such field; is it misspelt?"
    message, given = _message(error), error["input"]
    if isinstance(given, Mapping | Sequence) and not isinstance(given, str):
        return f"{path}: {message}"
    shown = str(given)
    if len(shown) > _SHORT:
        return f"{path}: {message}"
    return f"{path}: {message.removesuffix('.')} (given: {shown})"


def _message(error: ErrorDetails) -> str:
    about = error.get("ctx", {})
    match error["type"]:
        case "union_tag_invalid":
            given, known = about["tag"], about["expected_tags"]
            return (
                f"{_unquoted(about['discriminator'])} is '{given}', and can only be one of {known}"
            )
        case "union_tag_not_found":
            return f"{_unquoted(about['discriminator'])} is missing"
        case "string_pattern_mismatch" if about["pattern"] == CURRENCY_CODE:
            return "A currency is given by its three capital letters (ISO 4217), such as USD"
        case _:
            return error["msg"].removeprefix("Value error, ")


def _unquoted(name: str) -> str:
    return name.strip("'")


def _path(location: tuple[int | str, ...], data: Any, *, missing: bool) -> str:
    """Without the tags that pydantic puts in for the kind of a union's member."""
    parts, at = [], data
    for place, step in enumerate(location):
        if _has(at, step):
            parts.append(str(step))
            at = at[step]
        elif missing and place == len(location) - 1:
            parts.append(str(step))
    return ".".join(parts)


def _has(value: Any, step: int | str) -> bool:
    if isinstance(value, Mapping):
        return step in value
    return isinstance(value, list | tuple) and isinstance(step, int) and step < len(value)
