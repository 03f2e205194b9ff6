"""The worker client against the real worker: its life, its death, its return."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from engine.energy.window import EnergyWindow
from engine.runtime.client import WorkerClient, WorkerCrashed, WorkerUnavailable
from engine.runtime.protocol import Load, Output, SamplingParams, Submit

READY_WITHIN_S = 120
# "<|im_start|>user\nTell me a long story.<|im_end|>\n<|im_start|>assistant\n" in SmolLM2's ids
STORY = [1, 4093, 198, 31530, 549, 253, 986, 1977, 30, 2, 198, 1, 520, 9531, 198]
LONG = SamplingParams(max_tokens=4000, temperature=2.0, seed=1)


class Watched:
    """A client, with the states it went through and the energy it was told."""

    def __init__(self, options: list[str], log_path: Path) -> None:
        self.states: list[str] = []
        self.windows: list[EnergyWindow] = []
        self.loads: list[Load] = []
        self.client = WorkerClient(
            options,
            log_path,
            on_energy=self.windows.append,
            on_load=self.loads.append,
            on_change=self._note,
        )

    def _note(self) -> None:
        if not self.states or self.states[-1] != self.client.state:
            self.states.append(self.client.state)

    async def start(self) -> WorkerClient:
        self.client.start()
        async with asyncio.timeout(READY_WITHIN_S):
            await self.client.wait_ready()
        return self.client


def options(weights_dir: Path) -> list[str]:
    return ["--weights", str(next(weights_dir.glob("*.gguf"))), "--threads", "2"]


@pytest.fixture
def watched(tmp_path: Path, weights_dir: Path) -> Watched:
    return Watched(options(weights_dir), tmp_path / "worker.log")


def submit(request_id: int, sampling: SamplingParams) -> Submit:
    return Submit(request_id, [STORY], sampling)


async def outputs(steps: AsyncIterator[Output]) -> list[Output]:
    return [output async for output in steps]


def test_requests_are_kept_apart_and_aborted_alone(watched: Watched) -> None:
    """One run for several behaviours: a start of the worker costs seconds."""

    async def scenario() -> None:
        client = await watched.start()
        short = SamplingParams(max_tokens=5, temperature=0.0)
        both = await asyncio.gather(
            outputs(client.generate(submit(1, short))), outputs(client.generate(submit(2, short)))
        )
        for request_id, told in zip((1, 2), both, strict=True):
            assert {output.request_id for output in told} == {request_id}
            assert told[-1].output_tokens == 5
            assert told[-1].finish_reason == "length"
            assert all(output.finish_reason is None for output in told[:-1])

        aborted: list[Output] = []
        async for output in client.generate(submit(3, LONG)):
            aborted.append(output)
            if len(aborted) == 3:
                client.abort(3)
        assert aborted[-1].finish_reason == "cancelled"
        assert 3 <= aborted[-1].output_tokens < LONG.max_tokens

        client.abort(3)  # over already: nothing happens
        pid = client.pid
        await client.stop()
        assert client.state == "stopped"
        assert pid is not None
        assert not psutil.pid_exists(pid)
        with pytest.raises(WorkerUnavailable):
            await outputs(client.generate(submit(4, short)))

    asyncio.run(scenario())
    assert watched.states == ["starting", "ready", "stopped"]
    assert watched.windows, "energy is told also while nothing runs"


def test_a_killed_worker_fails_its_requests_and_comes_back(watched: Watched) -> None:
    async def scenario() -> None:
        client = await watched.start()
        first = client.pid
        assert first is not None
        steps = client.generate(submit(1, LONG))
        await anext(steps)
        psutil.Process(first).kill()
        with pytest.raises(WorkerCrashed, match="SIGKILL"):
            await outputs(steps)
        assert client.failures == 1

        async with asyncio.timeout(READY_WITHIN_S):
            await client.wait_ready()
        assert client.pid != first
        told = await outputs(client.generate(submit(2, SamplingParams(max_tokens=2))))
        assert told[-1].output_tokens == 2
        assert client.failures == 0
        await client.stop()

    asyncio.run(scenario())
    assert watched.states == ["starting", "ready", "restarting", "ready", "stopped"]


def test_a_worker_that_cannot_start_says_why_and_is_tried_again(tmp_path: Path) -> None:
    missing = tmp_path / "no-such.gguf"
    watched = Watched(["--weights", str(missing)], tmp_path / "worker.log")

    async def scenario() -> None:
        watched.client.start()
        async with asyncio.timeout(READY_WITHIN_S):
            while watched.client.failures < 2:
                await asyncio.sleep(0.05)
        assert watched.client.message is not None
        assert str(missing) in watched.client.message
        await watched.client.stop()

    asyncio.run(scenario())
    assert "ready" not in watched.states


def test_a_worker_that_is_still_loading_can_be_stopped(watched: Watched) -> None:
    async def scenario() -> None:
        watched.client.start()
        await asyncio.sleep(0.5)
        async with asyncio.timeout(5):
            await watched.client.stop()
        assert watched.client.pid is None

    asyncio.run(scenario())
