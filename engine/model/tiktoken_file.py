"""The vocabulary of Kimi's folders: tiktoken.model, a line for each token with its bytes and rank.

Splitting and the 256 special ids after the last rank are those of the tokenization_kimi.py that
comes with the weights; names of special tokens are in tokenizer_config.json.
"""

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as BpeTokenizer
from tokenizers import decoders, models

from engine.model.errors import ModelFileError
from engine.model.splitting import kimi
from engine.model.vocabulary import as_byte_level

_SPECIAL_IDS = 256


def read_ranks(path: Path) -> dict[bytes, int]:
    """Raises ModelFileError where a line is not a token in base64 and a number."""
    ranks = {}
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            token, rank = line.split()
            ranks[base64.b64decode(token, validate=True)] = int(rank)
        except (ValueError, binascii.Error) as error:
            raise ModelFileError(
                f"{path} is broken (line {number} is no token with its rank); fetch it again."
            ) from error
    return ranks


def build_bpe(ranks: Mapping[bytes, int]) -> BpeTokenizer:
    """The same merges in the `tokenizers` package: two neighbours merge where their bytes together
    are a token, the lowest rank first; a piece that is a token stays whole."""
    merges: list[tuple[int, int, int, str, str]] = []
    written = {token: as_byte_level(token) for token in ranks}
    for token, rank in ranks.items():
        for at in range(1, len(token)):
            left, right = token[:at], token[at:]
            if left in ranks and right in ranks:
                merges.append((rank, ranks[left], ranks[right], written[left], written[right]))
    bpe = BpeTokenizer(
        models.BPE(
            vocab={written[token]: rank for token, rank in ranks.items()},
            merges=[(left, right) for *_, left, right in sorted(merges)],
            ignore_merges=True,
        )
    )
    bpe.pre_tokenizer = kimi()
    bpe.decoder = decoders.ByteLevel()
    return bpe


def special_tokens(ranks: Mapping[bytes, int], settings: Mapping[str, Any]) -> dict[str, int]:
    """By name, from a parsed tokenizer_config.json; ids without a name there are reserved ones."""
    first = max(ranks.values(), default=-1) + 1
    named = settings.get("added_tokens_decoder") or {}
    return {
        str(named[str(i)]["content"]) if str(i) in named else f"<|reserved_token_{i}|>": i
        for i in range(first, first + _SPECIAL_IDS)
    }
