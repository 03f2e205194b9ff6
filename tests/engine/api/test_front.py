"""The gateway beside another application on one port, and before its model is there."""

import asyncio
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from db.keys import create_key
from db.people import add_developer
from db.settings import Settings
from engine.api.app import create_app
from engine.api.front import GatewayFront
from engine.api.service import Service


async def get(app: ASGIApp, path: str, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.get(path, headers=headers)


@pytest.mark.parametrize(
    ("path", "served_by"),
    [
        ("/", "pages"),
        ("/v2", "pages"),
        ("/v1abc", "pages"),
        ("/healthy", "pages"),
        ("/v1", "gateway"),
        ("/v1/models", "gateway"),
        ("/v1/nothing", "gateway"),
        ("/health", "gateway"),
        ("/metrics", "gateway"),
        ("/metrics2", "pages"),
    ],
)
def test_the_gateways_paths_go_to_the_gateway_and_all_others_on(path: str, served_by: str) -> None:
    pages = Starlette(routes=[Route("/{rest:path}", lambda _: PlainTextResponse("pages"))])
    gateway = Starlette(routes=[Route("/{rest:path}", lambda _: PlainTextResponse("gateway"))])

    assert asyncio.run(get(GatewayFront(pages, gateway), path)).text == served_by


def test_weights_that_cannot_be_had_are_told_to_clients(tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("a file where the folder should be")

    async def scenario() -> tuple[httpx.Response, httpx.Response]:
        service = Service(Settings(home=tmp_path))
        app = create_app(service)
        await service.start()
        async with asyncio.timeout(10):
            while service.state.name != "failed":
                await asyncio.sleep(0.02)
        developer = add_developer(service.database, "ada", actor="tests")
        key = create_key(service.database, developer.id, "tests", actor="tests")[1]
        answers = (
            await get(app, "/health"),
            await get(app, "/v1/models", authorization=f"Bearer {key}"),
        )
        await service.stop()
        return answers

    health, models = asyncio.run(scenario())
    assert health.status_code == models.status_code == 503
    assert health.json()["state"] == "failed"
    assert str(tmp_path / "weights") in health.json()["message"]
    assert models.json()["error"]["message"] == health.json()["message"]
    assert models.headers["retry-after"]
