"""Snippets can be pasted as they are."""

import json
import shlex
import textwrap

import pytest
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


def test_the_continue_file_names_address_key_and_model() -> None:
    lines = [line.strip() for line in snippets.continue_yaml(URL, KEY, MODEL).splitlines()]
    assert f'apiBase: "{URL}"' in lines
    assert f'apiKey: "{KEY}"' in lines
    assert f'model: "{MODEL}"' in lines
