"""Pages where no model runs here: other servers answer behind the gateway."""

from pathlib import Path

import anthropic
import pytest
from streamlit import config

from db import keys, people
from db.request_pages import recent_requests
from db.settings import Settings
from engine.api import current
from engine.api.service import Service
from tests.dashboard.conftest import Running, open_page
from tests.engine.api.upstream_server import MODEL, WORDS, UpstreamServer

pytestmark = pytest.mark.usefixtures("product_with_upstreams")

PAGES = ["overview", "requests", "engine", "chat", "connect", "settings"]


@pytest.fixture(autouse=True)
def ada(product_with_upstreams: Service) -> people.Person:
    database = product_with_upstreams.database
    return people.find_developer(database, "Ada") or people.add_developer(
        database, "Ada", actor="test"
    )


@pytest.mark.parametrize("name", PAGES)
def test_no_page_waits_for_a_model_that_will_never_load(name: str) -> None:
    page = open_page(name, **{"settings-tab": "Engine"} if name == "settings" else {})
    told = [box.value for box in (*page.info, *page.error, *page.warning)]
    assert not any("load" in words for words in told)


def test_the_engine_tab_lists_each_upstream_and_what_is_wrong_with_it(
    product_with_upstreams: Service, upstream: UpstreamServer
) -> None:
    page = open_page("settings")
    page.query_params["settings-tab"] = "Engine"
    page.run()
    works, away = page.dataframe[0].value.to_dict("records")
    assert works == {
        "Address": upstream.url,
        "Models": f"{MODEL}, small",
        "State": "answers",
        "Running": "0 of 4",
        "Machine": upstream.url.removeprefix("http://").removesuffix("/v1"),
        "Meters": "none, so its energy is unknown",
    }
    assert "cannot be reached" in away["State"]


def test_chat_asks_the_model_that_was_chosen_and_its_energy_is_unknown(
    product_with_upstreams: Service, upstream: UpstreamServer
) -> None:
    page = open_page("chat")
    model = next(box for box in page.selectbox if box.label == "Model")
    assert model.options == [MODEL, "small"]
    model.select("small").run()
    page.chat_input[0].set_value("What is a boat?").run(timeout=30)
    assert not page.exception
    answer = page.chat_message[1]
    assert answer.markdown[0].value == "".join(WORDS)
    assert "energy unknown" in answer.caption[0].value
    assert not page.expander
    assert upstream.received[-1][0]["model"] == "small"
    (row,) = recent_requests(product_with_upstreams.database, 1).to_dict("records")
    assert (row["engine"], row["model"], row["developer_name"]) == ("upstream", "small", "Ada")


def test_the_snippets_name_the_model_that_was_chosen() -> None:
    page = open_page("connect")
    model = next(box for box in page.selectbox if box.label == "Model")
    model.select_index(1).run()
    assert any("ANTHROPIC_MODEL=small\n" in code.value for code in page.code)


def test_a_tool_whose_first_request_has_no_room_in_the_context_is_warned_of() -> None:
    page = open_page("connect")
    claude_code, codex = [box.value for box in page.warning]
    assert "Claude Code cannot work" in claude_code
    assert "20,000 tokens, and the model's context is 8,192" in claude_code
    assert "Codex cannot work" in codex
    model = next(box for box in page.selectbox if box.label == "Model")
    model.select_index(1).run()  # one whose context is not known
    assert not page.warning


def test_the_anthropic_client_is_answered_by_an_upstream(
    product_with_upstreams: Service, ada: people.Person
) -> None:
    _, key = keys.create_key(product_with_upstreams.database, ada.id, "tests", actor="test")
    client = anthropic.Anthropic(
        base_url=f"http://localhost:{config.get_option('server.port')}", auth_token=key
    )
    message = client.messages.create(
        model="small", max_tokens=60, messages=[{"role": "user", "content": "What is a boat?"}]
    )
    assert message.content[0].to_dict()["text"] == "".join(WORDS)


def test_a_request_to_an_upstream_is_marked_on_the_list() -> None:
    row = open_page("requests").dataframe[0].value.iloc[0]
    assert (row["Engine"], row["Cached"], row["Counts are"]) == ("upstream", 16, "exact")


@pytest.mark.parametrize("name", PAGES)
def test_where_nothing_can_answer_every_page_says_what_to_start_it_with(
    name: str, tmp_path: Path, product_with_upstreams: Service
) -> None:
    alone = Running(Settings(home=tmp_path / "home", model="none"), with_engine=True).start()
    try:
        page = open_page(name)
        assert "BREAKEVEN_UPSTREAMS" in page.warning[0].value
    finally:
        alone.stop()
        current.set_current(product_with_upstreams)
