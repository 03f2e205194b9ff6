"""The two kinds of completions, which differ in names alone."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """What begins an answer's id, what its object is called, whole and in chunks, and where an
    upstream gives such answers."""

    prefix: str
    whole: str
    chunk: str
    path: str


CHAT = Kind("chatcmpl", "chat.completion", "chat.completion.chunk", "/chat/completions")
COMPLETION = Kind("cmpl", "text_completion", "text_completion", "/completions")
