"""Calls are read out of every family's text, however it comes in pieces."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.tools.harmony import HarmonyReader
from engine.tools.layouts import HERMES
from engine.tools.reader import CallReader, Reader
from engine.tools.tool import Argued, Called, Part, Said, Thought
from tests.engine.tools.families import FAMILIES, Family

CALLS = [("weather", {"city": "Paris"}), ("add", {"a": 1, "b": [2, {}]})]


def read(reader: Reader, text: str, chance: random.Random | None = None) -> list[Part]:
    """What a reader makes of a text, whole or in pieces of 1 to 7 characters."""
    parts: list[Part] = []
    at = 0
    while at < len(text):
        step = chance.randint(1, 7) if chance else len(text)
        parts += reader.add(text[at : at + step])
        at += step
    return parts + reader.finish()


def said(parts: list[Part]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Said))


def called(parts: list[Part]) -> list[tuple[str, object]]:
    calls: list[tuple[str, str]] = []
    for part in parts:
        if isinstance(part, Called):
            calls.append((part.name, ""))
        elif isinstance(part, Argued):
            calls[-1] = (calls[-1][0], calls[-1][1] + part.text)
    return [(name, json.loads(arguments)) for name, arguments in calls]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@given(chance=st.randoms(use_true_random=False))
def test_a_familys_calls_are_read_in_any_pieces(family: Family, chance: random.Random) -> None:
    parts = read(CallReader(family.layout), "I will look.\n" + family.written, chance)
    assert said(parts) == "I will look."
    assert called(parts) == CALLS


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_arguments_are_told_as_they_come(family: Family) -> None:
    reader = CallReader(family.layout)
    start = family.written.index("Par")
    parts = reader.add(family.written[: start + 1]) + reader.add(family.written[start + 1])
    assert parts[0] == Called("weather")
    assert said(parts) == ""
    assert "".join(p.text for p in parts if isinstance(p, Argued)) == '{"city": "Pa'


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@given(text=st.text("ab \n<>|[]{}_tol", max_size=30), chance=st.randoms(use_true_random=False))
def test_text_without_calls_stays_what_it_is(
    family: Family, text: str, chance: random.Random
) -> None:
    parts = read(CallReader(family.layout), text, chance)
    assert said(parts).rstrip() == text.rstrip()
    assert called(parts) == []


@pytest.mark.parametrize(
    "arguments",
    ['{"a": "}"}', '{"a": "\\"}"}', '{"a": "\\\\"}', '{"a": [{"b": "]"}, "{"]}', "{}"],
)
def test_braces_in_strings_do_not_end_the_arguments(arguments: str) -> None:
    text = f'<tool_call>\n{{"name": "f", "arguments": {arguments}}}\n</tool_call>'
    parts = read(CallReader(HERMES), text)
    assert called(parts) == [("f", json.loads(arguments))]


def test_a_call_that_is_cut_off_keeps_what_there_is() -> None:
    parts = read(CallReader(HERMES), '<tool_call>\n{"name": "f", "arguments": {"a": [1, 2')
    assert parts[0] == Called("f")
    assert "".join(p.text for p in parts if isinstance(p, Argued)) == '{"a": [1, 2'


def test_what_only_begins_like_a_call_is_told_in_the_end() -> None:
    assert said(read(CallReader(HERMES), "see <tool_ca")) == "see <tool_ca"
    half = '<tool_call>\n{"name": "wea'
    assert said(read(CallReader(HERMES), half)) == half


HARMONY = (
    "<|channel|>analysis<|message|>The user wants weather.<|end|><|start|>assistant"
    "<|channel|>commentary<|message|>I will look.<|end|><|start|>assistant"
    '<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{"city": "Paris"}'
)


@given(chance=st.randoms(use_true_random=False))
def test_harmonys_channels_are_told_apart(chance: random.Random) -> None:
    parts = read(HarmonyReader(), HARMONY, chance)
    thought = "".join(part.text for part in parts if isinstance(part, Thought))
    assert thought == "The user wants weather."
    assert said(parts) == "I will look."
    assert called(parts) == CALLS[:1]


def test_harmonys_recipient_may_come_before_the_channel() -> None:
    text = ' to=functions.weather<|channel|>commentary json<|message|>{"city": "Paris"}'
    assert called(read(HarmonyReader(), text)) == CALLS[:1]


def test_a_harmony_answer_without_any_header_is_told() -> None:
    assert said(read(HarmonyReader(), "Hello there")) == "Hello there"
