"""The Engine page in each state of the engine, with the real one and without."""

import itertools
import time
from dataclasses import replace
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit import config

from dashboard.engine_page.now import EngineView, engine_now
from dashboard.engine_page.payload import live_payload, payload
from dashboard.engine_page.routes import ENGINE_EVENTS, engine_routes
from dashboard.live.hub import Hub
from db import keys, people
from engine.api.events import EngineState
from engine.api.service import Service
from tests.dashboard.conftest import open_page
from tests.dashboard.engine_page.told import ENDED, IDLE, MODEL
from tests.engine.api.told import SECOND
from tests.engine.api.upstream_server import MODEL as UPSTREAM_MODEL

VIEW = EngineView(10, "Asia/Kolkata")
WITHIN_S = 60.0


def figures(shown: dict[str, Any]) -> dict[str, str]:
    return {figure["label"]: figure["value"] for figure in shown["figures"]}


class TestWithoutAnEngine:
    def test_while_weights_come_the_headline_says_how_many_are_here(self, product: Service) -> None:
        product.embedded.state = EngineState("fetching", "Being fetched.", 49_000_000, 98_000_000)
        shown = live_payload(VIEW)
        assert shown["headline"] == "Being fetched. 50% of 98.0 MB are here."
        assert not open_page("engine").exception

    def test_a_failure_says_why(self, product: Service) -> None:
        product.embedded.state = EngineState("failed", "The index cannot be reached.")
        assert live_payload(VIEW)["headline"] == "The index cannot be reached."
        assert open_page("engine").error

    def test_before_anything_happened_figures_are_unknown_and_charts_say_so(
        self, product: Service
    ) -> None:
        shown = live_payload(VIEW)
        assert set(figures(shown).values()) == {"unknown"}
        assert [chart["title"] for chart in shown["lines"]] == [
            "No token was counted yet",
            "No step was computed in this window, of 8 places none was taken",
            "Nothing was told of the queue yet",
        ]
        assert shown["experts"]["note"].startswith("No token was computed in this window.")
        assert shown["log"] == shown["upstreams"] == []

    def test_what_was_told_is_in_figures_and_charts(self, product: Service) -> None:
        product.embedded.state = EngineState("ready")
        product.activity.note_load(IDLE)
        product.activity.note_load(SECOND)
        shown = live_payload(VIEW)
        assert figures(shown)["Load"] == "25%"
        assert figures(shown)["Tokens a second"] == "65"
        assert shown["lines"][0]["title"].startswith("At most ")
        assert "of 8 places" in shown["lines"][1]["title"]
        assert shown["lines"][1]["limit"]["y"] == 8

    def test_what_no_upstream_told_of_its_cache_is_unknown_and_not_zero(
        self, product: Service
    ) -> None:
        product.activity.note(replace(ENDED, cached_input_tokens=None))
        shown = live_payload(VIEW)
        assert figures(shown)["Prefix cache hits"] == "unknown"
        notes = [figure["note"] for figure in shown["figures"]]
        assert "upstreams did not tell it" in notes

    def test_memory_of_an_engine_that_tells_nothing_any_more_is_unknown(
        self, product: Service
    ) -> None:
        product.activity.note_load(SECOND)
        now = replace(engine_now(VIEW), model=MODEL)
        assert figures(payload(now, VIEW))["Memory"] == "612 MB"
        later = replace(now, at_ms=now.at_ms + 60_000)
        assert figures(payload(later, VIEW))["Memory"] == "unknown"

    def test_the_window_is_chosen_by_the_address(self, product: Service) -> None:
        page = open_page("engine", window="30 minutes")
        (control,) = page.segmented_control
        assert control.value == "30 minutes"


def wait_until_told(service: Service, tokens: int) -> dict[str, Any]:
    """What is shown once the engine has told of so many tokens of answers."""
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        if sum(load.output_tokens for _, load in service.activity.recent(0).loads) >= tokens:
            return live_payload(VIEW)
        time.sleep(0.2)
    raise AssertionError(live_payload(VIEW))


def ask(key: str, tokens: int = 8) -> httpx.Response:
    return httpx.post(
        f"http://localhost:{config.get_option('server.port')}/v1/chat/completions",
        headers={"authorization": f"Bearer {key}"},
        json={
            "model": "smollm2-135m-instruct",
            "messages": [{"role": "user", "content": "Tell me of boats. " * 12}],
            "max_tokens": tokens,
        },
        timeout=60,
    )


def test_the_real_engines_answers_move_every_part(product_with_engine: Service) -> None:
    service = product_with_engine
    ada = people.find_developer(service.database, "<i>Ada</i>") or people.add_developer(
        service.database, "<i>Ada</i>", actor="test"
    )
    _, key = keys.create_key(service.database, ada.id, "tests", actor="test")
    answers = [ask(key).raise_for_status().json() for _ in range(2)]
    assert ask("bk-wrong").status_code == 401
    drawn = sum(answer["usage"]["completion_tokens"] for answer in answers)
    shown = wait_until_told(service, drawn)

    counted = service.activity.recent(0)
    used = [answer["usage"] for answer in answers]
    cached = [usage["prompt_tokens_details"]["cached_tokens"] for usage in used]
    assert cached[1] > 0, "the second prompt begins like the first"
    told = [load for _, load in counted.loads]
    computed = sum(usage["prompt_tokens"] for usage in used) - sum(cached)
    assert sum(load.prompt_tokens for load in told) == computed
    assert sum(load.output_tokens for load in told) == drawn
    hits = sum(cached) / sum(usage["prompt_tokens"] for usage in used)
    assert figures(shown)["Prefix cache hits"] == f"{hits:.0%}"

    model = service.model
    assert model is not None
    heat = shown["experts"]["heat"]
    assert (heat["layers"], heat["experts"]) == (model.layers, model.routed_experts)
    # On average over a carved model's layers a token takes this many experts.
    share = sum(itertools.chain.from_iterable(heat["share"])) / model.layers
    assert share == pytest.approx(model.experts_per_token, rel=0.01)

    kinds = {line["kind"] for line in shown["log"]}
    assert kinds >= {"engine", "admitted", "begun", "finished", "refused"}
    assert any(line["words"].startswith("<i>Ada</i>: ") for line in shown["log"])
    assert "boats" not in str(shown)
    assert not open_page("engine").exception


def test_upstreams_are_listed_and_experts_are_unknown(product_with_upstreams: Service) -> None:
    now = engine_now(VIEW)
    shown = payload(now, VIEW)
    works, away = shown["upstreams"]
    assert (works["up"], works["models"]) == ("yes", f"{UPSTREAM_MODEL}, small")
    assert (away["up"], away["running"]) == ("no", "0 of 64")
    assert [chart["id"] for chart in shown["lines"]] == ["tokens", "queue"]
    assert "upstreams do not tell" in shown["experts"]["note"]
    assert figures(shown)["Load"] == "0%"
    assert {line["kind"] for line in shown["log"]} == {"upstream"}


@pytest.mark.parametrize("query", ["minutes=7", "minutes=-1", "timezone=../etc/passwd"])
def test_a_stream_of_what_there_is_not_is_refused(product: Service, query: str) -> None:
    client = TestClient(Starlette(routes=engine_routes(Hub(live_payload))))
    assert client.get(f"{ENGINE_EVENTS}?{query}").status_code == 400
