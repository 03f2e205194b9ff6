"""What is asked, in whoever's dialect it came, made ready for the model."""

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.api.ask import Ask, Chat
from engine.model.grammar import Grammars
from engine.model.sampling_defaults import SamplingDefaults
from engine.model.tokenizer import Tokenizer
from engine.tools.formats import format_of
from engine.tools.grammar import json_rule
from engine.tools.reader import Reader, TextReader
from engine.tools.tool import Tool

_MOST_RULES = 1024  # that are remembered, none longer than
_LONGEST_RULE = 20_000  # characters
_ANY_OBJECT: dict[str, Any] = {"type": "object"}


class BadSchema(Exception):  # noqa: N818 (what it is)
    """A JSON schema cannot be followed. `tool`: whose it is, None: the answer's."""

    def __init__(self, message: str, tool: int | None = None) -> None:
        super().__init__(message)
        self.tool = tool


class BadText(Exception):  # noqa: N818
    """A text, or a list of token ids, cannot be continued."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """`token_ids` of each text that is continued: a chat is one. `grammar` that the answer follows,
    `shown` the special tokens that are text in it, `reader` makes one for each answer."""

    token_ids: list[list[int]]
    grammar: str | None
    shown: list[int]
    reader: Callable[[], Reader]

    @property
    def tokens(self) -> int:
        return sum(map(len, self.token_ids))


class Prompts:
    """Makes prompts for one model."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._grammars = Grammars(tokenizer)
        self._format = format_of(tokenizer.special, tokenizer.template)
        self._shown = sorted(tokenizer.special[name] for name in self._format.shown)
        self._rules: dict[tuple[str, bool], str] = {}
        self._threads = ThreadPoolExecutor(2, "prompts")
        self._turns: dict[int, asyncio.Lock] = {}  # by tenant

    @classmethod
    def open(cls, path: Path) -> "Prompts":
        """Of a GGUF file or a model folder. ModelFileError where it cannot be used."""
        return cls(Tokenizer.open(path))

    @property
    def sampling_defaults(self) -> SamplingDefaults:
        return self._tokenizer.sampling

    async def prepare(self, ask: Ask, tenant: int) -> Prompt:
        """Beside the event loop, as texts may be long and a template may take its time; of each
        tenant one at a time, so that nobody's many keep others waiting. Raises ChatTemplateError,
        BadSchema, BadText."""
        turn = self._turns.setdefault(tenant, asyncio.Lock())
        async with turn:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._prepared, ask)

    def _prepared(self, ask: Ask) -> Prompt:
        if ask.texts:
            return Prompt([self._continued(text) for text in ask.texts], None, [], TextReader)
        return self._answered(ask.chat)

    def _continued(self, text: str | list[int]) -> list[int]:
        ids = self._tokenizer.encode_text(text) if isinstance(text, str) else text
        if not ids:
            raise BadText("There is nothing to continue: the prompt is empty.")
        size = len(self._tokenizer.every_token())
        if unknown := [token for token in ids if not 0 <= token < size]:
            raise BadText(f"This model has the tokens 0 to {size - 1}, but none {unknown[0]}.")
        return ids

    def _answered(self, chat: Chat) -> Prompt:
        grammar = self._grammar(chat)
        told = self._format.told(chat.messages, chat.tools)
        return Prompt(
            [self._tokenizer.encode_chat(told.messages, tools=told.tools)],
            grammar,
            self._shown,
            lambda: self._format.reader(calls=chat.may_call),
        )

    def _grammar(self, chat: Chat) -> str | None:
        answer = None
        if chat.schema is not None:
            answer = self._rule(chat.schema.schema, strict=chat.schema.strict)
        if chat.may_call:
            rules = {tool.name: self._arguments(i, tool) for i, tool in enumerate(chat.tools)}
            wanted = [t for t in chat.tools if chat.choice.name in (None, t.name)]
            grammar = self._format.call_grammar(wanted, chat.choice, rules, answer)
        elif answer is not None:
            grammar = self._format.json_grammar(answer)
        else:
            return None
        if problem := self._grammars.problem(grammar):
            raise BadSchema(f"all schemas together cannot be followed: {problem}")
        return grammar

    def _arguments(self, index: int, tool: Tool) -> str:
        """A schema that asks for what cannot be enforced is an error if it is strict, and only
        told to the model, not enforced, if it is not."""
        schema = {"type": "object", **(tool.parameters or {})}
        try:
            return self._rule(schema, strict=tool.strict)
        except BadSchema as error:
            if tool.strict:
                raise BadSchema(str(error), index) from None
            return self._rule(_ANY_OBJECT, strict=False)

    def _rule(self, schema: Mapping[str, Any], *, strict: bool) -> str:
        key = json.dumps(schema, sort_keys=False), strict
        if known := self._rules.get(key):
            return known
        rule = json_rule(schema, strict=strict)
        if problem := self._grammars.problem(f"start: {rule}"):
            raise BadSchema(f"this JSON schema cannot be followed: {problem}")
        if len(self._rules) >= _MOST_RULES:
            self._rules.clear()
        if len(rule) <= _LONGEST_RULE:
            self._rules[key] = rule
        return rule
