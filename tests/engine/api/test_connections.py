"""Clients that hold on to connections without getting anywhere."""

import contextlib
import json
import socket
import time

import httpx
import pytest

from engine.api import connections, sse
from tests.engine.api.gateway import MODEL, Gateway, wait_until


def connected(gateway: Gateway) -> socket.socket:
    link = socket.create_connection(("127.0.0.1", gateway.port))
    link.settimeout(10)
    return link


def is_closed(link: socket.socket) -> bool:
    try:
        return link.recv(65536) == b""
    except ConnectionError:
        return True


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_WITHIN_S", 0.3)


@pytest.mark.usefixtures("impatient")
def test_a_request_whose_head_does_not_arrive_is_cut_off(gateway: Gateway) -> None:
    link = connected(gateway)
    link.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
    begun = time.monotonic()
    assert is_closed(link)
    assert time.monotonic() - begun < 5


@pytest.mark.usefixtures("impatient")
def test_letters_that_trickle_in_do_not_hold_the_connection(gateway: Gateway) -> None:
    link = connected(gateway)
    link.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert link.recv(65536).startswith(b"HTTP/1.1 200")
    link.sendall(b"GET /health HTTP/1.1\r\n")
    letters = 0
    with contextlib.suppress(ConnectionError):
        while letters < 200:  # each would begin uvicorn's own patience anew
            link.sendall(b"x")
            letters += 1
            time.sleep(0.05)
    assert letters < 100


@pytest.mark.usefixtures("impatient")
def test_who_asks_again_and_again_keeps_the_connection(gateway: Gateway) -> None:
    with httpx.Client() as client:
        links = set()
        for _ in range(10):
            answer = client.get(f"{gateway.url}/health")
            links.add(answer.extensions["network_stream"].get_extra_info("client_addr"))
            time.sleep(0.1)
    assert len(links) == 1


def test_a_head_of_more_than_64_kib_is_refused(gateway: Gateway) -> None:
    answer = httpx.get(f"{gateway.url}/health", headers={"x-long": "a" * 70_000}, timeout=30)
    assert answer.status_code == 431
    assert "65536 bytes" in answer.json()["error"]["message"]
    assert httpx.get(f"{gateway.url}/health").status_code == 200


def test_who_does_not_read_an_answer_does_not_keep_its_place(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "READ_WITHIN_S", 0.3)
    monkeypatch.setattr(connections, "HEAD_WITHIN_S", 0.3)
    before = len(gateway.rows())
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    link.connect(("127.0.0.1", gateway.port))
    long = {"type": "array", "items": {"enum": [1, 2]}, "minItems": 4000}  # for certain
    body = {
        "model": MODEL, "messages": [{"role": "user", "content": "Write."}], "stream": True,
        "max_tokens": 8000, "logprobs": True, "top_logprobs": 20,
        "response_format": {"type": "json_schema", "json_schema": {"name": "l", "schema": long}},
    }  # fmt: skip
    content = json.dumps(body).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(content)}"
    )
    link.sendall(f"{head}\r\nAuthorization: Bearer {gateway.key}\r\n\r\n".encode() + content)
    wait_until(lambda: len(gateway.rows()) > before)
    wait_until(lambda: gateway.rows()[-1]["status"] == "cancelled", within_s=120)
    assert gateway.rows()[-1]["output_tokens"] < 8000
    link.close()
