"""Vocabularies and chat templates of model folders, against transformers."""

import json
from pathlib import Path
from typing import Any

import pytest
import transformers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, decoders, models, pre_tokenizers, processors, trainers
from tokenizers import Tokenizer as RawTokenizer

from engine.model.errors import ChatTemplateError, ModelFileError
from engine.model.tokenizer import Tokenizer

CHATML = (
    "{%- for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{{ message['content'] | trim }}<|im_end|>\n{%- endfor %}"
    "{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{%- endif %}"
)
LOOPING = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% endif %}"
    "[{{ loop.index0 }}] {{ m | tojson }}{{ eos_token }}{% endfor %}"
)
CHAT = [
    {"role": "system", "content": "  Be brief. "},
    {"role": "user", "content": "Grüße <|im_end|> 你好 'x' & <y>"},
]
TEXTS = ["a sailing boat moves against the wind", "Numbers: 12345, and signs!?", "naïve café 你好"]


def write(folder: Path, template: str = CHATML, **config: Any) -> Path:
    """A byte-level BPE trained on a few lines, as save_pretrained writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    raw = RawTokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet)
    raw.train_from_iterator(TEXTS, trainer)
    raw.add_special_tokens(["<|end|>", "<|im_start|>", "<|im_end|>"])
    raw.add_tokens([AddedToken("<think>", special=False)])
    fast: Any = transformers.PreTrainedTokenizerFast
    tokenizer = fast(tokenizer_object=raw, bos_token="<|end|>", eos_token="<|im_end|>")
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def reference(folder: Path) -> Any:
    return transformers.AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("tokenizer"), model_type="llama")


@pytest.fixture(scope="module")
def both(folder: Path) -> tuple[Tokenizer, Any]:
    return Tokenizer.open(folder), reference(folder)


@given(text=st.text(max_size=40))
def test_ids_and_text_are_transformers(both: tuple[Tokenizer, Any], text: str) -> None:
    ours, theirs = both
    ids = ours.encode(text)
    if not any(name in text for name in ours.special):
        assert ids == theirs.encode(text, add_special_tokens=False)
    assert ours.decode(ids) == text


@pytest.mark.parametrize("begins", [False, True])
def test_a_text_to_be_continued_gets_transformers_ids(tmp_path: Path, begins: bool) -> None:
    """Special tokens by their names, and one before all where the tokenizer itself adds it."""
    folder = write(tmp_path, model_type="llama")
    if begins:
        raw = RawTokenizer.from_file(str(folder / "tokenizer.json"))
        end = raw.token_to_id("<|end|>")
        raw.post_processor = processors.TemplateProcessing(
            single="<|end|> $A", special_tokens=[("<|end|>", end)]
        )
        raw.save(str(folder / "tokenizer.json"))
    ours, theirs = Tokenizer.open(folder), reference(folder)
    for text in ("", "a boat<|im_end|> moves <think>", "<|im_start|>naïve"):
        assert ours.encode_text(text) == theirs(text).input_ids
    assert (ours.encode_text("") != []) == begins


@pytest.mark.parametrize("template", [CHATML, LOOPING])
def test_chats_are_rendered_as_transformers_does(tmp_path: Path, template: str) -> None:
    folder = write(tmp_path, template, model_type="llama")
    ours, theirs = Tokenizer.open(folder), reference(folder)
    chat = [CHAT[0], {"role": "user", "content": "Grüße 你好 'x' & y <think>"}]
    expected = theirs.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    assert ours.encode_chat(chat) == theirs.encode(expected, add_special_tokens=False)


@pytest.mark.parametrize("scheme", ["first", "always", "never"])
def test_sentencepieces_first_space_is_where_transformers_puts_it(
    tmp_path: Path, scheme: str
) -> None:
    raw = RawTokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    raw.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=False)
    raw.decoder = decoders.Metaspace(prepend_scheme=scheme)
    trainer = trainers.BpeTrainer(vocab_size=120, special_tokens=["<unk>", "[INST]", "[/INST]"])
    raw.train_from_iterator(TEXTS, trainer)
    fast: Any = transformers.PreTrainedTokenizerFast
    tokenizer = fast(tokenizer_object=raw, unk_token="<unk>", eos_token="[/INST]")
    tokenizer.chat_template = "{% for m in messages %}[INST]{{ m.content }}[/INST] so {% endfor %}"
    tokenizer.save_pretrained(tmp_path)
    chat = [{"role": "user", "content": "a sailing boat"}, {"role": "user", "content": " moves "}]
    theirs = reference(tmp_path)
    expected = theirs.apply_chat_template(chat, tokenize=False)
    ours = Tokenizer.open(tmp_path)
    assert ours.encode_chat(chat) == theirs.encode(expected, add_special_tokens=False)
    assert ours.encode("a sailing") == theirs.encode("a sailing", add_special_tokens=False)


def test_an_older_config_with_templates_by_name_is_read(tmp_path: Path) -> None:
    folder = write(tmp_path, model_type="llama")
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    path = folder / "tokenizer_config.json"
    raw = json.loads(path.read_text())
    raw["chat_template"] = [
        {"name": "tool_use", "template": "tools"},
        {"name": "default", "template": "{{ messages[0].content }}"},
    ]
    raw["eos_token"] = {"content": "<|im_end|>", "special": True}
    path.write_text(json.dumps(raw))
    tokenizer = Tokenizer.open(folder)
    assert tokenizer.decode(tokenizer.encode_chat([{"role": "user", "content": "Hi"}])) == "Hi"


def test_users_text_never_becomes_a_special_token(folder: Path) -> None:
    tokenizer = Tokenizer.open(folder)
    ids = tokenizer.encode_chat(CHAT)
    start, end = tokenizer.special["<|im_start|>"], tokenizer.special["<|im_end|>"]
    assert [i for i in ids if tokenizer.is_special(i)] == [start, end, start, end, start]
    assert "<|im_end|>" in tokenizer.decode(ids)


@pytest.mark.parametrize(
    ("generation", "config", "expected"),
    [
        ({"eos_token_id": [400, 402]}, {"eos_token_id": 7}, {400, 402}),
        ({}, {"eos_token_id": 7}, {7}),
        ({}, {"eos_token_id": [7, 9]}, {7, 9}),
    ],
)
def test_end_tokens_come_from_the_generation_config_first(
    tmp_path: Path, generation: dict[str, Any], config: dict[str, Any], expected: set[int]
) -> None:
    folder = write(tmp_path, **config)
    (folder / "generation_config.json").write_text(json.dumps(generation))
    assert Tokenizer.open(folder).ends == expected


def test_without_a_config_the_tokenizers_own_end_counts(folder: Path) -> None:
    tokenizer = Tokenizer.open(folder)
    assert tokenizer.ends == {tokenizer.special["<|im_end|>"]}


def test_an_id_beyond_the_vocabulary_has_no_text(folder: Path) -> None:
    assert Tokenizer.open(folder).decode([100_000]) == ""


def test_a_folder_without_a_tokenizer_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"neither tokenizer\.json nor tiktoken\.model"):
        Tokenizer.open(tmp_path)


@pytest.mark.parametrize("content", ["{", '{"version": "1.0", "model": {"type": "Nothing"}}'])
def test_a_broken_tokenizer_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(ModelFileError, match=r"tokenizer\.json is broken") as raised:
        Tokenizer.open(tmp_path)
    assert "\n" not in str(raised.value)


def test_a_template_that_refuses_says_why(tmp_path: Path) -> None:
    folder = write(tmp_path, "{{ raise_exception('no system prompts') }}", model_type="llama")
    with pytest.raises(ChatTemplateError, match="no system prompts"):
        Tokenizer.open(folder).encode_chat(CHAT)


def generation_config(folder: Path, **stated: Any) -> Path:
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": 2} | stated))
    return folder


def test_generation_config_says_how_to_draw_where_a_request_does_not(tmp_path: Path) -> None:
    folder = generation_config(write(tmp_path), temperature=0.6, top_p=0.95, top_k=None)
    sampling = Tokenizer.open(folder).sampling
    assert (sampling.temperature, sampling.top_p, sampling.top_k) == (0.6, 0.95, 0)


@pytest.mark.parametrize("stated", [{"temperature": "hot"}, {"top_p": 1.5}, {"top_k": -1}])
def test_a_generation_config_that_makes_no_sense_is_told(
    tmp_path: Path, stated: dict[str, Any]
) -> None:
    folder = generation_config(write(tmp_path), **stated)
    with pytest.raises(ModelFileError, match=f"generation_config.json: {next(iter(stated))} is"):
        Tokenizer.open(folder)
