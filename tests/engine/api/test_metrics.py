"""What Prometheus reads of the gateway, and who may read it."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from sqlalchemy import text

from db.ledger import Ledger
from db.records import NewRequest
from db.settings import Settings
from engine.api.app import create_app
from engine.api.metrics import Metrics
from engine.energy.window import EnergyWindow
from tests.engine.api import upstream_server
from tests.engine.api.gateway import MODEL, Gateway, request_id, said, wait_until
from tests.engine.api.upstream_server import UpstreamServer

Labels = dict[str, str]


def read(page: str) -> dict[str, list[Sample]]:
    """Samples by their names."""
    found: dict[str, list[Sample]] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


def value(samples: dict[str, list[Sample]], name: str, **labels: str) -> float:
    """The sum over all series with these labels."""
    return sum(
        sample.value for sample in samples.get(name, []) if labels.items() <= sample.labels.items()
    )


def scraped(gateway: Gateway) -> dict[str, list[Sample]]:
    return read(httpx.get(f"{gateway.url}/metrics").text)


def test_every_metric_can_be_parsed_and_has_a_help_text(
    gateway: Gateway, client: openai.OpenAI
) -> None:
    client.chat.completions.create(model=MODEL, messages=said("Hello."), max_tokens=3)
    answer = httpx.get(f"{gateway.url}/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = list(text_string_to_metric_families(answer.text))
    assert {family.name for family in families} == {
        "breakeven_requests",
        "breakeven_tokens",
        "breakeven_energy_joules",
        "breakeven_unserved_energy_joules",
        "breakeven_refused_requests",
        "breakeven_queue_seconds",
        "breakeven_requests_running",
        "breakeven_requests_waiting",
        "breakeven_ledger_waiting_writes",
        "breakeven_engine_up",
        "gen_ai_server_time_to_first_token_seconds",
        "gen_ai_server_time_per_output_token_seconds",
        "gen_ai_server_request_duration_seconds",
    }
    assert all(family.documentation for family in families)


def test_a_request_is_counted_as_its_client_and_the_ledger_have_it(
    gateway: Gateway, client: openai.OpenAI
) -> None:
    who = {"model": MODEL, "engine": "embedded"}
    before = scraped(gateway)
    prompt = said("Say the numbers from one to ten, one after the other.")
    answers = [
        client.chat.completions.create(model=MODEL, messages=prompt, max_tokens=8) for _ in range(2)
    ]
    after = scraped(gateway)

    def added(name: str, **labels: str) -> float:
        return value(after, name, **who, **labels) - value(before, name, **who, **labels)

    usages = [answer.usage for answer in answers if answer.usage is not None]
    rows = [gateway.row(request_id(answer)) for answer in answers]
    cached = sum(row["cached_input_tokens"] for row in rows)
    assert cached > 0  # the second prompt is the first one again
    tokens = "breakeven_tokens_total"
    assert added(tokens, type="input") == sum(usage.prompt_tokens for usage in usages)
    assert added(tokens, type="output") == sum(usage.completion_tokens for usage in usages)
    assert added(tokens, type="cached_input") == cached
    endpoint = "/v1/chat/completions"
    assert added("breakeven_requests_total", endpoint=endpoint, status="ok") == 2
    for name, column in {
        "gen_ai_server_request_duration_seconds": "duration_ms",
        "gen_ai_server_time_to_first_token_seconds": "ttft_ms",
        "breakeven_queue_seconds": "queue_ms",
    }.items():
        assert added(f"{name}_count") == 2
        expected_s = sum(row[column] for row in rows) / 1000
        assert added(f"{name}_sum") == pytest.approx(expected_s, abs=0.0011)
    generating_s = sum(
        (row["duration_ms"] - row["ttft_ms"]) / 1000 / (row["output_tokens"] - 1) for row in rows
    )
    name = "gen_ai_server_time_per_output_token_seconds"
    assert added(f"{name}_count") == 2
    assert added(f"{name}_sum") == pytest.approx(generating_s, abs=0.001)


def test_served_and_idle_joules_are_the_meters_total_and_the_ledgers(
    gateway: Gateway, client: openai.OpenAI
) -> None:
    """Windows go on coming; between two of them metrics and ledger must say the same."""
    stream = client.chat.completions.create(
        model=MODEL, messages=said("Tell me a story."), max_tokens=150, stream=True
    )
    for _ in stream:
        pass

    def joules() -> tuple[float, float]:
        samples = scraped(gateway)
        served = value(samples, "breakeven_energy_joules_total")
        return served, value(samples, "breakeven_unserved_energy_joules_total")

    def booked() -> tuple[float, float, float]:
        with gateway.service.database.connect() as connection:
            sums = "SUM(total_j), SUM(idle_j + overhead_j + loading_j + other_j)"
            total, idle = connection.execute(text(f"SELECT {sums} FROM energy_intervals")).one()
            served = connection.execute(text("SELECT SUM(energy_j) FROM requests")).scalar_one()
        return total, idle, served

    def agree() -> bool:
        served, idle = joules()
        total, booked_idle, booked_served = booked()
        return (
            served > 0
            and served + idle == pytest.approx(total, rel=1e-9)
            and idle == pytest.approx(booked_idle, rel=1e-9)
            and served == pytest.approx(booked_served, rel=1e-9)
        )

    for _ in range(2):  # the second time after further windows
        wait_until(agree)
        time.sleep(1.5)
    assert value(scraped(gateway), "breakeven_energy_joules_total", model="unknown") == 0


def test_joules_after_a_requests_end_are_still_its_models(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    metrics = Metrics(
        ledger, lambda: {"running": 0, "waiting": 0, "upstreams": [], "state": "ready"}
    )
    row = NewRequest(7, 0, 1, "ada", None, "some-model", "embedded", "/v1/messages", False, 3)
    metrics.request_started(row)
    metrics.energy_measured(window(total_j=10.0, idle_j=1.0, shares={7: 6.5, 8: 2.5, 9: None}))
    metrics.energy_measured(window(total_j=None, idle_j=None, shares={7: None}))

    samples = read(generate_latest(metrics.registry).decode())
    name = "breakeven_energy_joules_total"
    assert value(samples, name, model="some-model", engine="embedded", basis="measured") == 6.5
    assert value(samples, name, model="unknown") == 2.5
    assert value(samples, "breakeven_unserved_energy_joules_total") == 1.0


def window(
    total_j: float | None, idle_j: float | None, shares: dict[int, float | None]
) -> EnergyWindow:
    return EnergyWindow(0, 1000, 1.0, total_j, idle_j, shares, "measured", "test meter")


def test_what_clients_type_is_never_a_label(gateway: Gateway, client: openai.OpenAI) -> None:
    before = scraped(gateway)
    for number in range(20):
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model=f"typed-{number}", messages=said("Hi."))
        httpx.get(f"{gateway.url}/v1/typed-{number}")
    headers = {"authorization": "Bearer bk-typed"}
    httpx.post(f"{gateway.url}/v1/messages", headers=headers, json={"model": "typed"})
    client.chat.completions.create(model=MODEL.upper(), messages=said("Hi."), max_tokens=1)
    page = httpx.get(f"{gateway.url}/metrics").text
    after = read(page)

    assert "typed" not in page
    labels = [sample.labels for samples in after.values() for sample in samples]
    assert {label["model"] for label in labels if "model" in label} == {MODEL}
    assert value(after, "breakeven_requests_total") == (
        value(before, "breakeven_requests_total") + 1
    )
    name = "breakeven_refused_requests_total"
    assert value(after, name, status="404") == value(before, name, status="404") + 40
    assert value(after, name, status="401") == value(before, name, status="401") + 1


@pytest.fixture
def fragile(home: Path) -> Iterator[Gateway]:
    """A gateway of one's own, whose worker may be killed."""
    running = Gateway(Settings(home=home, threads=2))
    yield running
    running.stop()


