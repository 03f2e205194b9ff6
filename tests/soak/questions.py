"""What the soak's clients ask: both dialects, short and long, tools and schemas, and who leaves."""

import json
import random
from dataclasses import dataclass
from typing import Any, Literal

MODEL = "smollm2-135m-instruct"
CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"

Json = dict[str, Any]
Dialect = Literal["openai", "anthropic"]

LEAVE = 0.1
WHOLE = 0.2
CONSTRAINED = 0.1
SEVERAL = 0.1
FEWEST_TOKENS, MOST_TOKENS = 8, 200

_SUBJECTS = ["harbours", "bread", "bridges", "glaciers", "trams", "owls", "paper", "salt"]
_SYSTEM = (
    "You help the people of a small town's archive. Answer kindly and in plain words, say so where"
    " you do not know something, and keep to what was asked. Dates are written with the day first."
)
_HISTORY = [
    "Which of them was the first one here?",
    "As far as the papers tell, the one by the mill; nobody wrote down the year.",
    "And who paid for it?",
    "The guild of the dyers gave two thirds, and the rest was collected on market days.",
    "Was there ever a quarrel about it?",
    "There was one with the monastery, which ended when the abbot was given a key to the gate.",
    "What happened after the flood?",
    "It was built again, a little higher, with stones from the old tower.",
]
_FILE = {
    "type": "object",
    "properties": {"title": {"type": "string", "maxLength": 40}, "year": {"type": "integer"}},
    "required": ["title", "year"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Leave:
    """When a client goes away: after so many seconds, or so many events of a stream."""

    after_s: float | None = None
    after_events: int | None = None


@dataclass(frozen=True)
class Question:
    dialect: Dialect
    body: Json
    streamed: bool
    leave: Leave | None

    @property
    def paced(self) -> bool:
        """Whether each token is shown as it comes: of one answer, in plain text."""
        others = ("tools", "response_format", "output_config", "n")
        return self.body.keys().isdisjoint(others)

    @property
    def path(self) -> str:
        return CHAT if self.dialect == "openai" else MESSAGES

    def request(self, port: int, key: str, mark: str) -> bytes:
        """The whole HTTP request. Its row on the ledger has `mark` as its client."""
        payload = json.dumps(self.body).encode()
        head = (
            f"POST {self.path} HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n"
            f"authorization: Bearer {key}\r\nx-title: {mark}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(payload)}\r\n\r\n"
        )
        return head.encode() + payload


def question(chance: random.Random) -> Question:
    dialect: Dialect = "openai" if chance.random() < 0.5 else "anthropic"
    streamed = chance.random() >= WHOLE
    body: Json = {
        "model": MODEL,
        "max_tokens": chance.randint(FEWEST_TOKENS, MOST_TOKENS),
        "stream": streamed,
        **_conversation(chance, dialect),
    }
    if dialect == "openai" and streamed:
        body["stream_options"] = {"include_usage": True}
    if chance.random() < CONSTRAINED:
        body |= _constraint(chance, dialect)
    elif dialect == "openai" and chance.random() < SEVERAL:
        body["n"] = 2
    leave = _leave(chance, streamed) if chance.random() < LEAVE else None
    return Question(dialect, body, streamed, leave)


def filler(number: int) -> Question:
    """About 1,200 tokens that begin like no others."""
    text = f"File {number}: sum it up." + _notes("salt", 60)
    messages = [{"role": "user", "content": text}]
    body = {"model": MODEL, "max_tokens": FEWEST_TOKENS, "stream": False, "messages": messages}
    return Question("openai", body, streamed=False, leave=None)


def _conversation(chance: random.Random, dialect: Dialect) -> Json:
    """A question alone, or after earlier turns, which the prefix cache may still hold."""
    subject = chance.choice(_SUBJECTS)
    turns = 2 * chance.randint(0, len(_HISTORY) // 2)
    texts = [f"Tell me about the town's {subject}.", *_HISTORY[1 : turns + 1]]
    if turns == 0 and chance.random() < 0.3:
        texts[0] += " Here are my notes on it." + _notes(subject, chance.randint(5, 60))
    roles = ["user", "assistant"] * len(texts)
    # An answer is asked for, so the user has the last word.
    told = list(zip(roles, texts, strict=False))[: len(texts) - (len(texts) % 2 == 0)]
    messages = [{"role": role, "content": text} for role, text in told]
    if dialect == "anthropic":
        return {"system": _SYSTEM, "messages": messages}
    return {"messages": [{"role": "system", "content": _SYSTEM}, *messages]}


def _notes(subject: str, sentences: int) -> str:
    return "".join(
        f" Box {number} holds {number * 7 % 31} leaves on {subject}, most of them legible."
        for number in range(sentences)
    )


def _constraint(chance: random.Random, dialect: Dialect) -> Json:
    """A tool that has to be called, or a schema that the answer has to follow."""
    called = chance.random() < 0.5
    name, text = "file_away", "Files a document in the archive."
    if dialect == "anthropic":
        if not called:
            return {"output_config": {"format": {"type": "json_schema", "schema": _FILE}}}
        tool = {"name": name, "description": text, "input_schema": _FILE}
        return {"tools": [tool], "tool_choice": {"type": "any"}}
    if not called:
        schema = {"name": "document", "schema": _FILE, "strict": True}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}
    function = {"name": name, "description": text, "parameters": _FILE}
    return {"tools": [{"type": "function", "function": function}], "tool_choice": "required"}


def _leave(chance: random.Random, streamed: bool) -> Leave:
    """At once, while it waits or is computed, or in the middle of a stream."""
    when = chance.random()
    if when < 0.25:
        return Leave(after_s=chance.uniform(0.0, 0.1))
    if when < 0.5 or not streamed:
        return Leave(after_s=chance.uniform(0.1, 15.0))
    return Leave(after_events=chance.randint(2, 60))
