"""What to paste into a tool so that it uses this server."""

import json
import shlex
from urllib.parse import urlsplit

KEY_PLACE = "bk-YOUR-KEY"


def base_url(page_url: str | None, fallback: str) -> str:
    """The gateway's address as the reader's own browser reaches this server."""
    parts = urlsplit(page_url or "")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return f"{fallback}/v1"
    return f"{parts.scheme}://{parts.netloc}/v1"


def curl(url: str, key: str, model: str) -> str:
    body = {"model": model, "messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 60}
    return (
        f"curl {shlex.quote(url + '/chat/completions')} \\\n"
        f"  -H {shlex.quote('Authorization: Bearer ' + key)} \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(json.dumps(body))}"
    )


def python(url: str, key: str, model: str) -> str:
    return f"""from openai import OpenAI  # pip install openai

client = OpenAI(base_url={json.dumps(url)}, api_key={json.dumps(key)})
answer = client.chat.completions.create(
    model={json.dumps(model)},
    messages=[{{"role": "user", "content": "Hello!"}}],
    max_tokens=60,
)
print(answer.choices[0].message.content, answer.usage)"""


def continue_yaml(url: str, key: str, model: str) -> str:
    """`~/.continue/config.yaml` of the Continue extension (VS Code, JetBrains)."""
    return f"""name: Breakeven
version: 1.0.0
schema: v1
models:
  - name: Breakeven
    provider: openai
    model: {json.dumps(model)}
    apiBase: {json.dumps(url)}
    apiKey: {json.dumps(key)}
    roles:
      - chat
      - edit"""


def cline(url: str, key: str, model: str) -> str:
    """The fields of the Cline extension's settings."""
    return f"""API Provider: OpenAI Compatible
Base URL:     {url}
API Key:      {key}
Model ID:     {model}"""


def models_check(url: str, key: str) -> str:
    """The cheapest test: lists the models, computes nothing."""
    return f"curl {shlex.quote(url + '/models')} -H {shlex.quote('Authorization: Bearer ' + key)}"