def test_a_request_that_failed_is_no_refused_one(fragile: Gateway) -> None:
    """Each ended request is counted once: by its row's status, or as refused."""
    worker = fragile.worker_process()
    stream = fragile.client().chat.completions.create(
        model=MODEL,
        messages=said("Tell me a story."),
        max_tokens=2000,
        temperature=2.0,
        stream=True,
    )
    next(stream)
    wait_until(lambda: value(scraped(fragile), "breakeven_requests_running") == 1)
    worker.kill()
    with pytest.raises(openai.APIError):
        list(stream)
    wait_until(lambda: value(scraped(fragile), "breakeven_engine_up") == 0)
    with pytest.raises(openai.InternalServerError):
        fragile.client().chat.completions.create(model=MODEL, messages=said("Hi."))
    samples = scraped(fragile)

    assert value(samples, "breakeven_requests_total", status="error") == 1
    assert value(samples, "breakeven_requests_total") == len(fragile.rows()) == 1
    assert value(samples, "breakeven_refused_requests_total") == 1
    assert value(samples, "breakeven_refused_requests_total", status="503") == 1
    assert value(samples, "gen_ai_server_time_to_first_token_seconds_count") == 0
    assert value(samples, "breakeven_requests_running") == 0


def test_an_upstreams_answers_are_told_apart(tmp_path: Path) -> None:
    server = UpstreamServer()
    config = tmp_path / "upstreams.toml"
    config.write_text(f'[[upstream]]\nurl = "{server.url}"\n')
    gateway = Gateway(Settings(home=tmp_path / "home", model="none", upstreams=str(config)))
    answer = gateway.client().chat.completions.create(
        model=upstream_server.MODEL, messages=said("What is a boat?")
    )
    samples = scraped(gateway)
    row = gateway.row(request_id(answer))
    gateway.stop()
    server.stop()

    who = {"model": row["model"], "engine": "upstream"}
    assert answer.usage is not None
    tokens = "breakeven_tokens_total"
    assert value(samples, tokens, type="input", **who) == answer.usage.prompt_tokens
    assert value(samples, tokens, type="output", **who) == answer.usage.completion_tokens
    assert value(samples, "breakeven_requests_total", status="ok", **who) == 1
    assert value(samples, "breakeven_energy_joules_total") == 0


