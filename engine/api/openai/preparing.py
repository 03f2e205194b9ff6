"""A request made ready for its engine, with its faults told in OpenAI's words."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.api.ask import Ask
from engine.api.errors import ApiError, invalid
from engine.api.prompts import BadSchema, BadText
from engine.api.source import Engine, Source
from engine.model.errors import ChatTemplateError


@dataclass(frozen=True, slots=True)
class Fields:
    """What an address calls the fields that can be at fault; `parameters` those of a tool, by its
    place in the ask's list."""

    prompt: str
    schema: str = ""
    parameters: Callable[[int], str] = "tools[{}]".format


async def prepared(engine: Engine, ask: Ask, tenant: int, fields: Fields) -> Source:
    try:
        return await engine.prepare(ask, tenant)
    except (ChatTemplateError, BadText) as error:
        raise invalid(str(error), fields.prompt) from None
    except BadSchema as error:
        param = "tools" if ask.chat.may_call else fields.schema
        if error.tool is not None:
            param = fields.parameters(error.tool)
        raise invalid(f"Invalid schema for '{param}': {error}.", param) from None
    except ApiError as error:
        if error.code == "context_length_exceeded":
            raise invalid(str(error), fields.prompt, error.code) from None
        raise
