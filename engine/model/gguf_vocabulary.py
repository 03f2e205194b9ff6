"""The vocabulary in a GGUF file: byte-level BPE ("gpt2"), or SentencePiece's ("llama")."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from tokenizers import AddedToken, decoders, models, normalizers
from tokenizers import Tokenizer as BpeTokenizer

from engine.model.errors import ModelFileError
from engine.model.sampling_defaults import sampling_defaults
from engine.model.splitting import BY_NAME, WHOLE_PIECES
from engine.model.vocabulary import PLAIN_TEMPLATE, Vocabulary, byte_level, sentencepiece

_CONTROL, _USER_DEFINED = 3, 4  # ggml's types of tokens: special ones, and texts that stay whole
_ENDS = ("eos", "eot", "eom")
_SPLITTING = "tokenizer.ggml.pre"
# Names of tokens that end a turn or a text, or begin the next turn: a file names only some by id.
_END_NAMES = frozenset(
    (
        *("</s>", "<|endoftext|>", "<|end_of_text|>", "<｜end▁of▁sentence｜>", "[EOS]"),
        *("<|im_end|>", "<|eot_id|>", "<|eom_id|>", "[EOT]", "<|end|>"),
        *("<|im_start|>", "<|start_header_id|>", "<|start_of_role|>", "<｜User｜>"),
        *("<|im_user|>", "<|im_assistant|>", "<|im_system|>"),
    )
)


@dataclass(frozen=True)
class _Entries:
    """What the file says of its tokens, by id."""

    metadata: Mapping[str, Any]
    source: str

    @property
    def tokens(self) -> Sequence[str]:
        return cast(Sequence[str], self.get("tokens"))

    @property
    def types(self) -> Sequence[int]:
        return cast(Sequence[int], self.get("token_type"))

    def of_type(self, kind: int) -> dict[str, int]:
        return {
            text: index
            for index, (text, found) in enumerate(zip(self.tokens, self.types, strict=True))
            if found == kind
        }

    def get(self, key: str) -> Any:
        try:
            return self.metadata[f"tokenizer.ggml.{key}"]
        except KeyError as error:
            raise ModelFileError(f"{self.source} lacks the entry {error}.") from error


def read_gguf_vocabulary(metadata: Mapping[str, Any], source: str) -> Vocabulary:
    """Raises ModelFileError where `metadata`, of file `source`, holds another kind."""
    entries = _Entries(metadata, source)
    model = entries.get("model")
    if model not in ("gpt2", "llama"):
        raise ModelFileError(
            f"{source} has a {model!r} vocabulary; this engine reads byte-level BPE ('gpt2') and "
            "SentencePiece's ('llama')."
        )
    try:
        return _vocabulary(entries, byte_level if model == "gpt2" else sentencepiece)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ModelFileError(
            f"{source} has a broken vocabulary ({error}); fetch it again."
        ) from error


def _vocabulary(entries: _Entries, to_bytes: Callable[[str], bytes]) -> Vocabulary:
    bpe = _byte_level_bpe(entries) if to_bytes is byte_level else _sentencepiece_bpe(entries)
    special, whole = entries.of_type(_CONTROL), entries.of_type(_USER_DEFINED)
    bpe.add_tokens([AddedToken(text, normalized=False) for text in whole])
    named = special.keys() | whole.keys()
    return Vocabulary(
        bpe=bpe,
        inner=bpe,
        token_bytes=[t.encode() if t in named else to_bytes(t) for t in entries.tokens],
        special=special,
        ends=_ends(entries.metadata, special),
        eos_token_id=int(entries.get("eos_token_id")),
        template=str(entries.metadata.get("tokenizer.chat_template", PLAIN_TEMPLATE)),
        names=_names(entries),
        sampling=sampling_defaults(_sampling(entries.metadata), entries.source),
        begins=_begins(entries),
    )


def _begins(entries: _Entries) -> tuple[int, ...]:
    """Where a file does not say, llama.cpp begins texts with a token of SentencePiece's models and
    of Llama 3."""
    usual = entries.get("model") == "llama" or entries.metadata.get(_SPLITTING) == "llama-bpe"
    begin = entries.metadata.get("tokenizer.ggml.bos_token_id")
    if begin is None or not entries.metadata.get("tokenizer.ggml.add_bos_token", usual):
        return ()
    return (int(begin),)


def _ends(metadata: Mapping[str, Any], special: Mapping[str, int]) -> frozenset[int]:
    ids = (metadata.get(f"tokenizer.ggml.{name}_token_id") for name in _ENDS)
    named = (special[name] for name in _END_NAMES & special.keys())
    return frozenset([int(i) for i in ids if i is not None] + list(named))


def _sampling(metadata: Mapping[str, Any]) -> dict[str, Any]:
    keys = {"temperature": "temp", "top_p": "top_p", "top_k": "top_k", "min_p": "min_p"}
    return {ours: metadata.get(f"general.sampling.{theirs}") for ours, theirs in keys.items()}


def _names(entries: _Entries) -> dict[str, str]:
    """What chat templates call the tokens at a text's ends."""
    ids = {name: entries.metadata.get(f"tokenizer.ggml.{name}_token_id") for name in ("bos", "eos")}
    return {
        f"{name}_token": entries.tokens[i]
        for name, i in ids.items()
        if i is not None and i < len(entries.tokens)
    }


