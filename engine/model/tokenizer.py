"""Text to token ids and back. Knows nothing of torch and of files' formats."""

import codecs
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as BpeTokenizer

from engine.model.chat_template import ChatTemplate
from engine.model.errors import ChatTemplateError
from engine.model.folder_vocabulary import read_folder_vocabulary
from engine.model.gguf_file import GgufFile
from engine.model.gguf_vocabulary import read_gguf_vocabulary
from engine.model.vocabulary import Vocabulary

_GUARDS = [chr(code) for code in range(0xFDD0, 0xFDF0)]  # Unicode: never characters of a text


class Tokenizer:
    """A model's vocabulary and its chat template."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.special = vocabulary.special
        self.template = vocabulary.template
        self.ends = vocabulary.ends
        self.eos_token_id = vocabulary.eos_token_id
        self.sampling = vocabulary.sampling
        self._begins = vocabulary.begins
        self._bpe, self._inner = vocabulary.bpe, vocabulary.inner
        self._bytes = vocabulary.token_bytes
        self._special_ids = frozenset(self.special.values())
        longest_first = sorted(self.special, key=len, reverse=True)
        names = "|".join(re.escape(text) for text in longest_first)
        self._special_pattern = re.compile(f"({names or '(?!)'})")
        self._template = ChatTemplate(vocabulary.template, vocabulary.names)

    @classmethod
    def open(cls, path: Path) -> "Tokenizer":
        """That of a GGUF file or of a model folder. ModelFileError where it cannot be used."""
        if path.is_dir():
            return cls(read_folder_vocabulary(path))
        return cls(read_gguf_vocabulary(GgufFile(path).metadata, str(path)))

    def encode(self, text: str) -> list[int]:
        """Plain text: what looks like a special token is encoded as the text it is."""
        return _ids(self._bpe, text)

    def encode_text(self, text: str) -> list[int]:
        """A text to be continued as it is, as the model saw texts in training: special tokens where
        it has their names, and before it what every text begins with."""
        return [*self._begins, *self._encode_special(text)]

    def encode_chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        add_generation_prompt: bool = True,
        tools: Sequence[Mapping[str, Any]] | None = None,
    ) -> list[int]:
        """Messages with `role`, `content` and perhaps `tool_calls` in the model's own template.

        Only the template can produce special tokens: in the messages their texts are taken apart
        by a character that no text has, which is removed again after the special tokens are found.
        Raises ChatTemplateError where the template refuses.
        """
        written = json.dumps([messages, tools], ensure_ascii=False)
        guard = next((char for char in _GUARDS if char not in written), None)
        if guard is None:
            raise ChatTemplateError("A message has characters that Unicode reserves: remove them.")

        def defuse(text: str) -> str:
            return self._special_pattern.sub(lambda m: m[0][0] + guard + m[0][1:], text)

        rendered = self._template.render(
            _in_texts(messages, defuse), add_generation_prompt, tools and _in_texts(tools, defuse)
        )
        return self._encode_special(rendered, guard)

    def _encode_special(self, text: str, guard: str = "") -> list[int]:
        ids: list[int] = []
        for index, part in enumerate(self._special_pattern.split(text)):
            if index % 2:
                ids.append(self.special[part])
            elif part:
                bpe = self._inner if index else self._bpe
                ids.extend(_ids(bpe, part.replace(guard, "")))
        return ids

    def token_bytes(self, token_id: int) -> bytes:
        """A token's bytes; a special token's are its name, those of an id without a token none.

        Models' heads are often padded beyond the vocabulary.
        """
        return self._bytes[token_id] if token_id < len(self._bytes) else b""

    def every_token(self) -> list[bytes]:
        """The bytes of each, by id."""
        return self._bytes

    def is_special(self, token_id: int) -> bool:
        return token_id in self._special_ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the ids, without special tokens; bytes that are no UTF-8 become U+FFFD."""
        kept = (self.token_bytes(i) for i in ids if i not in self._special_ids)
        return b"".join(kept).decode("utf-8", errors="replace")


def _ids(bpe: BpeTokenizer, text: str) -> list[int]:
    """The library's way for batches, the only one in which other threads can go on meanwhile."""
    ids: list[int] = bpe.encode_batch_fast([text], add_special_tokens=False)[0].ids
    return ids


def _in_texts(value: Any, change: Callable[[str], str]) -> Any:
    """The same with every text in it changed, names of fields included."""
    match value:
        case str():
            return change(value)
        case Mapping():
            return {change(key): _in_texts(item, change) for key, item in value.items()}
        case list() | tuple():
            return [_in_texts(item, change) for item in value]
        case _:
            return value


class IncrementalDetokenizer:
    """Token by token to text, holding back bytes that do not make a whole character yet.

    Special tokens are no text, but for those of `shown`."""

    def __init__(self, tokenizer: Tokenizer, shown: Collection[int] = ()) -> None:
        self._tokenizer = tokenizer
        self._shown = shown
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def add(self, token_id: int) -> str:
        """What the token completes, perhaps nothing."""
        if self._tokenizer.is_special(token_id) and token_id not in self._shown:
            return ""
        return self._decoder.decode(self._tokenizer.token_bytes(token_id))

    def finish(self) -> str:
        """What is left when no token follows: U+FFFD for half a character, or nothing."""
        return self._decoder.decode(b"", final=True)
