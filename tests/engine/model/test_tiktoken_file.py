"""Kimi's vocabulary files, against the rule that their ranks stand for, written out."""

import base64
import json
import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.errors import ModelFileError
from engine.model.tokenizer import Tokenizer

WORDS = ["the ", "then", " sail", "ing", " against", "wind", "'ll", "123", "\n\n", "  "]
WORDS += ["你好", "世界"]


def some_ranks() -> dict[bytes, int]:
    """All bytes, then tokens that are two earlier ones each, as training finds them."""
    ranks = {bytes([byte]): byte for byte in range(256)}
    drawn = random.Random(0)
    for word in WORDS:
        parts = [bytes([byte]) for byte in word.encode()]
        while len(parts) > 1:
            at = drawn.randrange(len(parts) - 1)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
            ranks.setdefault(parts[at], len(ranks))
    return ranks


RANKS = some_ranks()
BOS, EOS, USER = len(RANKS), len(RANKS) + 1, len(RANKS) + 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kimi")
    lines = [f"{base64.b64encode(t).decode()} {rank}\n" for t, rank in RANKS.items()]
    (path / "tiktoken.model").write_text("".join(lines))
    named = {BOS: "[BOS]", EOS: "[EOS]", USER: "<|im_user|>"}
    settings = {
        "added_tokens_decoder": {
            str(i): {"content": name, "special": True} for i, name in named.items()
        },
        "bos_token": "[BOS]",
        "eos_token": "[EOS]",
        "chat_template": "{{ bos_token }}{% for m in messages %}<|im_user|>{{ m.content }}"
        "{% endfor %}",
    }
    (path / "tokenizer_config.json").write_text(json.dumps(settings))
    return path


@pytest.fixture(scope="module")
def kimi(folder: Path) -> Tokenizer:
    return Tokenizer.open(folder)


def merged(piece: bytes) -> list[int]:
    """tiktoken's rule: of neighbours that together are a token, the lowest rank merges first."""
    if piece in RANKS:
        return [RANKS[piece]]
    parts = [bytes([byte]) for byte in piece]
    while True:
        pairs = [(RANKS.get(a + b), i) for i, (a, b) in enumerate(pairwise(parts))]
        known = [(rank, i) for rank, i in pairs if rank is not None]
        if not known:
            return [RANKS[part] for part in parts]
        at = min(known)[1]
        parts[at : at + 2] = [parts[at] + parts[at + 1]]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Hello thenWorld", ["Hello", " then", "World"]),
        ("we'll sail", ["we'll", " sail"]),
        ("12345", ["123", "45"]),
        ("wind你好世界the", ["wind", "你好世界", "the"]),
        ("a,  b\n\n c", ["a", ",", " ", " b", "\n\n", " c"]),
        ("HTMLParser", ["HTMLParser"]),
    ],
)
def test_texts_are_split_as_kimi_does(kimi: Tokenizer, text: str, pieces: list[str]) -> None:
    assert kimi.encode(text) == [i for piece in pieces for i in merged(piece.encode())]


@given(st.lists(st.sampled_from([*WORDS, "t", "h", "e", " ", "!", "é"]), max_size=12))
def test_any_text_comes_back(kimi: Tokenizer, words: list[str]) -> None:
    assert kimi.decode(kimi.encode("".join(words))) == "".join(words)


def test_special_tokens_have_the_configs_names_and_reserved_ones_their_numbers(
    kimi: Tokenizer,
) -> None:
    assert kimi.special["[BOS]"] == BOS
    assert kimi.special[f"<|reserved_token_{BOS + 2}|>"] == BOS + 2
    assert len(kimi.special) == 256
    assert kimi.ends == {EOS}


def test_a_chat_uses_them_and_a_users_text_cannot(kimi: Tokenizer) -> None:
    ids = kimi.encode_chat([{"role": "user", "content": "the [EOS]"}])
    assert ids == [BOS, USER, *kimi.encode("the [EOS]")]
    assert EOS not in ids


@pytest.mark.parametrize("line", ["AAAA", "?? 3", "QQ== three"])
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "tiktoken.model").write_text(f"QQ== 0\n{line}\n")
    with pytest.raises(ModelFileError, match=r"tiktoken\.model is broken \(line 2"):
        Tokenizer.open(tmp_path)
