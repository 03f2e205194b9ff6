"""What watchers of the gateway are told."""

import asyncio

from engine.api.events import EnergyMeasured, EngineState, Event, RequestFinished, RequestStarted
from tests.engine.api.gateway import MODEL, Gateway, request_id


def test_a_watcher_sees_a_request_start_cost_energy_and_finish(gateway: Gateway) -> None:
    async def watch() -> list[Event]:
        seen: list[Event] = []
        async for event in gateway.service.subscribe():
            seen.append(event)
            if isinstance(event, RequestFinished):
                break
        return seen

    watching = asyncio.run_coroutine_threadsafe(watch(), gateway._loop)
    answer = gateway.client().chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "Hello"}], max_tokens=3
    )
    seen = watching.result(timeout=10)

    identity = request_id(answer)
    started = next(event for event in seen if isinstance(event, RequestStarted))
    finished = seen[-1]
    assert isinstance(finished, RequestFinished)
    assert started.request_id == finished.request_id == identity
    assert finished.output_tokens == 3
    assert finished.status == "ok"
    windows = [event.window for event in seen if isinstance(event, EnergyMeasured)]
    assert any(identity in window.shares for window in windows)


def test_a_watcher_that_sleeps_loses_the_oldest_events_only(gateway: Gateway) -> None:
    async def sleep_through() -> list[Event]:
        events = gateway.service._events
        watcher = events.subscribe()
        first = asyncio.ensure_future(anext(watcher))
        await asyncio.sleep(0)
        for number in range(1500):
            events.publish(EngineState("ready", str(number)))
        await first
        return [await anext(watcher) for _ in range(999)]

    last = gateway.call(sleep_through())[-1]
    assert isinstance(last, EngineState)
    assert last.message == "1499"


def test_experts_per_token_can_be_changed_while_it_runs(gateway: Gateway) -> None:
    model = gateway.service.model
    assert model is not None
    for count in sorted({0, model.routed_experts}):
        gateway.service.set_experts_per_token(count)
        answer = gateway.client().chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "Hello"}], max_tokens=2
        )
        assert answer.model_extra is not None
        assert answer.model_extra["breakeven"]["experts_per_token"] == count
    gateway.service.set_experts_per_token(None)
