"""Spans as an OpenTelemetry collector gets them, against what client and ledger were told."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from anthropic import Anthropic
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from db.ids import id_from_text
from db.settings import Settings
from tests.conftest import make_home
from tests.engine.api.collector import Collector, attributes, plain
from tests.engine.api.gateway import MODEL, Gateway, request_id, said, wait_until
from tests.product import ROOT, free_port

NS_PER_MS = 1_000_000


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    running = Collector()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def traced(
    collector: Collector, tmp_path_factory: pytest.TempPathFactory, weights_dir: Path
) -> Iterator[Gateway]:
    """A gateway that sends its spans to the collector every fifth of a second."""
    home = make_home(tmp_path_factory.mktemp("traced") / "home", weights_dir)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        running = Gateway(Settings(home=home, threads=2))
    yield running
    running.stop()


def check(span: Span, row: dict[str, Any]) -> None:
    """Whatever is on the ledger, too, is the same there."""
    told = attributes(span)
    assert span.name == f"chat {MODEL}"
    assert span.kind == Span.SPAN_KIND_SERVER
    assert span.start_time_unix_nano == row["started_at"] * NS_PER_MS
    assert span.end_time_unix_nano == row["finished_at"] * NS_PER_MS
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.provider.name"] == "breakeven"
    assert told["gen_ai.request.model"] == told["gen_ai.response.model"] == row["model"]
    assert told["gen_ai.request.stream"] == bool(row["streamed"])
    assert told["gen_ai.usage.input_tokens"] == row["input_tokens"]
    assert told["gen_ai.usage.cache_read.input_tokens"] == row["cached_input_tokens"]
    assert told["gen_ai.usage.output_tokens"] == row["output_tokens"]
    assert told["breakeven.engine"] == row["engine"] == "embedded"
    assert told["breakeven.status"] == row["status"]


def test_a_plain_answers_span_says_what_its_client_was_told(
    traced: Gateway, collector: Collector
) -> None:
    answer = traced.client().chat.completions.create(
        model=MODEL, messages=said("Say hello."), max_tokens=5, n=2
    )
    span = collector.span_of(request_id(answer))

    check(span, traced.row(request_id(answer)))
    told = attributes(span)
    assert answer.usage is not None
    assert told["gen_ai.response.id"] == answer.id
    assert told["gen_ai.usage.input_tokens"] == answer.usage.prompt_tokens
    assert told["gen_ai.usage.output_tokens"] == answer.usage.completion_tokens
    assert told["gen_ai.response.finish_reasons"] == [
        choice.finish_reason for choice in answer.choices
    ]
    assert "error.type" not in told
    assert span.status.code == Status.STATUS_CODE_UNSET
    assert span.parent_span_id == b""


def test_a_streamed_answers_span_belongs_to_its_clients_trace(
    traced: Gateway, collector: Collector
) -> None:
    trace_id, parent_id = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    chunks = list(
        traced.client().chat.completions.create(
            model=MODEL,
            messages=said("Tell me a story."),
            max_tokens=300,  # long enough for an energy window
            stream=True,
            stream_options={"include_usage": True},
            extra_headers={"traceparent": f"00-{trace_id}-{parent_id}-01"},
        )
    )
    span = collector.span_of(request_id(chunks[0]))

    assert span.trace_id.hex() == trace_id
    assert span.parent_span_id.hex() == parent_id
    check(span, traced.row(request_id(chunks[0])))
    told, usage = attributes(span), chunks[-1].usage
    assert usage is not None
    assert usage.prompt_tokens_details is not None
    assert told["gen_ai.response.id"] == chunks[0].id
    assert told["gen_ai.usage.input_tokens"] == usage.prompt_tokens
    assert told["gen_ai.usage.output_tokens"] == usage.completion_tokens
    assert told["gen_ai.usage.cache_read.input_tokens"] == usage.prompt_tokens_details.cached_tokens
    assert told["gen_ai.response.finish_reasons"] == [chunks[-2].choices[0].finish_reason]
    energy: Any = (chunks[-2].model_extra or {})["breakeven"]
    assert told["breakeven.energy_j"] == energy["energy_j"] > 0
    assert told["breakeven.energy_basis"] == energy["energy_basis"]


def test_a_trace_parent_that_makes_no_sense_costs_nothing(
    traced: Gateway, collector: Collector
) -> None:
    answer = traced.client().chat.completions.create(
        model=MODEL,
        messages=said("Hi."),
        max_tokens=2,
        extra_headers={"traceparent": "00-nothing-at-all"},
    )
    span = collector.span_of(request_id(answer))
    assert span.parent_span_id == b""
    check(span, traced.row(request_id(answer)))


def test_anthropics_clients_find_their_message_in_the_span(
    traced: Gateway, collector: Collector
) -> None:
    client = Anthropic(base_url=traced.url, api_key=traced.key, max_retries=0)
    message = client.messages.create(
        model=MODEL, max_tokens=3, messages=[{"role": "user", "content": "Hi."}]
    )
    span = collector.span_of(id_from_text(message.id.removeprefix("msg_")))
    assert attributes(span)["gen_ai.response.id"] == message.id
    check(span, traced.rows()[-1])


def test_the_service_has_a_name(traced: Gateway, collector: Collector) -> None:
    wait_until(lambda: bool(collector.received))
    resource = collector.received[0].resource_spans[0].resource
    named = {item.key: plain(item.value) for item in resource.attributes}
    assert named["service.name"] == "breakeven"


def test_a_crash_is_an_error_in_the_span(traced: Gateway, collector: Collector) -> None:
    stream = traced.client().chat.completions.create(
        model=MODEL,
        messages=said("Tell me a story."),
        max_tokens=2000,
        temperature=2.0,
        stream=True,
    )
    first = next(stream)
    traced.worker_process().kill()
    with pytest.raises(openai.APIError):
        list(stream)
    span = collector.span_of(request_id(first))
    row = traced.row(request_id(first))

    check(span, row)
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert span.status.message == ""
    assert attributes(span)["error.type"] == row["error_type"] == "worker_crashed"


def test_a_collector_that_never_answers_holds_nothing_up(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It accepts connections and says nothing, which is worse than none at all."""

    class Silent(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.set()
            released.wait()

    posted, released = threading.Event(), threading.Event()
    silent = ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    silent.daemon_threads = True
    threading.Thread(target=silent.serve_forever, daemon=True).start()
    monkeypatch.setenv(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"http://127.0.0.1:{silent.server_port}/v1/traces"
    )
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    gateway = Gateway(Settings(home=home, threads=2))
    client = gateway.client()
    for _ in range(3):
        began = time.monotonic()
        client.chat.completions.create(model=MODEL, messages=said("Hi."), max_tokens=1)
        assert time.monotonic() - began < 5
        assert posted.wait(5)

    began = time.monotonic()
    gateway.service.observer.stop()
    assert time.monotonic() - began < 2
    gateway.stop()
    released.set()
    silent.shutdown()
    silent.server_close()


def test_requests_are_answered_without_the_collector(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    gateway = Gateway(Settings(home=home, threads=2))
    answer = gateway.client().chat.completions.create(
        model=MODEL, messages=said("Hi."), max_tokens=1
    )
    assert gateway.row(request_id(answer))["status"] == "ok"
    assert httpx.get(f"{gateway.url}/health").status_code == 200
    began = time.monotonic()
    gateway.stop()
    assert time.monotonic() - began < 7  # 5 s as ever and 2 s for the spans


@pytest.mark.parametrize("endpoint", ["", "http://127.0.0.1:4318"])
def test_without_a_collector_opentelemetrys_sdk_is_not_even_imported(
    endpoint: str, tmp_path: Path
) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from db.settings import Settings; from engine.api.service import Service\n"
        "import engine.api.app\n"
        f"observer = Service(Settings(home=Path({str(tmp_path)!r}))).observer\n"
        "observer.start(); print('opentelemetry.sdk' in sys.modules); observer.stop()\n"
    )
    environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == str(bool(endpoint)), done.stderr
