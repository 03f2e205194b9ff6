"""The gateway's log: what it tells, and what nobody may find in it."""

import json
import logging
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionToolParam

from db.ids import id_to_text
from db.keys import create_key
from db.people import add_developer
from db.records import NewRequest
from db.settings import Settings
from engine.api.answer import EnergyTally, Finished
from engine.api.gateway_log import GatewayLog
from engine.api.source import Piece, Tally
from tests.conftest import make_home
from tests.engine.api.collector import Collector
from tests.engine.api.gateway import MODEL, Gateway, request_id, said, wait_until
from tests.product import ROOT

CANARY = "zyxcanary"
ENDPOINT = "/v1/chat/completions"


def lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def log_of(gateway: Gateway) -> Path:
    return gateway.service.settings.home / "gateway.log"


def line_of(gateway: Gateway, request: int) -> dict[str, Any]:
    """The line of a request that ended, once it is written."""

    def found() -> list[dict[str, Any]]:
        wanted = id_to_text(request)
        return [line for line in lines(log_of(gateway)) if line.get("request_id") == wanted]

    wait_until(lambda: bool(found()))
    (line,) = found()
    return line


def refusals(gateway: Gateway) -> list[dict[str, Any]]:
    return [line for line in lines(log_of(gateway)) if line["event"] == "request_refused"]


def test_an_ended_request_is_a_line_that_agrees_with_the_ledger(
    gateway: Gateway, client: openai.OpenAI
) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=said("Hello."), max_tokens=3)
    line = line_of(gateway, request_id(answer))
    row = gateway.row(request_id(answer))

    same = ("developer_id", "model", "engine", "endpoint", "streamed", "client", "status")
    counts = ("input_tokens", "cached_input_tokens", "output_tokens", "error_type")
    assert {name: line[name] for name in same + counts} == {
        name: row[name] for name in same + counts
    }
    assert line["event"] == "request_ended"
    assert line["level"] == "INFO"
    assert line["time"].endswith("+00:00")
    for name in ("duration_ms", "ttft_ms", "queue_ms"):
        assert line[name] == pytest.approx(row[name], abs=0.6)
    assert (line["energy_j"] is None) == (line["energy_basis"] is None)


def test_a_refused_request_is_a_line_that_says_why_and_whose(
    gateway: Gateway, client: openai.OpenAI
) -> None:
    before = len(refusals(gateway))
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="another", messages=said("Hi."))
    with pytest.raises(openai.AuthenticationError):
        gateway.client("bk-wrong").chat.completions.create(model=MODEL, messages=said("Hi."))
    httpx.get(f"{gateway.url}/v1/nothing")
    wait_until(lambda: len(refusals(gateway)) == before + 3)
    unknown_model, wrong_key, nowhere = refusals(gateway)[before:]

    same = {"event": "request_refused", "level": "INFO", "message": "A request was refused."}
    del unknown_model["time"], wrong_key["time"], nowhere["time"]
    assert unknown_model == same | {
        "status": 404,
        "error_type": "model_not_found",
        "endpoint": ENDPOINT,
        "developer_id": gateway.developer.id,
        "client": "openai-python",
    }
    assert wrong_key == same | {
        "status": 401,
        "error_type": "invalid_api_key",
        "endpoint": ENDPOINT,
        "developer_id": None,
        "client": "openai-python",
    }
    assert nowhere == same | {
        "status": 404,
        "error_type": "not_found",
        "endpoint": None,
        "developer_id": None,
        "client": "httpx",
    }


def test_the_products_warnings_are_lines_but_not_what_exceptions_say(gateway: Gateway) -> None:
    before = len(lines(log_of(gateway)))
    logging.getLogger("engine.somewhere").info("%s", CANARY)  # too small a matter
    try:
        raise ValueError(f"cannot understand {CANARY!r}")
    except ValueError:
        logging.getLogger("engine.somewhere").exception("Unexpected error %s", "12ab")
    wait_until(lambda: len(lines(log_of(gateway))) > before)
    line = lines(log_of(gateway))[-1]

    assert (line["level"], line["event"]) == ("ERROR", "message")
    assert line["message"] == "Unexpected error 12ab"
    assert line["logger"] == "engine.somewhere"
    assert line["exception"] == "ValueError"
    assert __file__ in line["traceback"][0]
    assert CANARY not in log_of(gateway).read_text()


