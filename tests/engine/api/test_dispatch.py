"""Places at upstreams are given back whatever happens, and nobody is passed over."""

import asyncio
import random

from engine.api.upstreams.config import UpstreamConfig
from engine.api.upstreams.dispatch import Dispatch
from engine.api.upstreams.machine import Machine
from engine.api.upstreams.replica import Replica, ServedModel


def server(places: int) -> Replica:
    config = UpstreamConfig(url="http://localhost:1/v1", max_running=places)
    replica = Replica(config, Machine(config.machine, [], lambda window: None))
    replica.models = {"m": ServedModel("m", None)}
    replica.problem = None
    return replica


def test_a_place_is_not_given_to_who_was_cancelled_and_has_not_run_since() -> None:
    async def run() -> None:
        replica = server(1)
        dispatch = Dispatch([replica])
        await dispatch.take("m", 1, ())
        waiting = asyncio.create_task(dispatch.take("m", 2, ()))
        await asyncio.sleep(0)
        waiting.cancel()
        dispatch.give_back(replica, 1)  # before the cancelled one runs
        await asyncio.gather(waiting, return_exceptions=True)
        assert (replica.running, dispatch.running, dispatch.waiting) == (0, 0, 0)

    asyncio.run(run())


def test_a_free_server_does_not_wait_for_who_passes_it_over() -> None:
    async def run() -> None:
        free, full = server(2), server(1)
        dispatch = Dispatch([free, full])
        full.running = 1
        picky = asyncio.create_task(dispatch.take("m", 1, {free}))
        await asyncio.sleep(0)
        assert await asyncio.wait_for(dispatch.take("m", 2, ()), 1) is free
        picky.cancel()
        await asyncio.gather(picky, return_exceptions=True)

    asyncio.run(run())


def test_many_places_may_become_free_at_once() -> None:
    async def run() -> None:
        replica = server(1500)
        replica.problem = None
        replica.running = 1500
        dispatch = Dispatch([replica])
        waiting = [asyncio.create_task(dispatch.take("m", i % 7, ())) for i in range(1400)]
        await asyncio.sleep(0)
        replica.running = 0
        dispatch.go_on()
        await asyncio.gather(*waiting)
        assert replica.running == 1400

    asyncio.run(run())


def test_whatever_is_cancelled_no_place_is_lost() -> None:
    async def one(dispatch: Dispatch, chance: random.Random) -> None:
        tenant = chance.randrange(3)
        replica = await dispatch.take("m", tenant, ())
        try:
            await asyncio.sleep(chance.random() / 500)
        finally:
            dispatch.give_back(replica, tenant)

    async def run() -> None:
        chance = random.Random(1)
        replicas = [server(2), server(1)]
        dispatch = Dispatch(replicas)
        tasks = []
        for _ in range(400):
            tasks.append(asyncio.create_task(one(dispatch, chance)))
            if chance.random() < 0.5:
                chance.choice(tasks).cancel()
            if chance.random() < 0.3:
                await asyncio.sleep(chance.random() / 1000)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [replica.running for replica in replicas] == [0, 0]
        assert (dispatch.running, dispatch.waiting) == (0, 0)

    asyncio.run(run())
