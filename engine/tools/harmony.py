"""gpt-oss' way to answer: every message names the channel that it is for, and its reader.

https://cookbook.openai.com/articles/openai-harmony. `analysis` is thought, `commentary` with a
recipient is a call, `final` is for the user. A call ends the answer, so there is one at most.
"""

from collections.abc import Mapping, Sequence

from engine.text import overlap
from engine.tools.grammar import CallGrammar
from engine.tools.tool import Argued, Called, Choice, Part, Said, Thought, Tool

SPECIAL = ("<|start|>", "<|channel|>", "<|constrain|>", "<|message|>", "<|end|>")
_THOUGHT = "<|channel|>analysis<|message|>"
_NEXT = "<|end|><|start|>assistant"
_FINAL = "<|channel|>final<|message|>"
_CALL = "<|channel|>commentary to=functions."
_ARGUMENTS = " <|constrain|>json<|message|>"


def call_grammar(
    literals: CallGrammar,
    tools: Sequence[Tool],
    choice: Choice,
    schemas: Mapping[str, str],
    answer: str | None,
) -> str:
    """Thoughts, then a call or, if none is required, a final text, of the rule `answer`."""
    calls = [
        f"{literals.literal(_CALL + tool.name + _ARGUMENTS)} {schemas[tool.name]}" for tool in tools
    ]
    if choice.mode != "required":
        calls.append(f"{literals.literal(_FINAL)} {answer or 'TEXT'}")
    return _answer(literals, " | ".join(calls))


def json_answer_grammar(literals: CallGrammar, rule: str) -> str:
    """Thoughts, then a final text that is JSON."""
    return _answer(literals, f"{literals.literal(_FINAL)} {rule}")


def _answer(literals: CallGrammar, last: str) -> str:
    thought = f"{literals.literal(_THOUGHT)} TEXT {literals.literal(_NEXT)}"
    return (
        "%llguidance {}\n"
        f"start: thought{{0,8}} last\nthought: {thought}\nlast: {last}\n"
        "TEXT: /(.|\\n)*/\n"
    )


class HarmonyReader:
    """Reads messages as they come; their headers are not shown."""

    def __init__(self) -> None:
        self._held = ""
        self._kind: type[Said] | type[Thought] | type[Argued] = Said
        self._in_header = True  # the prompt ends within one
        self._any = False  # whether a message has begun

    def add(self, text: str) -> list[Part]:
        self._held += text
        parts: list[Part] = []
        while self._held and self._step(parts):
            pass
        return parts

    def finish(self) -> list[Part]:
        rest, self._held = self._held, ""
        if not rest or (self._in_header and self._any):
            return []
        return [self._kind(rest)]

    def _step(self, parts: list[Part]) -> bool:
        """Whether it came further."""
        if self._in_header:
            header, found, rest = self._held.partition("<|message|>")
            if found:
                self._held, self._in_header, self._any = rest, False, True
                self._begin(header, parts)
            return bool(found)
        marks = ("<|start|>", "<|channel|>", "<|end|>")
        found_at = [at for mark in marks if (at := self._held.find(mark)) >= 0]
        end = min(found_at, default=len(self._held) - max(overlap(self._held, m) for m in marks))
        if end:
            parts.append(self._kind(self._held[:end]))
            self._held = self._held[end:]
        if not found_at:
            return False
        self._in_header = True
        return True

    def _begin(self, header: str, parts: list[Part]) -> None:
        """`header`: up to `<|message|>`, such as `<|channel|>commentary to=functions.f …json`."""
        _, _, recipient = header.partition("to=functions.")
        if recipient:
            name = recipient.partition(" ")[0].partition("<")[0]
            parts.append(Called(name))
            self._kind = Argued
        else:
            self._kind = Thought if "<|channel|>analysis" in header else Said
