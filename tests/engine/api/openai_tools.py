"""Tools and schemas that the tests of OpenAI's dialect share."""

import json
from typing import Any

import jsonschema
import openai

from tests.engine.api.gateway import MODEL, said

WEATHER = said("What is the weather in Paris?")


# A number without a limit may be endless digits, as a model draws them.
COUNT = {"type": "integer", "minimum": 0, "maximum": 9999}


ADDRESS = {
    "type": "object",
    "properties": {"street": {"type": "string", "maxLength": 12}, "number": COUNT},
    "required": ["street", "number"],
    "additionalProperties": False,
}


def closed(**properties: Any) -> dict[str, Any]:
    """A schema of an object in which all of these have to be and nothing else may."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def tool(name: str, schema: dict[str, Any], *, strict: bool = True) -> dict[str, Any]:
    function = {"name": name, "description": f"Does {name}.", "parameters": schema}
    return {"type": "function", "function": {**function, "strict": strict}}


CITY = closed(city={"type": "string", "maxLength": 20}, unit={"enum": ["C", "F"]})


TOOLS = [tool("get_weather", CITY), tool("get_time", closed(zone={"enum": ["CET", "UTC"]}))]


SCHEMAS = {each["function"]["name"]: each["function"]["parameters"] for each in TOOLS}


KINDS: dict[str, dict[str, Any]] = {
    "enum": closed(colour={"type": "string", "enum": ["red", 'a "quoted" one', "<|im_end|>"]}),
    "nested objects": closed(person=closed(name={"type": "string", "maxLength": 9}, at=ADDRESS)),
    "arrays": closed(
        tags={"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 2, "maxItems": 4}
    ),
    "anyOf": closed(value={"anyOf": [COUNT, {"type": "null"}, {"enum": ["many"]}]}),
    "$defs and $ref": {
        **closed(home={"$ref": "#/$defs/address"}),
        "$defs": {"address": ADDRESS},
    },
    "const": closed(kind={"const": "weather"}, version={"const": 2}),
    "format": closed(
        day={"type": "string", "format": "date"},
        mail={"type": "string", "format": "email", "maxLength": 24},
        id={"type": "string", "format": "uuid"},
        host={"type": "string", "format": "ipv4"},
    ),
    "pattern": closed(plate={"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"}),
    "minimum and maximum": closed(
        whole={"type": "integer", "minimum": -5, "maximum": 12},
        part={"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    ),
    "minLength and maxLength": closed(text={"type": "string", "minLength": 3, "maxLength": 8}),
}


def ask(client: openai.OpenAI, **fields: Any) -> Any:
    given = {"model": MODEL, "messages": WEATHER, "temperature": 0, "max_tokens": 200}
    return client.chat.completions.create(**{**given, **fields})


def fits(text: str, schema: dict[str, Any]) -> Any:
    """The value of a JSON text, which follows its schema by the `jsonschema` library."""
    value = json.loads(text)
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(value)
    return value


def calls_of(answer: Any, index: int = 0) -> list[tuple[str, str]]:
    calls = answer.choices[index].message.tool_calls or []
    return [(call.function.name, call.function.arguments) for call in calls]


def as_schema(schema: dict[str, Any], *, strict: bool = True) -> dict[str, Any]:
    named = {"name": "answer", "schema": schema, "strict": strict}
    return {"type": "json_schema", "json_schema": named}
