"""Grammars that an answer has to follow, on llguidance: what may come next, token by token."""

from collections.abc import Sequence

import numpy as np
from llguidance import LLMatcher, LLParserLimits, LLTokenizer
from numpy.typing import NDArray

from engine.model.errors import GrammarError
from engine.model.tokenizer import Tokenizer

# A hostile schema costs no more than this: about 0.1 s to read, 20 MB, a few ms a token.
_LIMITS = LLParserLimits(
    initial_lexer_fuel=400_000,
    max_lexer_states=20_000,
    max_grammar_size=100_000,
    step_max_items=30_000,
    verbose_errors=False,  # they would quote the schema
)


class Grammars:
    """Reads grammars (llguidance's Lark) for one vocabulary."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        vocabulary = _Vocabulary(tokenizer)
        self._tokenizer = LLTokenizer(
            vocabulary,  # type: ignore[arg-type]  # asks for its own class, takes what is alike
            n_vocab=len(vocabulary.tokens),
            eos_token=sorted(tokenizer.ends),
        )

    def problem(self, grammar: str) -> str | None:
        """Why a grammar cannot be used, in one line; None where it can, or where only its middle
        turns out to be too complex."""
        message = LLMatcher.validate_grammar(grammar, self._tokenizer, limits=_LIMITS)
        if message and not message.startswith("WARNING"):
            return _first_line(message)
        try:
            self.constraint(grammar).begin()
        except GrammarError as error:
            return str(error)
        return None

    def constraint(self, grammar: str) -> "Constraint":
        """Raises GrammarError where it cannot be used."""
        return Constraint(LLMatcher(self._tokenizer, grammar, log_level=0, limits=_LIMITS))


class Constraint:
    """Where one answer is in its grammar."""

    def __init__(self, matcher: LLMatcher) -> None:
        self._matcher = matcher
        self._check()

    def begin(self) -> None:
        """GrammarError where nothing can come first."""
        self._matcher.compute_bitmask()
        self._check()

    def allows(self, token: int) -> bool:
        return self._matcher.validate_tokens([token]) == 1

    def only_allowed(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """`logits` [vocab] with -∞ for what may not come next. GrammarError: too complex."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        self._check()
        allowed = np.unpackbits(bits, count=len(logits), bitorder="little").view(bool)
        return np.where(allowed, logits, np.float32("-inf"))

    def take(self, token: int) -> None:
        """The token that came."""
        self._matcher.consume_token(token)
        self._check()

    @property
    def complete(self) -> bool:
        """Nothing more can come."""
        return self._matcher.is_stopped()

    def _check(self) -> None:
        if self._matcher.is_error():
            raise GrammarError(_first_line(self._matcher.get_error()))


class _Vocabulary:
    """What LLTokenizer asks of a tokenizer."""

    is_tokenizer_wrapper = True
    bos_token_id = None

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.eos_token_id = tokenizer.eos_token_id
        self.tokens: Sequence[bytes] = tokenizer.every_token()
        self.special_token_ids = sorted(tokenizer.special.values())
        self._encode = tokenizer.encode

    def __call__(self, text: bytes | str) -> list[int]:
        return self._encode(text if isinstance(text, str) else text.decode())


def _first_line(message: str) -> str:
    line = message.partition("\n")[0][:300]
    return "nothing can follow it" if line == "NoExtensionBias" else line
