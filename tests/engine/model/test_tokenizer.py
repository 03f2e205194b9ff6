from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from engine.model.errors import ChatTemplateError, ModelFileError
from engine.model.gguf_file import GgufFile
from engine.model.gguf_vocabulary import read_gguf_vocabulary
from engine.model.tokenizer import IncrementalDetokenizer, Tokenizer

TEXTS = [
    "What is the capital of France?",
    "In 2024, 3.14159 and 007; it's they'll we've I'd",
    "def f(x):\n\treturn x ** 2  # été, 日本語, 😀👩‍👩‍👧\n\n\n    print(f(3))",
    "  leading, trailing  and\r\nWindows lines \u00a0 odd\u2028spaces",
]


@pytest.fixture(scope="session")
def theirs(gguf_path: Path) -> PreTrainedTokenizerFast:
    loaded = AutoTokenizer.from_pretrained(str(gguf_path.parent), gguf_file=gguf_path.name)
    assert isinstance(loaded, PreTrainedTokenizerFast)
    return loaded


@pytest.mark.parametrize("text", TEXTS)
def test_ids_are_those_of_transformers(
    tokenizer: Tokenizer, theirs: PreTrainedTokenizerFast, text: str
) -> None:
    assert tokenizer.encode(text) == theirs(text).input_ids


def test_a_chat_gets_the_ids_that_transformers_gives_it(
    tokenizer: Tokenizer, theirs: PreTrainedTokenizerFast
) -> None:
    chat = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "\n Hello, 12 worlds! "},
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": TEXTS[2]},
    ]
    expected = theirs.apply_chat_template(chat, add_generation_prompt=True, return_dict=False)
    assert tokenizer.encode_chat(chat) == expected


def test_a_chat_without_system_message_gets_the_models_own(tokenizer: Tokenizer) -> None:
    text = tokenizer.decode(tokenizer.encode_chat([{"role": "user", "content": "Hi"}]))
    assert text.startswith("system\nYou are a helpful AI assistant named SmolLM")


# The vocabulary lacks bytes that only control and unassigned characters need.
WRITTEN = st.text(st.characters(exclude_categories=["C"]) | st.sampled_from("\n\t\r"), max_size=60)


@given(WRITTEN)
def test_text_survives_encoding_and_decoding(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(
    st.lists(
        st.sampled_from(["<|im_end|>", "<|im_start|>", "<", "|im_", "end|>", "\ufdd0", "é", "\n"]),
        max_size=8,
    )
)
def test_users_text_never_becomes_a_special_token(tokenizer: Tokenizer, parts: list[str]) -> None:
    content = "".join(parts)
    ids = tokenizer.encode_chat([{"role": "user", "content": content}])
    # system turn, user turn and the start of the answer: two starts and ends, one start
    assert [i for i in ids if tokenizer.is_special(i)] == [1, 2, 1, 2, 1]
    assert f"user\n{content}\n" in tokenizer.decode(ids)


def test_plain_encoding_takes_a_special_tokens_name_as_text(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("<|im_end|>")
    assert len(ids) > 1
    assert tokenizer.decode(ids) == "<|im_end|>"


def test_a_character_of_several_tokens_appears_when_it_is_whole(tokenizer: Tokenizer) -> None:
    detokenizer = IncrementalDetokenizer(tokenizer)
    ids = tokenizer.encode("👩")
    pieces = [detokenizer.add(i) for i in ids]
    assert len(ids) > 1
    assert pieces == [""] * (len(ids) - 1) + ["👩"]


def test_half_a_character_at_the_end_becomes_the_replacement_sign(tokenizer: Tokenizer) -> None:
    detokenizer = IncrementalDetokenizer(tokenizer)
    assert detokenizer.add(tokenizer.encode("👩")[0]) == ""
    assert detokenizer.finish() == "\ufffd"


@given(WRITTEN)
def test_pieces_add_up_to_the_whole_text(tokenizer: Tokenizer, text: str) -> None:
    detokenizer = IncrementalDetokenizer(tokenizer)
    pieces = [detokenizer.add(i) for i in tokenizer.encode(text)]
    assert "".join(pieces) + detokenizer.finish() == text


def with_template(gguf_path: Path, template: str) -> Tokenizer:
    metadata = GgufFile(gguf_path).metadata | {"tokenizer.chat_template": template}
    return Tokenizer(read_gguf_vocabulary(metadata, "test"))


def test_a_template_cannot_reach_into_python(gguf_path: Path) -> None:
    hostile = with_template(gguf_path, "{{ messages.__class__.__mro__[-1].__subclasses__() }}")
    with pytest.raises(ChatTemplateError, match="refuses"):
        hostile.encode_chat([{"role": "user", "content": "Hi"}])


def test_a_templates_own_complaint_reaches_the_user(gguf_path: Path) -> None:
    strict = with_template(gguf_path, "{{ raise_exception('roles must alternate') }}")
    with pytest.raises(ChatTemplateError, match="roles must alternate"):
        strict.encode_chat([{"role": "user", "content": "Hi"}])


def test_an_unknown_vocabulary_is_refused(gguf_path: Path) -> None:
    metadata = GgufFile(gguf_path).metadata | {"tokenizer.ggml.model": "t5"}
    with pytest.raises(ModelFileError, match="byte-level BPE"):
        Tokenizer(read_gguf_vocabulary(metadata, "test"))
