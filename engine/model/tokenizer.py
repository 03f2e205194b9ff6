"""Text to token ids and back. Knows nothing of torch and of files' formats."""

import codecs
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

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
        self.ends = vocabulary.ends
        self.eos_token_id = vocabulary.eos_token_id
        self.sampling = vocabulary.sampling
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
        rendered = self._template.render(safe, add_generation_prompt)
        ids: list[int] = []
        for index, part in enumerate(self._special_pattern.split(rendered)):
            if index % 2:
                ids.append(self.special[part])
            elif part:
                bpe = self._inner if index else self._bpe
                ids.extend(bpe.encode(part.replace(guard, ""), add_special_tokens=False).ids)
        return ids

    def token_bytes(self, token_id: int) -> bytes:
        """A token's bytes; a special token's are its name, those of an id without a token none.

        Models' heads are often padded beyond the vocabulary.
        """
        return self._bytes[token_id] if token_id < len(self._bytes) else b""

    def is_special(self, token_id: int) -> bool:
        return token_id in self._special_ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the ids, without special tokens; bytes that are no UTF-8 become U+FFFD."""
        kept = (self.token_bytes(i) for i in ids if i not in self._special_ids)
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
