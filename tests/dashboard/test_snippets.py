"""Snippets can be pasted as they are."""

import json
import shlex
import subprocess
import textwrap
import tomllib

import pytest
from anthropic import Anthropic
from openai import OpenAI

from dashboard import snippets

URL, KEY, MODEL = "http://gpu-box:8501/v1", "bk-secret", "smollm2-moe"


def test_the_address_is_the_one_in_the_readers_browser() -> None:
    assert snippets.base_url("https://ai.example.org:444/connect", "x") == (
        "https://ai.example.org:444/v1"
    )


@pytest.mark.parametrize("page_url", [None, "", "javascript:alert(1)"])
def test_without_a_usable_page_address_it_is_this_machines(page_url: str | None) -> None:
    assert snippets.base_url(page_url, "http://localhost:8501") == "http://localhost:8501/v1"


def test_the_curl_command_survives_the_shell_with_quotes_in_it() -> None:
    words = shlex.split(snippets.curl(URL, "bk-it's", MODEL).replace("\\\n", " "))
    assert words[:2] == ["curl", f"{URL}/chat/completions"]
    assert "Authorization: Bearer bk-it's" in words
    assert json.loads(words[-1])["model"] == MODEL


def test_the_python_snippet_makes_a_client_for_this_server() -> None:
    code = snippets.python(URL, KEY, MODEL)
    scope: dict[str, object] = {}
    exec(textwrap.dedent(code.split("answer =")[0]), scope)
    client = scope["client"]
    assert isinstance(client, OpenAI)
    assert str(client.base_url) == f"{URL}/"


def environment(exports: str) -> dict[str, str]:
    """What the shell makes of a snippet's `export` lines."""
    lines = "\n".join(line for line in exports.splitlines() if line.startswith("export "))
    done = subprocess.run(
        ["/usr/bin/env", "-i", "/bin/sh", "-c", f"{lines}\n/usr/bin/env"],
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def test_claude_codes_variables_make_anthropics_client_for_this_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    variables = environment(snippets.claude_code(URL, "bk-it's", "Team/Big MoE"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    client = Anthropic()
    assert client.base_url == "http://gpu-box:8501"
    assert client.auth_headers == {"Authorization": "Bearer bk-it's"}
    assert variables["ANTHROPIC_MODEL"] == variables["ANTHROPIC_DEFAULT_HAIKU_MODEL"]
    assert variables["ANTHROPIC_MODEL"] == "Team/Big MoE"


def test_the_snippet_for_anthropics_python_makes_its_client() -> None:
    scope: dict[str, object] = {}
    exec(snippets.anthropic_python(URL, KEY, MODEL).split("answer =")[0], scope)
    client = scope["client"]
    assert isinstance(client, Anthropic)
    assert client.base_url == "http://gpu-box:8501"
    assert client.auth_headers == {"Authorization": f"Bearer {KEY}"}


@pytest.mark.parametrize("model", [MODEL, 'a"b\\c', "模型-🚀"])
def test_codexs_file_is_toml_that_names_this_server(model: str) -> None:
    config = tomllib.loads(snippets.codex_toml(URL, model, 32_768))
    provider = config["model_providers"][config["model_provider"]]
    assert (config["model"], config["model_context_window"]) == (model, 32_768)
    assert (provider["base_url"], provider["wire_api"]) == (URL, "responses")
    assert environment(snippets.codex_key("bk-it's"))[provider["env_key"]] == "bk-it's"


def test_a_context_that_is_not_known_is_not_told_to_codex() -> None:
    assert "model_context_window" not in tomllib.loads(snippets.codex_toml(URL, MODEL, None))


def test_opencodes_file_is_json_whose_model_is_its_providers() -> None:
    config = json.loads(snippets.opencode_json(URL, KEY, MODEL, 32_768))
    provider, _, model = config["model"].partition("/")
    assert config["provider"][provider]["options"] == {"baseURL": URL, "apiKey": KEY}
    assert config["provider"][provider]["models"][model]["limit"]["context"] == 32_768


def test_the_continue_file_names_address_key_and_model() -> None:
    lines = [line.strip() for line in snippets.continue_yaml(URL, KEY, MODEL).splitlines()]
    assert f'apiBase: "{URL}"' in lines
    assert f'apiKey: "{KEY}"' in lines
    assert f'model: "{MODEL}"' in lines
