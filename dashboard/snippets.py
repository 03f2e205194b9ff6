"""What to paste into a tool so that it uses this server."""

import json
import shlex
from urllib.parse import urlsplit

KEY_PLACE = "bk-YOUR-KEY"
MODEL_PLACE = "the-models-name"
CODEX_KEY = "BREAKEVEN_API_KEY"  # the environment variable that Codex is told to look in


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


def anthropic_python(url: str, key: str, model: str) -> str:
    return f"""from anthropic import Anthropic  # pip install anthropic

client = Anthropic(base_url={json.dumps(_root(url))}, auth_token={json.dumps(key)})
answer = client.messages.create(
    model={json.dumps(model)},
    messages=[{{"role": "user", "content": "Hello!"}}],
    max_tokens=60,
)
print(answer.content[0].text, answer.usage)"""


def claude_code(url: str, key: str, model: str) -> str:
    """Its environment. It puts /v1 behind the address itself."""
    variables = {
        "ANTHROPIC_BASE_URL": _root(url),
        "ANTHROPIC_AUTH_TOKEN": key,
        "ANTHROPIC_MODEL": model,
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": model,  # what it asks for titles and searches
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join([*lines, "claude"])


def codex_toml(url: str, model: str, context: int | None) -> str:
    """`~/.codex/config.toml`. With the context's length in tokens it compacts in time."""
    window = "" if context is None else f"model_context_window = {context}\n"
    return f"""model = {_quoted(model)}
model_provider = "breakeven"
{window}
[model_providers.breakeven]
name = "Breakeven"
base_url = {_quoted(url)}
env_key = "{CODEX_KEY}"
wire_api = "responses"
"""


def codex_key(key: str) -> str:
    return f"export {CODEX_KEY}={shlex.quote(key)}\ncodex"


def opencode_json(url: str, key: str, model: str, context: int | None) -> str:
    """`opencode.json` of a project, or the user's own."""
    entry: dict[str, object] = {"name": model}
    if context is not None:
        entry["limit"] = {"context": context, "output": context // 4}
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "Breakeven",
        "options": {"baseURL": url, "apiKey": key},
        "models": {model: entry},
    }
    config = {
        "$schema": "https://opencode.ai/config.json",
        "model": f"breakeven/{model}",
        "small_model": f"breakeven/{model}",
        "provider": {"breakeven": provider},
    }
    return json.dumps(config, indent=2, ensure_ascii=False)


def _root(url: str) -> str:
    """The address without /v1, as Anthropic's clients want it."""
    return url.removesuffix("/v1")


def _quoted(text: str) -> str:
    """A basic string of TOML, which knows JSON's escapes but no pairs of surrogates."""
    return json.dumps(text, ensure_ascii=False)
