"""A model's own way to be told of tools and to call them, found from its vocabulary."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from engine.tools import harmony
from engine.tools.grammar import CallGrammar, json_answer
from engine.tools.layouts import HERMES, Layout, layout_of
from engine.tools.prompting import in_words
from engine.tools.reader import CallReader, Reader, TextReader
from engine.tools.tool import Choice, Tool

Message = dict[str, Any]  # as chat templates take it; an assistant's arguments as a dict


@dataclass(frozen=True, slots=True)
class Told:
    """What the chat template is given."""

    messages: Sequence[Message]
    tools: list[dict[str, Any]] | None


class ToolFormat(Protocol):
    shown: frozenset[str]  # special tokens that the reader has to see

    def told(self, messages: Sequence[Message], tools: Sequence[Tool]) -> Told: ...

    def call_grammar(
        self,
        tools: Sequence[Tool],
        choice: Choice,
        rules: Mapping[str, str],
        answer: str | None,
    ) -> str:
        """`rules`: what each tool's arguments have to be; `answer`: what an answer without calls
        has to be, None: any text."""
        ...

    def json_grammar(self, rule: str) -> str:
        """Of an answer that is JSON."""
        ...

    def reader(self, *, calls: bool) -> Reader:
        """`calls`: whether tools are offered."""
        ...


def format_of(special: Mapping[str, int], template: str) -> ToolFormat:
    if all(name in special for name in harmony.SPECIAL):
        return HarmonyFormat(special)
    layout = layout_of(special, template)
    return LayoutFormat(layout or HERMES, special, taught=layout is not None)


class LayoutFormat:
    """`taught`: the chat template tells of tools; else they are put into words."""

    def __init__(self, layout: Layout, special: Mapping[str, int], *, taught: bool) -> None:
        texts = layout.opening, layout.before, layout.between, layout.after, layout.closing
        self.shown = frozenset(name for name in special if name and name in "".join(texts))
        self._layout = layout
        self._taught = taught
        self._grammar = CallGrammar(layout, special)

    def told(self, messages: Sequence[Message], tools: Sequence[Tool]) -> Told:
        if not self._taught:
            return Told(in_words(messages, tools), None)
        return Told(
            _history(messages, self._layout), [tool.for_template() for tool in tools] or None
        )

    def call_grammar(
        self,
        tools: Sequence[Tool],
        choice: Choice,
        rules: Mapping[str, str],
        answer: str | None,
    ) -> str:
        return self._grammar.written(tools, choice, rules, answer)

    def json_grammar(self, rule: str) -> str:
        return json_answer(rule)

    def reader(self, *, calls: bool) -> Reader:
        return CallReader(self._layout) if calls else TextReader()


class HarmonyFormat:
    shown = frozenset(harmony.SPECIAL)

    def __init__(self, special: Mapping[str, int]) -> None:
        self._literals = CallGrammar(HERMES, special)

    def told(self, messages: Sequence[Message], tools: Sequence[Tool]) -> Told:
        return Told(messages, [tool.for_template() for tool in tools] or None)

    def call_grammar(
        self,
        tools: Sequence[Tool],
        choice: Choice,
        rules: Mapping[str, str],
        answer: str | None,
    ) -> str:
        return harmony.call_grammar(self._literals, tools, choice, rules, answer)

    def json_grammar(self, rule: str) -> str:
        return harmony.json_answer_grammar(self._literals, rule)

    def reader(self, *, calls: bool) -> Reader:
        return harmony.HarmonyReader()


def _history(messages: Sequence[Message], layout: Layout) -> list[Message]:
    """Calls of earlier turns named and written as the model's template wants it, whichever names
    the client knows them by."""
    names: dict[str, str] = {}

    def call(one: dict[str, Any]) -> dict[str, Any]:
        function = one["function"]
        names[one["id"]] = layout.id_form.format(name=function["name"], index=len(names))
        if layout.arguments_as_text:
            text = json.dumps(function["arguments"], ensure_ascii=False)
            function = {**function, "arguments": text}
        return {**one, "id": names[one["id"]], "function": function}

    history = []
    for message in messages:
        if calls := message.get("tool_calls"):
            message = {**message, "tool_calls": [call(one) for one in calls]}
        elif message["role"] == "tool":
            known = message["tool_call_id"]
            message = {**message, "tool_call_id": names.get(known, known)}
        history.append(message)
    return history