def ask(gateway: Gateway, client: str, server: str = "localhost", **headers: str) -> httpx.Response:
    """What a client at an address gets that reaches this address for the metrics."""

    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(gateway.service), client=(client, 50000))
        async with httpx.AsyncClient(
            transport=transport, base_url=f"http://{server}:8501"
        ) as reader:
            return await reader.get("/metrics", headers=headers)

    return asyncio.run(get())


def test_from_this_machine_no_key_is_needed(gateway: Gateway) -> None:
    assert ask(gateway, "127.0.0.1").status_code == 200
    assert ask(gateway, "::1").status_code == 200


@pytest.mark.parametrize(
    ("client", "server", "headers"),
    [
        ("192.0.2.9", "192.0.2.7", {}),
        ("192.0.2.9", "localhost", {}),  # through a proxy on this machine
        ("127.0.0.1", "localhost", {"host": "evil.example"}),
    ],
)
def test_from_elsewhere_anybodys_key_is(
    gateway: Gateway, client: str, server: str, headers: dict[str, str]
) -> None:
    refused = ask(gateway, client, server, **headers)
    wrong = ask(gateway, client, server, authorization="Bearer bk-wrong", **headers)
    read_with_key = ask(gateway, client, server, authorization=f"Bearer {gateway.key}", **headers)

    assert refused.status_code == wrong.status_code == 401
    assert "breakeven_" not in refused.text
    assert read_with_key.status_code == 200
    assert "breakeven_engine_up 1.0" in read_with_key.text


def test_a_reader_that_prefers_openmetrics_gets_it(gateway: Gateway) -> None:
    accept = "application/openmetrics-text; version=1.0.0"
    answer = httpx.get(f"{gateway.url}/metrics", headers={"accept": accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
