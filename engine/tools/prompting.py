"""Tools put into words, for models whose chat template has no place for them.

The words are those of the Hermes layout, which small models have seen most.
"""

import json
from collections.abc import Sequence
from typing import Any

from engine.tools.tool import Tool

_TOLD = """\
You can call these functions, one JSON schema a line:
<tools>
{tools}
</tools>
To call one, answer with its name and its arguments as JSON:
<tool_call>
{{"name": "function", "arguments": {{"argument": "value"}}}}
</tool_call>"""


def in_words(messages: Sequence[dict[str, Any]], tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """The chat with nothing in it but system, user and assistant messages of text."""
    chat: list[dict[str, Any]] = []
    for message in messages:
        if message["role"] == "tool" and chat and chat[-1].get("results"):
            chat[-1]["content"] += "\n" + _result(message)  # templates want the roles in turns
        else:
            chat.append(_plain(message))
    for message in chat:
        message.pop("results", None)
    if not tools:
        return chat
    told = _TOLD.format(tools="\n".join(_json(tool.for_template()) for tool in tools))
    if chat and chat[0]["role"] == "system":
        chat[0]["content"] += "\n\n" + told
    else:
        chat.insert(0, {"role": "system", "content": told})
    return chat


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    if message["role"] == "tool":
        return {"role": "user", "content": _result(message), "results": True}
    text = message["content"]
    calls = [
        f"<tool_call>\n{_json(call['function'])}\n</tool_call>"
        for call in message.get("tool_calls", ())
    ]
    return {"role": message["role"], "content": "\n".join(filter(None, [text, *calls]))}


def _result(message: dict[str, Any]) -> str:
    return f"<tool_response>\n{message['content']}\n</tool_response>"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
