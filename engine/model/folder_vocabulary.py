"""The vocabulary in a model folder, its chat template and its end tokens."""

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as BpeTokenizer

from engine.model.config_file import read_json
from engine.model.errors import ModelFileError
from engine.model.sampling_defaults import sampling_defaults
from engine.model.tiktoken_file import build_bpe, read_ranks, special_tokens
from engine.model.vocabulary import PLAIN_TEMPLATE, Vocabulary, byte_level, sentencepiece


def read_folder_vocabulary(folder: Path) -> Vocabulary:
    """Raises ModelFileError where a file is missing or broken."""
    settings = _optional(folder / "tokenizer_config.json")
    if (folder / "tokenizer.json").exists():
        bpe, token_bytes, special = _tokenizer_json(folder / "tokenizer.json")
    elif (folder / "tiktoken.model").exists():
        bpe, token_bytes, special = _tiktoken(folder / "tiktoken.model", settings)
    else:
        raise ModelFileError(
            f"{folder} has neither tokenizer.json nor tiktoken.model; fetch one with the model."
        )
    generation = folder / "generation_config.json"
    names = {key: _text(settings.get(key)) for key in ("bos_token", "eos_token", "pad_token")}
    ends = _ends(folder, special.get(names["eos_token"]))
    if not ends:
        raise ModelFileError(f"{folder}: neither config.json nor the tokenizer names an end token.")
    return Vocabulary(
        bpe=bpe,
        inner=_without_first_space(bpe),
        token_bytes=token_bytes,
        special=special,
        ends=frozenset(ends),
        eos_token_id=ends[0],
        template=_template(folder, settings),
        names={key: text for key, text in names.items() if text},
        sampling=sampling_defaults(_optional(generation), str(generation)),
        begins=_begins(bpe, special.get(names["bos_token"])),
    )


# Tokens' bytes by id, special tokens by name.
Parts = tuple[BpeTokenizer, list[bytes], dict[str, int]]


def _tokenizer_json(path: Path) -> Parts:
    raw = read_json(path)
    try:
        bpe = BpeTokenizer.from_file(str(path))
    except Exception as error:  # the package raises bare ones
        raise ModelFileError(f"{path} is broken ({error}); fetch it again.") from error
    bpe.encode_special_tokens = True  # a special token's name in a text is the text it is
    added = {entry["id"]: entry for entry in raw.get("added_tokens", ())}
    to_bytes = byte_level if '"ByteLevel"' in json.dumps(raw.get("decoder")) else sentencepiece
    token_bytes = [
        added[i]["content"].encode() if i in added else to_bytes(bpe.id_to_token(i) or "")
        for i in range(bpe.get_vocab_size(with_added_tokens=True))
    ]
    return bpe, token_bytes, {e["content"]: i for i, e in added.items() if e.get("special")}


def _without_first_space(bpe: BpeTokenizer) -> BpeTokenizer:
    """SentencePiece's later models put a space before a text, but not before what follows a special
    token (Metaspace with prepend_scheme "first")."""
    first, never = ('"prepend_scheme":"' + scheme + '"' for scheme in ("first", "never"))
    splitting = bpe.pre_tokenizer
    if splitting is None or first not in splitting.__getstate__().decode():
        return bpe
    inner = BpeTokenizer.from_str(bpe.to_str().replace(first, never))
    inner.encode_special_tokens = True
    return inner


def _tiktoken(path: Path, settings: dict[str, Any]) -> Parts:
    ranks = read_ranks(path)
    special = special_tokens(ranks, settings)
    by_id = {rank: token for token, rank in ranks.items()}
    by_id |= {index: name.encode() for name, index in special.items()}
    return build_bpe(ranks), [by_id.get(i, b"") for i in range(max(by_id) + 1)], special


def _optional(path: Path) -> dict[str, Any]:
    return read_json(path) if path.exists() else {}


def _begins(bpe: BpeTokenizer, bos: int | None) -> tuple[int, ...]:
    """What the tokenizer itself puts before a text, even before an empty one."""
    return tuple(token for token in bpe.encode("").ids if token == bos)


def _text(token: Any) -> str:
    """Older files hold a token as a dictionary."""
    return str(token.get("content", "")) if isinstance(token, dict) else str(token or "")


def _ends(folder: Path, eos: int | None) -> list[int]:
    """generation_config.json names all of them; config.json often one; else the tokenizer's."""
    for name in ("generation_config.json", "config.json"):
        found = _optional(folder / name).get("eos_token_id")
        if found is not None:
            return [int(token) for token in (found if isinstance(found, list) else [found])]
    return [] if eos is None else [eos]


def _template(folder: Path, settings: dict[str, Any]) -> str:
    """A file of its own, one template, or several by name; without any, contents line by line."""
    path = folder / "chat_template.jinja"
    if path.exists():
        return path.read_text(encoding="utf-8")
    found = settings.get("chat_template")
    if isinstance(found, list):
        found = {entry["name"]: entry["template"] for entry in found}.get("default")
    return str(found or PLAIN_TEMPLATE)
