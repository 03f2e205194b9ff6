"""Items and events of a response, for answers that the default model never gives."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import ResponseOutputItem, ResponseStreamEvent
from pydantic import TypeAdapter

from engine.api.openai.responses_output import Output
from engine.api.openai.responses_tools import Offer
from engine.api.source import Piece
from engine.tools.tool import Argued, Called, Part, Said, Thought, Tool

EVENT, ITEM = TypeAdapter[Any](ResponseStreamEvent), TypeAdapter[Any](ResponseOutputItem)
OFFERS = {
    "f": Offer(Tool("f"), "function", "f", None, ""),
    "s__g": Offer(Tool("s__g"), "custom", "g", "s", ""),
}


def told(*parts: Part, reason: str = "stop") -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The events of an answer, part by part, and its items; both as the vendor's types say."""
    output = Output("1", OFFERS, with_logprobs=False)
    pieces = [Piece(parts=[part]) for part in parts] + [Piece(finish_reason=reason)]
    events = [
        {"type": name, "sequence_number": 0, **content}
        for piece in pieces
        for name, content in output.events(piece)
    ]
    for event in events:
        EVENT.validate_python(event)
    for item in output.told():
        ITEM.validate_python(item)
    return events, output.told()


def deltas(events: list[dict[str, Any]], name: str) -> list[str]:
    return [event["delta"] for event in events if event["type"] == f"response.{name}.delta"]


def test_thoughts_text_and_calls_are_items_of_their_own() -> None:
    events, items = told(
        Thought("Hm"), Thought("m."), Said("See: "), Called("f"), Argued('{"a"'), Argued(": 1}")
    )

    assert [item["type"] for item in items] == ["reasoning", "message", "function_call"]
    assert all(item["status"] == "completed" for item in items)
    assert items[0]["summary"] == []
    assert items[0]["content"] == [{"type": "reasoning_text", "text": "Hmm."}]
    assert items[1]["content"][0]["text"] == "See: "
    assert items[2]["arguments"] == '{"a": 1}'
    assert deltas(events, "reasoning_text") == ["Hm", "m."]
    added = [e for e in events if e["type"] == "response.output_item.added"]
    done = [e for e in events if e["type"] == "response.output_item.done"]
    assert [event["output_index"] for event in added] == [0, 1, 2]
    assert [event["item"] for event in done] == items


def test_what_a_limit_cuts_off_is_incomplete() -> None:
    _, items = told(Said("See"), Called("f"), Argued('{"a'), reason="length")
    assert [item["status"] for item in items] == ["completed", "incomplete"]


def test_an_answer_without_anything_is_an_empty_message() -> None:
    _, (item,) = told()
    assert (item["type"], item["content"][0]["text"]) == ("message", "")


def test_a_call_of_an_unknown_tool_is_told_as_it_was_written() -> None:
    _, (item,) = told(Called("h"), Argued("{}"))
    assert (item["type"], item["name"], item["arguments"]) == ("function_call", "h", "{}")


def cut(text: str, places: list[int]) -> Iterator[str]:
    ends = sorted({place % (len(text) + 1) for place in places} | {0, len(text)})
    for start, end in itertools.pairwise(ends):
        yield text[start:end]


@settings(deadline=None)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('"\\\n'), max_size=30),
    ascii_only=st.booleans(),
    places=st.lists(st.integers(0, 500), max_size=20),
)
def test_a_custom_tools_input_is_read_wherever_its_json_is_cut(
    text: str, ascii_only: bool, places: list[int]
) -> None:
    written = json.dumps({"input": text}, ensure_ascii=ascii_only)
    events, (item,) = told(Called("s__g"), *map(Argued, cut(written, places)))

    assert "".join(deltas(events, "custom_tool_call_input")) == text
    assert (item["input"], item["name"], item["namespace"]) == (text, "g", "s")
