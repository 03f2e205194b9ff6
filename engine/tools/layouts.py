"""The texts around a call, family by family.

An answer that calls is `opening`, calls with `separator` between them, `closing`; each call is
`before`, the tool's name, `between`, its arguments as JSON, `after`. Names of special tokens in
these texts stand for those tokens.
"""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """`numbered`: a colon and the call's number follow the name. `ids` is how the template wants
    calls of earlier turns to be named, `arguments_as_text` that it wants their JSON."""

    before: str
    between: str
    after: str
    opening: str = ""
    separator: str = ""
    closing: str = ""
    numbered: bool = False
    id_form: str = "call_{index}"
    arguments_as_text: bool = False


# NousResearch/Hermes-Function-Calling; Qwen2.5, Qwen3 and Granite 4 use the same.
HERMES = Layout(
    before='<tool_call>\n{"name": "',
    between='", "arguments": ',
    after="}\n</tool_call>",
    separator="\n",
)
# moonshotai/Kimi-K2-Instruct, docs/tool_call_guidance.md: ids count through the conversation.
KIMI = Layout(
    opening="<|tool_calls_section_begin|>",
    before="<|tool_call_begin|>functions.",
    between="<|tool_call_argument_begin|>",
    after="<|tool_call_end|>",
    closing="<|tool_calls_section_end|>",
    numbered=True,
    id_form="functions.{name}:{index}",
)
# mistral-common: version 3 and 7 of its tokenizers write a list, version 11 and later one by one.
# Their templates insist on ids of nine letters and digits.
MISTRAL_LIST = Layout(
    opening="[TOOL_CALLS][",
    before='{"name": "',
    between='", "arguments": ',
    after="}",
    separator=", ",
    closing="]",
    id_form="call{index:05d}",
)
MISTRAL = Layout(before="[TOOL_CALLS]", between="[ARGS]", after="", id_form="call{index:05d}")
# ibm-granite/granite-3.x: chat_template.jinja.
GRANITE = Layout(
    opening="<|tool_call|>[",
    before='{"name": "',
    between='", "arguments": ',
    after="}",
    separator=", ",
    closing="]",
)
# deepseek-ai/DeepSeek-V3-0324 and DeepSeek-V3.1: chat_template.jinja.
DEEPSEEK_3 = Layout(
    opening="<｜tool▁calls▁begin｜>",
    before="<｜tool▁call▁begin｜>function<｜tool▁sep｜>",
    between="\n```json\n",
    after="\n```<｜tool▁call▁end｜>",
    separator="\n",
    closing="<｜tool▁calls▁end｜>",
    arguments_as_text=True,
)
DEEPSEEK_3_1 = Layout(
    opening="<｜tool▁calls▁begin｜>",
    before="<｜tool▁call▁begin｜>",
    between="<｜tool▁sep｜>",
    after="<｜tool▁call▁end｜>",
    closing="<｜tool▁calls▁end｜>",
    arguments_as_text=True,
)


def layout_of(special: Collection[str], template: str) -> Layout | None:
    """How the model of a vocabulary and a chat template calls; None where it was not taught to."""
    if "tools" not in template:
        return None
    if "<|tool_calls_section_begin|>" in special:
        return KIMI
    if "<｜tool▁calls▁begin｜>" in special:
        return DEEPSEEK_3 if "```json" in template else DEEPSEEK_3_1
    if "[TOOL_CALLS]" in special:
        return MISTRAL if "[ARGS]" in special else MISTRAL_LIST
    if "<tool_call>" in template:
        return HERMES
    return GRANITE if "<|tool_call|>" in special else None
