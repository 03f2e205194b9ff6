"""Joules of requests that upstreams answer: real servers, and a meter on their machine."""

import asyncio
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import openai
import pytest

from db.check import check
from db.keys import create_key
from db.limits import Limits, set_limits
from tests.engine.api.gateway import request_id, said, wait_until
from tests.engine.api.metered import ACTIVE_W, IDLE_W, Build, Metered
from tests.engine.api.upstream_server import MODEL, UpstreamServer
from tests.engine.api.upstreams import ask


def script(server: UpstreamServer, tokens: int, seconds: float, prompt: int = 0) -> None:
    """What it answers: so many tokens, evenly over so long."""
    server.deltas = [{"content": " a"}] * tokens
    server.pause_s = seconds / tokens
    server.usage = {"prompt_tokens": prompt, "completion_tokens": tokens}


def asynchronous(gateway: Metered) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0)


def together(gateway: Metered, count: int, **fields: Any) -> list[dict[str, Any]]:
    """The rows of so many requests at once, when their energy is on the ledger."""

    async def one(client: openai.AsyncOpenAI) -> int:
        stream = await client.chat.completions.create(
            model=MODEL, messages=said("Hi"), stream=True, **fields
        )
        chunks = [chunk async for chunk in stream]
        return request_id(chunks[0])

    async def run() -> list[int]:
        async with asynchronous(gateway) as client:
            return list(await asyncio.gather(*(one(client) for _ in range(count))))

    ids = asyncio.run(run())
    gateway.wait_for_energy("box-0", time.time() * 1000)
    return [gateway.closed_row(one) for one in ids]


def test_shares_and_idling_are_what_the_meter_read_and_equal_requests_get_equal_shares(
    build: Build,
) -> None:
    gateway, [computer] = build(1)
    script(computer.servers[0], tokens=60, seconds=3.0, prompt=40)
    one, other = together(gateway, 2)

    assert one["energy_j"] == pytest.approx(other["energy_j"], rel=0.02)
    seconds = one["duration_ms"] / 1000
    assert one["energy_j"] + other["energy_j"] == pytest.approx(ACTIVE_W * seconds, rel=0.05)
    assert (one["energy_basis"], one["energy_source"]) == ("measured", "dcgm")
    assert 0 < one["prefill_energy_j"] < one["energy_j"]
    told = gateway.intervals("box-0")
    used = one["energy_j"] + other["energy_j"] + told["idle_j"] + told["other_j"]
    assert used == pytest.approx(told["total_j"], rel=1e-9)
    read = computer.read_j(told["ended_at"]) - computer.read_j(told["started_at"])
    assert told["total_j"] == pytest.approx(read, rel=0.03)
    assert told["idle_j"] == pytest.approx(IDLE_W * told["duration_ms"] / 1000, rel=0.05)
    assert check(gateway.service.database).violations == []


def test_replicas_of_one_machine_share_its_meter_by_their_tokens(build: Build) -> None:
    """Both are busy for as long, but one says ten times as much."""
    gateway, [computer] = build(2)
    for server, tokens in zip(computer.servers, (15, 150), strict=True):
        script(server, tokens, seconds=3.0)
    few, many = sorted(together(gateway, 2), key=lambda row: row["output_tokens"])

    assert (few["output_tokens"], many["output_tokens"]) == (15, 150)
    few_j, many_j = (row["energy_j"] - row["prefill_energy_j"] for row in (few, many))
    assert many_j == pytest.approx(10 * few_j, rel=0.15)
    told = gateway.intervals("box-0")
    read = computer.read_j(told["ended_at"]) - computer.read_j(told["started_at"])
    assert told["total_j"] == pytest.approx(read, rel=0.03)  # once, though two upstreams name it


def test_an_answer_in_one_piece_gets_the_energy_of_its_whole_time(build: Build) -> None:
    gateway, [computer] = build(1)
    computer.servers[0].pause_s = 2.0
    answer = ask(gateway)
    gateway.wait_for_energy("box-0", time.time() * 1000)
    row = gateway.closed_row(request_id(answer))
    assert row["energy_j"] == pytest.approx(ACTIVE_W * 2.0, rel=0.1)


def test_a_request_that_its_client_left_has_its_energy(build: Build) -> None:
    gateway, [computer] = build(1)
    script(computer.servers[0], tokens=200, seconds=20.0)
    stream = ask(gateway, stream=True)
    first = next(iter(stream))
    time.sleep(1.5)
    stream.close()
    row = gateway.closed_row(request_id(first))
    wait_until(lambda: computer.servers[0].running == 0)
    gateway.wait_for_energy("box-0", time.time() * 1000)
    row = gateway.row(row["id"])
    assert row["status"] == "cancelled"
    assert row["energy_j"] == pytest.approx(ACTIVE_W * row["duration_ms"] / 1000, rel=0.15)


def test_while_the_meter_is_away_energy_is_unknown_and_then_known_again(build: Build) -> None:
    gateway, [computer] = build(1)
    computer.exporter.stop()
    wait_until(lambda: bool(gateway.service.upstreams.health()[0]["meters"][0]["problem"]))
    time.sleep(6.0)  # what was read before is told, and then nothing more
    lost = request_id(ask(gateway))
    wait_until(lambda: gateway.row(lost)["energy_basis"] is not None)
    assert (gateway.row(lost)["energy_j"], gateway.row(lost)["energy_basis"]) == (None, "unknown")

    computer.exporter.start()
    known_j = gateway.intervals("box-0")["idle_j"]
    wait_until(lambda: gateway.intervals("box-0")["idle_j"] > known_j + IDLE_W)
    script(computer.servers[0], tokens=20, seconds=2.0)
    [row] = together(gateway, 1)
    assert row["energy_basis"] == "measured"
    assert row["energy_j"] == pytest.approx(ACTIVE_W * row["duration_ms"] / 1000, rel=0.1)
    assert check(gateway.service.database).violations == []


