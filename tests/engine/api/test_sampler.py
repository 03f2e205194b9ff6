"""What goes through the upstreams is told once a second, come what may."""

import asyncio

import pytest

from engine.api.upstreams import sampler as sampler_module
from engine.api.upstreams.dispatch import Dispatch
from engine.api.upstreams.flow import UpstreamLoad
from engine.api.upstreams.sampler import Sampler


def test_a_failure_is_logged_once_and_later_seconds_are_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sampler_module, "SAMPLED_EVERY_S", 0.001)
    told: list[UpstreamLoad] = []
    failures = iter((OSError("once"), OSError("twice")))

    def tell(load: UpstreamLoad) -> None:
        if (failure := next(failures, None)) is not None:
            raise failure
        told.append(load)

    async def scenario() -> None:
        sampler = Sampler(Dispatch([]), list, tell)
        sampler.start()
        async with asyncio.timeout(30):
            while not told:
                await asyncio.sleep(0.01)
        sampler.stop()

    asyncio.run(scenario())
    assert [record.message for record in caplog.records] == [
        "What the upstreams do could not be told; going on."
    ]
