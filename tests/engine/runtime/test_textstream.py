from hypothesis import given
from hypothesis import strategies as st

from engine.model.tokenizer import Tokenizer
from engine.runtime.textstream import TextStream


def streamed(tokenizer: Tokenizer, text: str, stop: list[str]) -> tuple[list[str], bool]:
    stream = TextStream(tokenizer, stop)
    pieces = []
    for token in tokenizer.encode(text):
        pieces.append(stream.add(token))
        if stream.stopped_by is not None:
            return pieces, True
    return [*pieces, stream.finish()], stream.stopped_by is not None


def test_text_ends_before_a_stop_string(tokenizer: Tokenizer) -> None:
    pieces, stopped = streamed(tokenizer, "one two three four", [" three"])
    assert ("".join(pieces), stopped) == ("one two", True)


def test_the_stop_string_that_comes_first_counts(tokenizer: Tokenizer) -> None:
    pieces, _ = streamed(tokenizer, "a b c d e", [" d", " b"])
    assert "".join(pieces) == "a"


def test_what_could_become_a_stop_string_is_held_back_and_then_shown(tokenizer: Tokenizer) -> None:
    stream = TextStream(tokenizer, ["\n\nUser:"])
    first, second = tokenizer.encode("\n\n")[0], tokenizer.encode("Hello")[0]
    assert stream.add(first) == ""
    assert stream.add(second).startswith("\n")


def test_what_was_held_back_is_shown_at_the_end(tokenizer: Tokenizer) -> None:
    pieces, stopped = streamed(tokenizer, "yes STO", ["STOP"])
    assert ("".join(pieces), stopped) == ("yes STO", False)


@given(
    st.text("ab\n é👩", max_size=30),
    st.lists(st.text("ab\n é", min_size=1, max_size=3), max_size=3),
)
def test_streamed_text_is_what_cutting_the_whole_would_give(
    tokenizer: Tokenizer, text: str, stop: list[str]
) -> None:
    pieces, stopped = streamed(tokenizer, text, stop)
    # The first to be complete wins, and of two that end together the longer.
    ends = [(text.find(s) + len(s), text.find(s)) for s in stop if s in text]
    assert stopped == bool(ends)
    assert "".join(pieces) == (text[: min(ends)[1]] if ends else text)
