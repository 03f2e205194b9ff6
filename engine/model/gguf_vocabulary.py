"""The vocabulary in a GGUF file: byte-level BPE with SmolLM2's splitting (digits one by one, then
GPT-2's expression)."""

from collections.abc import Mapping
from typing import Any

from tokenizers import Tokenizer as BpeTokenizer
from tokenizers import decoders, models, pre_tokenizers

from engine.model.errors import ModelFileError
from engine.model.vocabulary import Vocabulary, byte_level

_CONTROL = 3  # ggml's token type of special tokens


def read_gguf_vocabulary(metadata: Mapping[str, Any], source: str) -> Vocabulary:
    """Raises ModelFileError where `metadata`, of file `source`, holds another kind."""
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
        eos: int = metadata["tokenizer.ggml.eos_token_id"]
    except KeyError as error:
        raise ModelFileError(f"{source} lacks the entry {error}.") from error
    special = {
        text: index
        for index, (text, kind) in enumerate(zip(tokens, types, strict=True))
        if kind == _CONTROL
    }
    return Vocabulary(
        bpe=_byte_level_bpe(tokens, merges),
        token_bytes=[t.encode() if t in special else byte_level(t) for t in tokens],
        special=special,
        # The file names one end only; whatever follows a special token is not for the reader.
        ends=frozenset(special.values()),
        eos_token_id=eos,
        template=str(metadata.get("tokenizer.chat_template", "")),
    )


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
