"""Text to token ids and back, from what a GGUF file says of its vocabulary. Knows nothing of torch.

Byte-level BPE with SmolLM2's splitting: digits one by one, then GPT-2's expression.
"""

import codecs
import datetime as dt
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer as BpeTokenizer
from tokenizers import decoders, models, pre_tokenizers

from engine.model.errors import ChatTemplateError, ModelFileError
from engine.model.gguf_file import GgufFile

_CONTROL = 3  # ggml's token type of special tokens
_GUARDS = [chr(code) for code in range(0xFDD0, 0xFDF0)]  # Unicode: never characters of a text


class Tokenizer:
    """A model's vocabulary and its chat template."""

    def __init__(self, metadata: Mapping[str, Any], source: str) -> None:
        if metadata.get("tokenizer.ggml.model") != "gpt2":
            raise ModelFileError(
                f"{source} has a {metadata.get('tokenizer.ggml.model')!r} vocabulary; "
                "this engine reads byte-level BPE ('gpt2')."
            )
        if metadata.get("tokenizer.ggml.pre") != "smollm":
            raise ModelFileError(
                f"{source} splits words as {metadata.get('tokenizer.ggml.pre')!r}; "
                "this engine knows 'smollm'."
            )
        try:
            tokens: list[str] = metadata["tokenizer.ggml.tokens"]
            merges: list[str] = metadata["tokenizer.ggml.merges"]
            types: list[int] = metadata["tokenizer.ggml.token_type"]
            self.eos_token_id: int = metadata["tokenizer.ggml.eos_token_id"]
        except KeyError as error:
            raise ModelFileError(f"{source} lacks the entry {error}.") from error
        self.vocab_size = len(tokens)
        self.special = {
            text: index
            for index, (text, kind) in enumerate(zip(tokens, types, strict=True))
            if kind == _CONTROL
        }
        self._special_ids = frozenset(self.special.values())
        self._special_pattern = re.compile(
            "(" + "|".join(re.escape(t) for t in sorted(self.special, key=len, reverse=True)) + ")"
        )
        self._bpe = _byte_level_bpe(tokens, merges)
        self._bytes = _token_bytes(tokens, self.special)
        self._template = _compile(str(metadata.get("tokenizer.chat_template", "")))

    @classmethod
    def from_gguf(cls, path: Path) -> "Tokenizer":
        """Raises ModelFileError where the file cannot be used."""
        return cls(GgufFile(path).metadata, str(path))

    def encode(self, text: str) -> list[int]:
        """Plain text: what looks like a special token is encoded as the text it is."""
        return self._bpe.encode(text, add_special_tokens=False).ids

    def encode_chat(
        self, messages: Sequence[Mapping[str, str]], add_generation_prompt: bool = True
    ) -> list[int]:
        """Messages with `role` and `content` in the model's own template.

        Only the template can produce special tokens: in the messages their texts are taken apart
        by a character that no text has, which is removed again after the special tokens are found.
        Raises ChatTemplateError where the template refuses.
        """
        written = "".join(value for message in messages for value in message.values())
        guard = next((char for char in _GUARDS if char not in written), None)
        if guard is None:
            raise ChatTemplateError("A message has characters that Unicode reserves: remove them.")

        def defuse(text: str) -> str:
            return self._special_pattern.sub(lambda m: m[0][0] + guard + m[0][1:], text)

        safe = [{key: defuse(value) for key, value in message.items()} for message in messages]
        try:
            rendered = self._template.render(
                messages=safe, add_generation_prompt=add_generation_prompt
            )
        except (TemplateError, TypeError, KeyError) as error:
            raise ChatTemplateError(f"The model's chat template refuses this: {error}.") from error
        ids: list[int] = []
        for index, part in enumerate(self._special_pattern.split(rendered)):
            if index % 2:
                ids.append(self.special[part])
            elif part:
                ids.extend(self.encode(part.replace(guard, "")))
        return ids

    def token_bytes(self, token_id: int) -> bytes:
        """A token's bytes; a special token's are its name."""
        return self._bytes[token_id]

    def is_special(self, token_id: int) -> bool:
        return token_id in self._special_ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the ids, without special tokens; bytes that are no UTF-8 become U+FFFD."""
        kept = (self._bytes[i] for i in ids if i not in self._special_ids)
        return b"".join(kept).decode("utf-8", errors="replace")


class IncrementalDetokenizer:
    """Token by token to text, holding back bytes that do not make a whole character yet."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def add(self, token_id: int) -> str:
        """What the token completes, perhaps nothing."""
        if self._tokenizer.is_special(token_id):
            return ""
        return self._decoder.decode(self._tokenizer.token_bytes(token_id))

    def finish(self) -> str:
        """What is left when no token follows: U+FFFD for half a character, or nothing."""
        return self._decoder.decode(b"", final=True)


def _byte_level_bpe(tokens: list[str], merges: list[str]) -> BpeTokenizer:
    pairs = [(left, right) for left, _, right in (merge.partition(" ") for merge in merges)]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    bpe = BpeTokenizer(models.BPE(vocab=vocabulary, merges=pairs))
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    return bpe


def _token_bytes(tokens: list[str], special: Mapping[str, int]) -> list[bytes]:
    """GPT-2 writes each byte as a printable character; this undoes that."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    byte_of = {chr(byte): byte for byte in printable}
    byte_of |= {chr(256 + index): byte for index, byte in enumerate(others)}
    return [
        token.encode() if token in special else bytes(byte_of[char] for char in token)
        for token in tokens
    ]


def _compile(template: str) -> Any:
    def refuse(message: str) -> NoReturn:
        raise TemplateError(message)

    sandbox = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    sandbox.globals["raise_exception"] = refuse
    sandbox.globals["strftime_now"] = lambda form: dt.datetime.now(tz=dt.UTC).strftime(form)
    try:
        return sandbox.from_string(template)
    except TemplateError as error:
        raise ModelFileError(f"The model's chat template cannot be read: {error}.") from error
