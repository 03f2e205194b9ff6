"""The grammar of an answer that calls tools, or that is JSON of a schema, in llguidance's Lark."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.tools.layouts import Layout
from engine.tools.tool import Choice, Tool

MOST_CALLS = 64  # in one answer
# One way to write spaces: JSON as Python writes it, which models have seen most of, and no endless
# indentation.
_SPACING = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
_HEAD = "%llguidance {}\n"
_TEXT = "TEXT: /(.|\\n)*/\n"


def json_answer(rule: str) -> str:
    return f"{_HEAD}start: {rule}\n"


def json_rule(schema: Mapping[str, Any], *, strict: bool) -> str:
    """JSON that follows a schema. `strict`: keywords that cannot be followed are an error."""
    guidance = {**_SPACING, "lenient": not strict}
    return "%json " + json.dumps({**schema, "x-guidance": guidance})


class CallGrammar:
    """Of answers in a layout. `special` are the vocabulary's special tokens by name."""

    def __init__(self, layout: Layout, special: Mapping[str, int]) -> None:
        self._layout = layout
        self._special = special
        longest_first = sorted(filter(None, special), key=len, reverse=True)
        self._names = re.compile(f"({'|'.join(map(re.escape, longest_first)) or '(?!)'})")

    def written(
        self,
        tools: Sequence[Tool],
        choice: Choice,
        schemas: Mapping[str, str],
        answer: str | None = None,
    ) -> str:
        """`schemas`: what each tool's arguments have to be, as a rule of the grammar; `answer`:
        what an answer without calls has to be, None: any text."""
        layout = self._layout
        more = f" more{{0,{MOST_CALLS - 1}}}" if choice.parallel else ""
        calls = f"tool{more} {self.literal(layout.closing)}"
        first = layout.opening + layout.before
        if choice.mode == "required":
            start = f"start: {self.literal(first)} {calls}\n"
        elif answer is not None:
            start = f"start: {answer} | {self.literal(first)} {calls}\n"
        else:
            start = self._if_it_likes(first, calls)
        rules = [f"tool: {' | '.join(f't{i}' for i in range(len(tools)))}\n"]
        if choice.parallel:
            rules.append(f"more: {self.literal(layout.separator + layout.before)} tool\n")
        for i, tool in enumerate(tools):
            number = "/:[0-9]{1,3}/ " if layout.numbered else ""
            between = f"{self.literal(tool.name)} {number}{self.literal(layout.between)}"
            rules.append(f"t{i}: {between} {schemas[tool.name]} {self.literal(layout.after)}\n")
        return _HEAD + start + "".join(rules) + _TEXT

    def _if_it_likes(self, first: str, calls: str) -> str:
        """Any text, then perhaps calls: from what sets them off there is no way back."""
        match = self._names.match(first)
        if match:
            rest = self.literal(first[match.end() :])
            return f"start: TEXT ({self.literal(match[0])} {rest} {calls})?\n"
        trigger = first[: first.index(">") + 1]
        rest = self.literal(first[len(trigger) :])
        return f"start: TEXT | head {rest} {calls}\nhead[lazy]: TEXT {json.dumps(trigger)}\n"

    def literal(self, text: str) -> str:
        """A text of which special tokens' names are those tokens."""
        parts = [part for part in self._names.split(text) if part]
        return " ".join(
            f"<[{self._special[part]}]>"
            if part in self._special
            else json.dumps(part, ensure_ascii=False)
            for part in parts
        )