def test_the_terminal_shows_warnings_as_before(tmp_path: Path) -> None:
    """Streamlit sets up no logging, so Python itself prints what nobody handles."""
    program = (
        "import logging; from pathlib import Path\n"
        "from engine.api.gateway_log import GatewayLog\n"
        f"log = GatewayLog(Path({str(tmp_path / 'gateway.log')!r})); log.start()\n"
        "logging.getLogger('engine.somewhere').error('It rains.')\n"
        "log.stop()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr == "It rains.\n"
    assert [line["message"] for line in lines(tmp_path / "gateway.log")] == ["It rains."]


@pytest.mark.slow
def test_a_stream_that_the_ledger_refused_is_told_as_refused(home: Path) -> None:
    """Its HTTP status is out as 200 already; the ledger gives up later."""
    gateway = Gateway(Settings(home=home, threads=2))
    with sqlite3.connect(gateway.service.ledger.path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        stream = gateway.client().chat.completions.create(
            model=MODEL, messages=said("Hi."), max_tokens=2, stream=True
        )
        with pytest.raises(openai.APIError):
            list(stream)
        other.execute("ROLLBACK")
    wait_until(lambda: bool(refusals(gateway)))
    (line,) = refusals(gateway)
    page = httpx.get(f"{gateway.url}/metrics").text
    gateway.stop()

    assert stream.response.status_code == 200
    assert (line["status"], line["error_type"]) == (503, "ledger_unavailable")
    assert line["developer_id"] == gateway.developer.id
    assert 'breakeven_refused_requests_total{status="503"} 1.0' in page


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    running = Collector()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def watched(
    collector: Collector, tmp_path_factory: pytest.TempPathFactory, weights_dir: Path
) -> Iterator[Gateway]:
    """A gateway that tells all it can: log, metrics, and spans to a collector."""
    home = make_home(tmp_path_factory.mktemp("watched") / "home", weights_dir)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        running = Gateway(Settings(home=home, threads=2))
    yield running
    running.stop()


def test_nothing_of_a_request_or_an_answer_is_told(watched: Gateway, collector: Collector) -> None:
    """A word goes in wherever a client can put one, and comes back where a model can say it."""
    name = f"{CANARY} the developer"
    developer = add_developer(watched.service.database, name, actor="tests")
    key = create_key(watched.service.database, developer.id, "tests", actor="tests")[1]
    client = watched.client(key)
    asked = said(f"Please say {CANARY}.")
    schema: dict[str, object] = {
        "type": "object",
        "properties": {"said": {"enum": [CANARY]}},
        "required": ["said"],
    }
    form: Any = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    echo = client.chat.completions.create(
        model=MODEL,
        messages=asked,
        max_tokens=60,
        response_format=form,
        user=CANARY,
        extra_body={CANARY: CANARY, "metadata": {"a": CANARY}},
        extra_headers={"x-anything": CANARY, "tracestate": f"a={CANARY}", "cookie": CANARY},
    )
    assert CANARY in str(echo.choices[0].message.content)
    tool: ChatCompletionToolParam = {
        "type": "function",
        "function": {"name": "say", "description": CANARY, "parameters": schema},
    }
    called = client.chat.completions.create(
        model=MODEL, messages=asked, max_tokens=60, tools=[tool], tool_choice="required"
    )
    assert CANARY in str(called.choices[0].message.tool_calls)
    messages = anthropic.Anthropic(base_url=watched.url, api_key=key, max_retries=0)
    message = messages.messages.create(
        model=MODEL, max_tokens=3, system=CANARY, messages=[{"role": "user", "content": CANARY}]
    )
    bodies = [
        f"{{{CANARY}",
        f'"{CANARY}"',
        json.dumps({"model": CANARY, "messages": asked}),
        json.dumps({"model": MODEL, "messages": CANARY}),
        json.dumps({"model": MODEL, "messages": [{"role": CANARY, "content": CANARY}]}),
        json.dumps({"model": MODEL, "messages": asked, "temperature": CANARY}),
        json.dumps({"model": MODEL, "messages": asked, "max_tokens": 0, CANARY: CANARY}),
        json.dumps({"model": MODEL, "messages": asked, "response_format": {"type": CANARY}}),
        json.dumps({"model": MODEL, "messages": [{"role": "user", "content": CANARY * 20_000}]}),
    ]
    for path in (ENDPOINT, "/v1/messages", f"/v1/{CANARY}", f"/v1/models/{CANARY}?{CANARY}=1"):
        for bearer in (key, f"bk-{CANARY}"):
            headers = {"authorization": f"Bearer {bearer}"}
            for body in bodies:
                url = f"{watched.url}{path}"
                assert httpx.post(url, headers=headers, content=body).status_code >= 400

    refused = 4 * 2 * len(bodies)
    wait_until(lambda: len(refusals(watched)) == refused)
    line_of(watched, int(message.id.removeprefix("msg_"), 16))
    wait_until(lambda: len(collector.spans()) == 3)
    told = {
        "gateway.log": log_of(watched).read_text(),
        "worker.log": (log_of(watched).parent / "worker.log").read_text(),
        "metrics": httpx.get(f"{watched.url}/metrics").text,
        "spans": str(collector.received),
    }
    for where, content in told.items():
        assert CANARY not in content, where
        assert key not in content, where
        assert key[:12] not in content, where


def test_requests_cut_by_the_gateways_stop_are_lines_too(home: Path) -> None:
    gateway = Gateway(Settings(home=home, threads=2))
    stream = gateway.client().chat.completions.create(
        model=MODEL,
        messages=said("Tell me a story."),
        max_tokens=2000,
        temperature=2.0,
        stream=True,
    )
    first = next(stream)
    gateway.stop()
    line = line_of(gateway, request_id(first))
    assert line["status"] == "interrupted"
    assert line["error_type"] == "gateway_stopped"


def test_a_disk_that_hangs_holds_up_no_request(home: Path) -> None:
    """Opening a pipe that nobody reads blocks the writer, as a dead network disk would."""
    os.mkfifo(home / "gateway.log")
    gateway = Gateway(Settings(home=home, threads=2))
    client = gateway.client()
    for _ in range(3):
        began = time.monotonic()
        client.chat.completions.create(model=MODEL, messages=said("Hi."), max_tokens=1)
        assert time.monotonic() - began < 5
    began = time.monotonic()
    gateway.stop()
    assert time.monotonic() - began < 7

    written: list[str] = []
    reader = threading.Thread(
        target=lambda: written.extend((home / "gateway.log").open().readlines())
    )
    reader.start()
    reader.join(10)
    assert [json.loads(line)["event"] for line in written] == ["request_ended"] * 3


def test_the_log_takes_five_files_of_ten_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "gateway.log"
    finished = Finished("ok", [Piece()], Tally(3), 1.0, None, 0, None)
    for number in range(7):
        path.write_text(f"old {number}\n".ljust(10_000_000))
        log = GatewayLog(path)
        log.start()
        row = NewRequest(number, 0, 1, "ada", None, MODEL, "embedded", ENDPOINT, False, 3)
        log.request_over(row, finished, EnergyTally())
        log.stop()
        assert lines(path)[0]["request_id"] == id_to_text(number)

    kept = sorted(file.name for file in tmp_path.iterdir())
    assert kept == ["gateway.log", *(f"gateway.log.{age}" for age in range(1, 5))]
    assert (tmp_path / "gateway.log.1").read_text().startswith("old 6")
