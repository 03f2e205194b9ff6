"""How models split a text into pieces before bytes are merged into tokens.

A folder's tokenizer.json holds the expressions; a GGUF file names a way of splitting, by the model
that had it first (`tokenizer.ggml.pre`). The expressions are those of these models' tokenizer.json.
"""

from tokenizers import Regex, pre_tokenizers
from tokenizers.pre_tokenizers import PreTokenizer

_CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_SPACES = (r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+")
_SIGNS = r" ?[^\s\p{L}\p{N}]+[\r\n]*"
_UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]"
_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]"
_HAN_AND_KANA = "[一-龥぀-ゟ゠-ヿ]+"


def _words(digits: str) -> str:
    """OpenAI's cl100k, from which Llama 3 and Qwen differ in how many digits stay together."""
    letters = r"[^\r\n\p{L}\p{N}]?\p{L}+"
    return "|".join((_CONTRACTIONS, letters, digits, _SIGNS, *_SPACES))


_LLAMA_3 = _words(r"\p{N}{1,3}")
_QWEN_2 = _words(r"\p{N}")
_KIMI = "|".join(
    (
        r"[\p{Han}]+",
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_CONTRACTIONS}?",
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_CONTRACTIONS}?",
        r"\p{N}{1,3}",
        _SIGNS,
        *_SPACES,
    )
)
_DEEPSEEK_3 = (
    r"\p{N}{1,3}",
    _HAN_AND_KANA,
    "|".join(
        (
            r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+",
            r"[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+",
            r" ?[\p{P}\p{S}]+[\r\n]*",
            *_SPACES,
        )
    ),
)
_DEEPSEEK_2 = (
    "[\r\n]",
    r"\s?[\p{Lu}\p{Ll}\p{Lt}]+",  # there a list of the letters of cased scripts
    r"\s?[!-/:-~！-／：-～‘-‟　-。]+",
    r"\s+$",
    "[一-龥ࠀ-一가-퟿]+",
    r"\p{N}",
)


def splitter(*patterns: str) -> PreTokenizer:
    """Each pattern's matches become pieces, what lies between them others; the next pattern then
    splits those further. Pieces end up in GPT-2's writing of bytes."""
    steps: list[PreTokenizer] = [pre_tokenizers.Split(Regex(p), "isolated") for p in patterns]
    steps.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False))
    return pre_tokenizers.Sequence(steps)


def kimi() -> PreTokenizer:
    """That of tokenization_kimi.py, which comes with Kimi's weights."""
    return splitter(_KIMI)


def _gpt_2() -> PreTokenizer:
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


def _digits_first() -> PreTokenizer:
    digits = pre_tokenizers.Digits(individual_digits=True)
    return pre_tokenizers.Sequence([digits, _gpt_2()])


# By the names that llama.cpp gives them (src/llama-vocab.cpp).
BY_NAME = {
    **dict.fromkeys(("gpt-2", "olmo", "mpt"), _gpt_2),
    **dict.fromkeys(("smollm", "refact", "starcoder", "command-r"), _digits_first),
    **dict.fromkeys(("llama-bpe", "llama3", "llama-v3"), lambda: splitter(_LLAMA_3)),
    **dict.fromkeys(("qwen2", "deepseek-r1-qwen"), lambda: splitter(_QWEN_2)),
    "deepseek-llm": lambda: splitter(*_DEEPSEEK_2),
    "deepseek-v3": lambda: splitter(*_DEEPSEEK_3),
    "kimi-k2": kimi,
}
# Where a piece that is a token as a whole is taken without merging its bytes step by step.
WHOLE_PIECES = ("llama-bpe", "llama3", "llama-v3", "kimi-k2")
