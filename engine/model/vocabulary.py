"""What a tokenizer is made of, wherever it comes from."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tokenizers import Tokenizer as BpeTokenizer

from engine.model.sampling_defaults import SamplingDefaults

_BYTE = re.compile(r"<0x([0-9A-F]{2})>")
# For models that come without a template: what was said, line by line.
PLAIN_TEMPLATE = "{% for m in messages %}{{ m.content }}\n{% endfor %}"


@dataclass(frozen=True)
class Vocabulary:
    """`token_bytes` by id; `special` tokens, which no text can spell, by name; `ends` the ids that
    end an answer; `eos_token_id` the one that ends a text in training; `template` of chats, in
    Jinja, and `names` that it may use beside the messages; `sampling` where a request is silent;
    `begins` the ids that come before every text."""

    bpe: BpeTokenizer
    inner: BpeTokenizer  # the same for text that follows a special token: no space before it
    token_bytes: list[bytes]
    special: Mapping[str, int]
    ends: frozenset[int]
    eos_token_id: int
    template: str
    names: Mapping[str, str] = field(default_factory=dict)
    sampling: SamplingDefaults = field(default_factory=SamplingDefaults)
    begins: tuple[int, ...] = ()


def byte_level(token: str) -> bytes:
    """The bytes of a token in GPT-2's writing, which has a printable character for each byte."""
    return bytes(_BYTE_OF[char] for char in token)


def sentencepiece(token: str) -> bytes:
    """The bytes of a token in SentencePiece's writing: ▁ is a space, <0x0A> a byte."""
    byte = _BYTE.fullmatch(token)
    return bytes([int(byte[1], 16)]) if byte else token.replace("▁", " ").encode()


def as_byte_level(token: bytes) -> str:
    """GPT-2's writing of a token's bytes."""
    return "".join(_CHARACTER_OF[byte] for byte in token)


def _bytes_by_character() -> dict[str, int]:
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    found = {chr(byte): byte for byte in printable}
    return found | {chr(256 + index): byte for index, byte in enumerate(others)}


_BYTE_OF = _bytes_by_character()
_CHARACTER_OF = {byte: char for char, byte in _BYTE_OF.items()}
