"""What each family's model writes when it calls, as their own documents show it.

Hermes: NousResearch/Hermes-Function-Calling. Kimi: docs/tool_call_guidance.md of Kimi-K2. Mistral:
mistral-common's tokenizers of version 3 and 11. Granite: granite-3.1's model card. DeepSeek: the
chat templates of V3-0324 and V3.1.
"""

from dataclasses import dataclass

from engine.tools import layouts
from engine.tools.layouts import Layout


@dataclass(frozen=True)
class Family:
    """`written` calls weather({"city": "Paris"}), then add({"a": 1, "b": [2, {}]})."""

    name: str
    layout: Layout
    special: tuple[str, ...]
    written: str


FAMILIES = [
    Family(
        "Hermes, Qwen",
        layouts.HERMES,
        (),
        '<tool_call>\n{"name": "weather", "arguments": {"city": "Paris"}}\n</tool_call>\n'
        '<tool_call>\n{"name": "add", "arguments": {"a": 1, "b": [2, {}]}}\n</tool_call>',
    ),
    Family(
        "Kimi K2",
        layouts.KIMI,
        (
            "<|tool_calls_section_begin|>",
            "<|tool_calls_section_end|>",
            "<|tool_call_begin|>",
            "<|tool_call_argument_begin|>",
            "<|tool_call_end|>",
        ),
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.weather:0"
        '<|tool_call_argument_begin|>{"city": "Paris"}<|tool_call_end|><|tool_call_begin|>'
        'functions.add:1<|tool_call_argument_begin|>{"a": 1, "b": [2, {}]}<|tool_call_end|>'
        "<|tool_calls_section_end|>",
    ),
    Family(
        "Mistral, version 3",
        layouts.MISTRAL_LIST,
        ("[TOOL_CALLS]",),
        '[TOOL_CALLS][{"name": "weather", "arguments": {"city": "Paris"}}, '
        '{"name": "add", "arguments": {"a": 1, "b": [2, {}]}}]',
    ),
    Family(
        "Mistral, version 11",
        layouts.MISTRAL,
        ("[TOOL_CALLS]", "[ARGS]"),
        '[TOOL_CALLS]weather[ARGS]{"city": "Paris"}[TOOL_CALLS]add[ARGS]{"a": 1, "b": [2, {}]}',
    ),
    Family(
        "Granite 3",
        layouts.GRANITE,
        ("<|tool_call|>",),
        '<|tool_call|>[{"name": "weather", "arguments": {"city": "Paris"}}, '
        '{"name": "add", "arguments": {"a": 1, "b": [2, {}]}}]',
    ),
    Family(
        "DeepSeek V3",
        layouts.DEEPSEEK_3,
        (
            "<｜tool▁calls▁begin｜>",
            "<｜tool▁calls▁end｜>",
            "<｜tool▁call▁begin｜>",
            "<｜tool▁call▁end｜>",
            "<｜tool▁sep｜>",
        ),
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n```json\n"
        '{"city": "Paris"}\n```<｜tool▁call▁end｜>\n'
        "<｜tool▁call▁begin｜>function<｜tool▁sep｜>add\n"
        '```json\n{"a": 1, "b": [2, {}]}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    ),
    Family(
        "DeepSeek V3.1",
        layouts.DEEPSEEK_3_1,
        (
            "<｜tool▁calls▁begin｜>",
            "<｜tool▁calls▁end｜>",
            "<｜tool▁call▁begin｜>",
            "<｜tool▁call▁end｜>",
            "<｜tool▁sep｜>",
        ),
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁sep｜>"
        '{"city": "Paris"}<｜tool▁call▁end｜><｜tool▁call▁begin｜>add<｜tool▁sep｜>'
        '{"a": 1, "b": [2, {}]}<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    ),
]