def test_a_request_tried_again_elsewhere_takes_its_energy_from_there(build: Build) -> None:
    gateway, [full, other] = build(1, 1)
    full.servers[0].refusal = 503, {"error": {"message": "full"}}, {}
    script(other.servers[0], tokens=20, seconds=2.0)
    [row] = together(gateway, 1)
    gateway.wait_for_energy("box-1", time.time() * 1000)
    row = gateway.row(row["id"])
    assert row["energy_j"] == pytest.approx(ACTIVE_W * row["duration_ms"] / 1000, rel=0.1)
    assert full.servers[0].received
    assert gateway.intervals("box-0")["attributed_j"] < 20.0  # it was refused at once


def test_a_request_shorter_than_the_exporters_refresh_has_its_energy(build: Build) -> None:
    gateway, [computer] = build(1)
    computer.refreshed_every_s = 4.0
    script(computer.servers[0], tokens=10, seconds=1.0)
    time.sleep(4.5)
    [row] = together(gateway, 1)
    assert row["energy_j"] == pytest.approx(ACTIVE_W * row["duration_ms"] / 1000, rel=0.1)


def test_windows_that_wait_for_a_first_token_are_told_when_the_gateway_stops(build: Build) -> None:
    gateway, [computer] = build(1)
    computer.servers[0].pause_s = 60.0

    async def ask_for_three_seconds() -> None:
        async with asynchronous(gateway) as client:
            asked = asyncio.create_task(
                client.chat.completions.create(model=MODEL, messages=said("Hi"))
            )
            await asyncio.sleep(3.0)
            assert [row["energy_j"] for row in gateway.rows()] == [None]
            await asyncio.to_thread(gateway.stop)
            await asyncio.gather(asked, return_exceptions=True)

    asyncio.run(ask_for_three_seconds())
    with closing(sqlite3.connect(gateway.service.ledger.path)) as ledger:
        [told] = ledger.execute("SELECT status, energy_j, duration_ms FROM requests").fetchall()
    status, energy_j, duration_ms = told
    assert status == "interrupted"
    assert energy_j == pytest.approx(ACTIVE_W * duration_ms / 1000, rel=0.15)


@pytest.mark.slow
def test_a_window_is_held_back_for_30_s_at_most(build: Build) -> None:
    gateway, [computer] = build(1)
    script(computer.servers[0], tokens=1, seconds=38.0)
    begun = time.monotonic()
    stream = gateway.client().chat.completions.create(
        model=MODEL, messages=said("Hi"), stream=True, timeout=60
    )
    with ThreadPoolExecutor() as pool:
        reading = pool.submit(list, stream)
        wait_until(lambda: gateway.rows()[0]["energy_j"] is not None, within_s=40)
        assert 29.0 < time.monotonic() - begun < 35.0
        assert gateway.rows()[0]["status"] == "running"
        reading.result()
    gateway.wait_for_energy("box-0", time.time() * 1000)
    [row] = gateway.rows()
    assert row["energy_j"] == pytest.approx(ACTIVE_W * row["duration_ms"] / 1000, rel=0.05)


def test_without_meters_nothing_is_told_of_energy(build: Build) -> None:
    gateway, _ = build(1, meter=False)
    row = gateway.closed_row(request_id(ask(gateway)))
    time.sleep(1.5)
    row = gateway.row(row["id"])
    assert (row["energy_j"], row["energy_basis"], row["energy_source"]) == (None, None, None)
    assert gateway.intervals("box-0")["started_at"] is None


def test_a_budget_of_energy_holds_upstream_requests_back(build: Build) -> None:
    gateway, [computer] = build(1)
    script(computer.servers[0], tokens=10, seconds=1.0)
    database = gateway.service.database
    made, key = create_key(database, gateway.developer.id, "tests", actor="tests")
    set_limits(database, Limits(energy_j_per_month=450.0), api_key_id=made.id, actor="tests")
    client = gateway.client(key)
    client.chat.completions.create(model=MODEL, messages=said("Hi"), max_tokens=10)
    gateway.wait_for_energy("box-0", time.time() * 1000)
    # Of 450 J some 300 are used. By what that one took, 30 J a token, the rest is not enough for
    # all that the next may take.
    with pytest.raises(openai.RateLimitError, match="kWh") as refused:
        client.chat.completions.create(model=MODEL, messages=said("Hi"), max_tokens=10)
    assert refused.value.code == "insufficient_quota"


def test_health_tells_of_meters_but_not_where_they_are(build: Build) -> None:
    gateway, [computer] = build(1)
    told = gateway.client()._client.get(f"{gateway.url}/health")
    [upstream] = told.json()["upstreams"]
    assert upstream["meters"] == [{"source": "dcgm", "problem": None}]
    assert "machine" not in upstream
    assert str(computer.exporter.url()).removeprefix("http://") not in told.text
    assert Path("/metrics").name not in told.text
