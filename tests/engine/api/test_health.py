"""Health, and who may ask for it."""

import httpx
import pytest
from starlette.types import Scope

from engine.api.hosts import is_foreign_host, is_loopback
from tests.engine.api.gateway import MODEL, Gateway


def test_health_tells_the_state_of_engine_and_ledger(gateway: Gateway) -> None:
    answer = httpx.get(f"{gateway.url}/health")

    assert answer.status_code == 200
    report = answer.json()
    assert report["state"] == "ready"
    assert report["model"] == MODEL
    assert report["ledger"]["state"] == "open"


def test_health_tells_no_address_of_a_meter(gateway: Gateway) -> None:
    meters = httpx.get(f"{gateway.url}/health").json()["meters"]
    assert meters
    for meter in meters:
        assert meter.keys() == {"name", "state", "basis", "kind", "accuracy"}


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST:8501"])
def test_over_loopback_this_machines_names_are_answered(gateway: Gateway, host: str) -> None:
    assert httpx.get(f"{gateway.url}/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8501", "localhost.evil.example"])
def test_a_web_page_that_points_its_name_at_loopback_learns_nothing(
    gateway: Gateway, host: str
) -> None:
    refused = httpx.get(f"{gateway.url}/health", headers={"host": host})

    assert refused.status_code == 403
    assert set(refused.json()) == {"error"}


def test_beyond_loopback_any_host_is_answered() -> None:
    scope: Scope = {"server": ("192.0.2.7", 8501), "headers": [(b"host", b"breakeven.example")]}
    assert not is_foreign_host(scope)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.7", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_alone(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
