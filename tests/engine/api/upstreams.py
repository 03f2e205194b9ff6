"""A gateway before scripted upstreams."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from db.settings import Settings
from tests.engine.api.gateway import Gateway, said, wait_until
from tests.engine.api.upstream_server import MODEL, UpstreamServer

Start = Callable[..., tuple[Gateway, list[UpstreamServer]]]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """A gateway without an engine of its own before `count` servers of one model."""
    monkeypatch.setenv("UPSTREAM_KEY", "sk-upstream")
    running: list[Any] = []

    def go(count: int = 1, **options: Any) -> tuple[Gateway, list[UpstreamServer]]:
        servers = [UpstreamServer() for _ in range(count)]
        running.extend(servers)
        lines = []
        for server in servers:
            given = {"url": server.url, "api_key_env": "UPSTREAM_KEY", **options}
            lines += ["[[upstream]]", *(f"{name} = {_toml(v)}" for name, v in given.items())]
        path = tmp_path / "upstreams.toml"
        path.write_text("\n".join(lines))
        gateway = Gateway(Settings(home=tmp_path / "home", model="none", upstreams=str(path)))
        running.insert(0, gateway)
        wait_until(lambda: all(one["up"] for one in gateway.service.upstreams.health()))
        return gateway, servers

    yield go
    for one in running:
        one.stop()


def _toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str | Path) else str(value)


def ask(gateway: Gateway, **fields: Any) -> Any:
    return gateway.client().chat.completions.create(
        model=MODEL, messages=said("What is a boat?"), **fields
    )
