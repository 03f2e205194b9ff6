"""The live figures are computed once for everybody, and only for somebody."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from dashboard.live import hub as hub_module
from dashboard.live.hub import Hub, TooMany


class Figures:
    """Counts how often it is asked; its value changes when told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.value = 0

    def __call__(self, view: str) -> dict[str, Any]:
        self.asked += 1
        return {"at": self.asked, "view": view, "value": self.value}


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "AT_MOST_EVERY_S", 0.05)
    monkeypatch.setattr(hub_module, "AT_LEAST_EVERY_S", 3600)  # so that it is asked for a reason


WITHIN_S = 30  # on a busy machine


async def until(fact: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not fact():
            await asyncio.sleep(0.01)


def test_two_readers_of_a_view_share_one_computation() -> None:
    async def scenario() -> None:
        figures = Figures()
        hub: Hub[str] = Hub(figures)
        async with hub.subscribe("month") as one, hub.subscribe("month") as two:
            assert await one.get() == await two.get()
            assert figures.asked == 1

    asyncio.run(scenario())


def test_a_change_reaches_the_reader_without_waiting_for_the_next_time() -> None:
    async def scenario() -> None:
        figures = Figures()
        hub: Hub[str] = Hub(figures)
        async with hub.subscribe("month") as newest:
            await newest.get()
            figures.value = 7
            hub.announce()
            payload = await asyncio.wait_for(newest.get(), WITHIN_S)
            assert payload is not None
            assert payload["value"] == 7

    asyncio.run(scenario())


def test_nothing_is_sent_when_only_the_time_is_new() -> None:
    async def scenario() -> None:
        figures = Figures()
        hub: Hub[str] = Hub(figures)
        async with hub.subscribe("month") as newest:
            await newest.get()
            hub.announce()
            await until(lambda: figures.asked == 2)
            hub.announce()
            await until(lambda: figures.asked == 3)  # so the second is done with
            assert newest.empty()

    asyncio.run(scenario())


def test_nothing_is_computed_for_nobody() -> None:
    async def scenario() -> None:
        figures = Figures()
        hub: Hub[str] = Hub(figures)
        async with hub.subscribe("month") as newest:
            await newest.get()
        fed = asyncio.all_tasks() - {asyncio.current_task()}
        await until(lambda: all(task.done() for task in fed))
        hub.announce()
        assert figures.asked == 1
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scenario())


def test_closing_ends_every_stream_and_lets_nobody_in() -> None:
    async def scenario() -> None:
        hub: Hub[str] = Hub(Figures())
        async with hub.subscribe("month") as newest:
            await newest.get()
            hub.close()
            assert await newest.get() is None
        with pytest.raises(TooMany):
            async with hub.subscribe("month"):
                pass

    asyncio.run(scenario())


def test_fifty_readers_of_as_many_views_are_fed_one_at_a_time() -> None:
    together, most = 0, 0

    def compute(view: int) -> dict[str, Any]:
        nonlocal together, most
        together += 1
        most = max(most, together)
        time.sleep(0.002)
        together -= 1
        return {"at": 0, "view": view}

    async def scenario() -> None:
        hub: Hub[int] = Hub(compute)
        async with AsyncExitStack() as readers:
            opened = [await readers.enter_async_context(hub.subscribe(view)) for view in range(50)]
            for view, newest in enumerate(opened):
                payload = await asyncio.wait_for(newest.get(), WITHIN_S)
                assert payload == {"at": 0, "view": view}
        assert most == 1

    asyncio.run(scenario())


def test_a_computation_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "AT_LEAST_EVERY_S", 0.1)
    calls = 0

    def compute(_view: str) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError("the ledger is locked")
        return {"at": calls, "value": 1}

    async def scenario() -> None:
        hub: Hub[str] = Hub(compute)
        async with hub.subscribe("month") as newest:
            payload = await asyncio.wait_for(newest.get(), WITHIN_S)
            assert payload is not None
            assert payload["value"] == 1

    asyncio.run(scenario())
