"""Which tool a request came from, as a short name fit for a table."""

import re

from starlette.datastructures import Headers

_LONGEST = 40
# A part of the User-Agent → the name shown. The first that fits is taken.
_KNOWN = {
    "openai/python": "openai-python",
    "asyncopenai/python": "openai-python",
    "openai/js": "openai-node",
    "asyncopenai/js": "openai-node",
    "claude-cli": "claude-code",
    "anthropic/python": "anthropic-python",
    "asyncanthropic/python": "anthropic-python",
    "anthropic/js": "anthropic-node",
    "continue": "continue",
    "cline": "cline",
    "roo-code": "roo-code",
    "zed": "zed",
    "aider": "aider",
    "codex": "codex",
    "litellm": "litellm",
    "langchain": "langchain",
    "python-httpx": "httpx",
    "python-requests": "requests",
    "curl": "curl",
    "mozilla": "browser",
}
_PRODUCT = re.compile(r"[a-z0-9][a-z0-9._-]*")


def client_name(headers: Headers) -> str | None:
    """The tool's name: X-Title where the tool sets it, else from the User-Agent; None: unknown."""
    for text in (headers.get("x-title", ""), headers.get("user-agent", "")):
        text = text.strip().lower()
        for part, name in _KNOWN.items():
            if text.startswith(part) or f" {part}" in text:
                return name
        if product := _PRODUCT.match(text.replace(" ", "-").partition("/")[0]):
            return product[0][:_LONGEST]
    return None
