"""One gateway for all tests of this folder: its start costs seconds."""

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from db.settings import Settings
from tests.conftest import make_home
from tests.engine.api.gateway import Gateway
from tests.engine.api.metered import build
from tests.engine.api.upstreams import start

__all__ = ["build", "start"]  # fixtures


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory, weights_dir: Path) -> Iterator[Gateway]:
    home = make_home(tmp_path_factory.mktemp("gateway") / "home", weights_dir)
    running = Gateway(Settings(home=home, threads=2, max_body_bytes=64 * 1024))
    yield running
    running.stop()


@pytest.fixture
def client(gateway: Gateway) -> openai.OpenAI:
    return gateway.client()
