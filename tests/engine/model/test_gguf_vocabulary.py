"""Vocabularies of GGUF files, beside the default model's."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import SentencePieceBPETokenizer

from engine.model.errors import ModelFileError
from engine.model.gguf_vocabulary import read_gguf_vocabulary
from engine.model.sampling_defaults import SamplingDefaults
from engine.model.splitting import BY_NAME
from engine.model.tokenizer import Tokenizer
from engine.model.vocabulary import as_byte_level, byte_level

TEXT = "It's 12345 a_b\n\n  你好 x"
LINES = ["a sailing boat moves against the wind", "Numbers: 12345, and signs!?", "naïve café 你好"]


@pytest.mark.parametrize(
    ("name", "pieces"),
    [
        ("gpt-2", ["It", "'s", " 12345", " a", "_", "b", "\n\n ", " 你好", " x"]),
        # A space is left alone before digits that stand alone.
        ("smollm", ["It", "'s", " ", *"12345", " a", "_", "b", "\n\n ", " 你好", " x"]),
        # Three digits at most, a sign may begin a word, and ends of lines go with spaces.
        ("llama-bpe", ["It", "'s", " ", "123", "45", " a", "_b", "\n\n", " ", " 你好", " x"]),
        ("qwen2", ["It", "'s", " ", *"12345", " a", "_b", "\n\n", " ", " 你好", " x"]),
        # Digits first, then Chinese, so that neither takes the space before it.
        (
            "deepseek-v3",
            ["It", "'s", " ", "123", "45", " a", "_b", "\n\n", "  ", "你好", " x"],
        ),
        ("kimi-k2", ["It's", " ", "123", "45", " a", "_b", "\n\n", " ", " ", "你好", " x"]),
        (
            "deepseek-llm",
            ["It", "'", "s", " ", *"12345", " a", "_", "b", "\n", "\n", "  ", "你好", " x"],
        ),
    ],
)
def test_a_text_is_split_as_the_named_model_splits_it(name: str, pieces: list[str]) -> None:
    found = BY_NAME[name]().pre_tokenize_str(TEXT)
    assert [byte_level(piece).decode() for piece, _ in found] == pieces


def metadata(**changes: Any) -> dict[str, Any]:
    """A byte-level vocabulary of the bytes, two merges and some tokens with names."""
    tokens = [as_byte_level(bytes([byte])) for byte in range(256)]
    tokens += ["he", "hel", "<|im_end|>", "<think>", "<|tool|>"]
    entries: dict[str, Any] = {
        "model": "gpt2",
        "pre": "qwen2",
        "tokens": tokens,
        "token_type": [1] * 258 + [3, 4, 3],
        "merges": ["h e", "he l"],
        "eos_token_id": 258,
        "bos_token_id": 260,
    }
    return {f"tokenizer.ggml.{key}": value for key, value in (entries | changes).items()}


def test_texts_that_the_file_keeps_whole_are_one_token() -> None:
    tokenizer = Tokenizer(read_gguf_vocabulary(metadata(), "x.gguf"))
    assert tokenizer.encode("hel<think>") == [257, 259]
    assert tokenizer.decode([257, 259]) == "hel<think>"


@pytest.mark.parametrize(
    ("says", "begins"),
    [
        ({"add_bos_token": True}, (260,)),
        ({"add_bos_token": False, "pre": "llama-bpe"}, ()),
        ({"pre": "llama-bpe"}, (260,)),
        ({}, ()),
    ],
)
def test_texts_begin_with_a_token_where_the_file_or_its_family_says_so(
    says: dict[str, Any], begins: tuple[int, ...]
) -> None:
    tokenizer = Tokenizer(read_gguf_vocabulary(metadata(**says), "x.gguf"))
    assert tokenizer.encode_text("hel<|tool|>") == [*begins, 257, 260]
    assert tokenizer.encode("hel") == [257]


def test_special_tokens_that_end_nothing_do_not_end_an_answer() -> None:
    assert read_gguf_vocabulary(metadata(), "x.gguf").ends == {258}


def test_templates_know_the_tokens_at_a_texts_ends() -> None:
    names = read_gguf_vocabulary(metadata(), "x.gguf").names
    assert names == {"bos_token": "<|tool|>", "eos_token": "<|im_end|>"}


def test_the_files_own_sampling_is_the_default() -> None:
    stated = {"general.sampling.temp": 0.5, "general.sampling.top_k": 20}
    sampling = read_gguf_vocabulary(metadata() | stated, "x.gguf").sampling
    assert sampling == SamplingDefaults(temperature=0.5, top_p=1.0, top_k=20, min_p=0.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "t5"}, "x.gguf has a 't5' vocabulary"),
        ({"pre": "viking"}, "x.gguf splits words as 'viking'; this engine knows command-r, "),
        ({"merges": ["q zz"]}, "x.gguf has a broken vocabulary"),
        ({"token_type": [1]}, "x.gguf has a broken vocabulary"),
        ({"tokens": ["你"], "token_type": [1], "merges": []}, "x.gguf has a broken vocabulary"),
    ],
)
def test_what_cannot_be_read_is_told(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        read_gguf_vocabulary(metadata(**changes), "x.gguf")


@pytest.fixture(scope="module")
def sentencepiece() -> tuple[Any, Tokenizer]:
    """One that the `tokenizers` package trains, and the same read from a file's entries: it holds
    scores instead of merges, the better the earlier."""
    trained = SentencePieceBPETokenizer(add_prefix_space=True, fuse_unk=True)
    special = ["<unk>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trained.train_from_iterator(LINES * 3, vocab_size=400, special_tokens=special, min_frequency=1)
    by_id = sorted(trained.get_vocab().items(), key=lambda entry: entry[1])
    tokens = [token for token, _ in by_id]
    entries = {
        "model": "llama",
        "tokens": tokens,
        "token_type": [2, 3] + [6] * 256 + [1] * (len(tokens) - 258),
        "scores": [-float(index) for index in range(len(tokens))],
        "unknown_token_id": 0,
        "eos_token_id": 1,
    }
    read = read_gguf_vocabulary({f"tokenizer.ggml.{k}": v for k, v in entries.items()}, "x.gguf")
    return trained, Tokenizer(read)


@given(text=st.text(alphabet="".join(sorted(set("".join(LINES))))).map("a".__add__))
def test_sentencepiece_encodes_as_the_package_does(
    sentencepiece: tuple[Any, Tokenizer], text: str
) -> None:
    trained, tokenizer = sentencepiece
    ids = tokenizer.encode(text)
    assert ids == trained.encode(text).ids
    assert tokenizer.decode(ids).removeprefix(" ") == text.removeprefix(" ")


def test_characters_without_a_token_are_written_as_bytes(
    sentencepiece: tuple[Any, Tokenizer],
) -> None:
    _, tokenizer = sentencepiece
    assert tokenizer.decode(tokenizer.encode("€")) == " €"
