"""Chat templates, which come with a model and are run in a sandbox."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from engine.model.errors import ChatTemplateError, ModelFileError


class ChatTemplate:
    """A compiled template. `names` are what it may use beside the messages.

    Raises ModelFileError where it is no Jinja.
    """

    def __init__(self, source: str, names: Mapping[str, str]) -> None:
        sandbox = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
        )
        sandbox.globals["raise_exception"] = _refuse
        sandbox.globals["strftime_now"] = lambda form: dt.datetime.now(tz=dt.UTC).strftime(form)
        sandbox.filters["tojson"] = _to_json
        self._names = names
        try:
            self._template = sandbox.from_string(source)
        except TemplateError as error:
            raise ModelFileError(f"The model's chat template cannot be read: {error}.") from error

    def render(
        self,
        messages: Sequence[Mapping[str, Any]],
        add_generation_prompt: bool,
        tools: Sequence[Mapping[str, Any]] | None = None,
    ) -> str:
        """Raises ChatTemplateError where the template refuses."""
        try:
            return self._template.render(
                messages=messages,
                tools=tools,
                add_generation_prompt=add_generation_prompt,
                **self._names,
            )
        except (TemplateError, TypeError, KeyError) as error:
            raise ChatTemplateError(f"The model's chat template refuses this: {error}.") from error


def _to_json(value: Any, indent: int | None = None) -> str:
    """Jinja's own escapes what HTML does not allow; a model has to read it as it is."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)