def _byte_level_bpe(entries: _Entries) -> BpeTokenizer:
    splitting = entries.metadata.get(_SPLITTING, "gpt-2")
    if splitting not in BY_NAME:
        raise ModelFileError(
            f"{entries.source} splits words as {splitting!r}; "
            f"this engine knows {', '.join(sorted(BY_NAME))}."
        )
    pairs = [(left, right) for left, _, right in (m.partition(" ") for m in entries.get("merges"))]
    vocabulary = {token: index for index, token in enumerate(entries.tokens)}
    bpe = _bpe(vocabulary, pairs, ignore_merges=splitting in WHOLE_PIECES)
    if splitting == "qwen2":
        bpe.normalizer = normalizers.NFC()
    bpe.pre_tokenizer = BY_NAME[splitting]()
    bpe.decoder = decoders.ByteLevel()
    return bpe


def _sentencepiece_bpe(entries: _Entries) -> BpeTokenizer:
    """Two neighbours merge where their text together is a token, the best score first; characters
    without a token become their bytes'."""
    vocabulary = {token: index for index, token in enumerate(entries.tokens)}
    scores = entries.get("scores")
    merges: list[tuple[float, int, int, str, str]] = []
    for index, token in enumerate(entries.tokens):
        if entries.types[index] != 1:  # normal
            continue
        for at in range(1, len(token)):
            left, right = token[:at], token[at:]
            if left in vocabulary and right in vocabulary:
                order = -scores[index], vocabulary[left], vocabulary[right]
                merges.append((*order, left, right))
    unknown = entries.metadata.get("tokenizer.ggml.unknown_token_id")
    bpe = _bpe(
        vocabulary,
        [(left, right) for *_, left, right in sorted(merges)],
        unk_token=None if unknown is None else entries.tokens[unknown],
        fuse_unk=True,
        byte_fallback=True,
    )
    steps: list[normalizers.Normalizer] = [normalizers.Replace(" ", "▁")]
    if entries.metadata.get("tokenizer.ggml.add_space_prefix", True):
        steps.insert(0, normalizers.Prepend("▁"))
    bpe.normalizer = normalizers.Sequence(steps)
    return bpe


def _bpe(vocab: dict[str, int], merges: list[tuple[str, str]], **options: Any) -> BpeTokenizer:
    try:
        return BpeTokenizer(models.BPE(vocab=vocab, merges=merges, **options))
    except Exception as error:  # the package raises bare ones
        raise ValueError(str(error)) from error
