"""The request browser: filters and places in the address, one request in detail, odd names."""

from concurrent.futures import Future
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.request_browser import pager
from dashboard.request_browser.asked import id_of
from dashboard.request_browser.timeline import parts_of
from db import keys, people
from db.ids import id_to_text, new_id
from engine.api.service import Service
from tests.dashboard.conftest import open_page
from tests.dashboard.test_pages import HOSTILE, request
from tests.db.team import NOON, Team, outcome, window

DAY = 24 * 3_600_000


def told(page: AppTest) -> str:
    """All that the page says in sentences."""
    places = (page.info, page.warning, page.caption, page.markdown, page.subheader)
    return "\n".join(box.value.replace("\\", "") for place in places for box in place)


def facts(page: AppTest) -> dict[str, str]:
    table = next(frame.value for frame in page.dataframe if "What" in frame.value)
    return dict(zip(table["What"], table["Value"], strict=True))


def shown(page: AppTest) -> list[int]:
    """The input tokens of the rows, by which these tests tell them apart."""
    return list(page.dataframe[0].value["Input"])


@pytest.fixture
def used(product: Service) -> dict[str, int]:
    """Four requests, told apart by 1 to 4 input tokens: each has one thing that the others lack."""
    engine, ledger = product.database, product.ledger
    ada = people.add_developer(engine, "Ada", "Data", actor="test")
    grace = people.add_developer(engine, "Grace", actor="test")
    editor, _ = keys.create_key(engine, ada.id, "editor", actor="test")
    job, _ = keys.create_key(engine, grace.id, "night job", actor="test")
    team = Team(ada.id, key=0)
    rows: list[dict[str, Any]] = [
        {"api_key_id": editor.id, "model": "small"},
        {"api_key_id": editor.id, "model": "large", "at": NOON + DAY},
        {"api_key_id": None, "model": "small", "engine": "upstream", "at": NOON + 2 * DAY},
        {"api_key_id": job.id, "model": "small", "developer_id": grace.id, "at": NOON + 3 * DAY},
    ]
    found: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        found[str(number)] = request_id = team.admit(ledger, input_tokens=number, **row)
        status: Any = "error" if number == 3 else "ok"
        error = {"error_type": "upstream_unreachable"} if number == 3 else {}
        ledger.finish(outcome(request_id, status, row.get("at", NOON) + 900, **error)).result(20)
    return found


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ({}, [4, 3, 2, 1]),
        ({"developer": "Grace"}, [4]),
        ({"team": "Data"}, [3, 2, 1]),
        ({"team": "No team"}, [4]),
        ({"model": "large"}, [2]),
        ({"engine": "Upstream"}, [3]),
        ({"engine": "This machine: breakeven"}, [4, 2, 1]),
        ({"status": "Failed"}, [3]),
        ({"find": "NIGHT"}, [4]),
        ({"find": "edit", "model": "small"}, [1]),
        ({"range": "Own dates", "from": "2026-01-02", "to": "2026-01-03"}, [3, 2]),
        ({"team": "Data", "status": "Answered", "model": "small"}, [1]),
    ],
)
@pytest.mark.usefixtures("used")
def test_the_address_holds_what_is_looked_for(query: dict[str, str], rows: list[int]) -> None:
    assert shown(open_page("requests", **query)) == rows


def test_a_request_is_found_by_its_id_whatever_the_filters(used: dict[str, int]) -> None:
    for prefix in ("", "chatcmpl-", "req_"):
        text = prefix + id_to_text(used["1"])
        page = open_page("requests", find=text, developer="Grace", range="Today")
        assert shown(page) == [1]
        assert "Found by its id" in told(page)
        assert facts(page)["Id"] == id_to_text(used["1"])


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"find": f"{new_id():016x}"}, "There is no request with the id"),
        ({"find": "nothing"}, "No key has “nothing” in its name, and it is no request's id."),
        ({"model": "large", "status": "Failed"}, "No request since 1 January 2026 fits"),
        (
            {"developer": "Nobody"},
            "There is no developer named “Nobody”. Shown instead: everybody.",
        ),
        (
            {"before": "yesterday"},
            "“yesterday” is no place in the list. Shown instead: the newest.",
        ),
        ({"range": "Own dates", "from": "2026-02-30"}, "“2026-02-30” is not a day"),
    ],
)
@pytest.mark.usefixtures("used")
def test_what_there_is_not_is_said(query: dict[str, str], said: str) -> None:
    assert said in told(open_page("requests", **query))


@pytest.mark.usefixtures("used")
def test_all_filters_are_cleared_at_once() -> None:
    page = open_page("requests", model="large", status="Failed", range="Today", find="editor")
    next(button for button in page.button if button.label == "Show all requests").click()
    assert shown(page.run()) == [4, 3, 2, 1]


def pages(page: AppTest, label: str) -> list[list[int]]:
    """All pages on the way that a button leads, this one first."""
    found = [shown(page)]
    while not (button := next(each for each in page.button if each.label == label)).disabled:
        button.click()
        page.run()
        found.append(shown(page))
    return found


def test_pages_go_back_as_they_came_and_a_link_opens_the_same(product: Service) -> None:
    ada = people.add_developer(product.database, "Ada", actor="test")
    team, waiting = Team(ada.id, key=0), list[Future[Any]]()
    for number in range(120):
        new = team.request(api_key_id=None, input_tokens=number, at=NOON + number // 7)
        waiting.append(product.ledger.admit(new))
    for future in waiting:
        future.result(20)
    page = open_page("requests")
    older = pages(page, "Older")
    assert [len(rows) for rows in older] == [50, 50, 20]
    assert [row for rows in older for row in rows] == list(range(119, -1, -1))
    link = page.query_params["before"]
    linked = open_page("requests", before=link if isinstance(link, str) else link[0])
    assert shown(linked) == older[-1]
    assert pages(page, "Newer") == [older[2], older[1], older[0]]
    next(each for each in linked.button if each.label == "Newest").click()
    assert shown(linked.run()) == older[0]


@pytest.mark.usefixtures("used")
def test_another_filter_begins_with_the_newest() -> None:
    page = open_page("requests", before=pager.to_text((NOON + DAY, 0)))
    assert shown(page) == [1]
    page.selectbox(key="status").set_value("Answered").run()
    assert shown(page) == [4, 2, 1]


def test_the_detail_tells_time_tokens_energy_key_and_team_then(product: Service) -> None:
    ada = people.add_developer(product.database, "Ada", "Data", actor="test")
    key, _ = keys.create_key(product.database, ada.id, "editor", actor="test")
    request_id = Team(ada.id, key.id).admit(product.ledger)
    people.set_team(product.database, ada.id, "Platform", actor="test")  # from now on
    product.ledger.record_energy(window({request_id: 36.0})).result(20)
    done = outcome(request_id, queue_ms=100.0, ttft_ms=350.0, cached_input_tokens=16,
                   experts_active_mean=7.25)  # fmt: skip
    product.ledger.finish(done).result(20)
    page = open_page("requests", find=id_to_text(request_id))
    found = facts(page)
    assert found["Key"].startswith("editor (bk-")
    assert (found["Developer"], found["Team then"]) == ("Ada", "Data")
    assert found["Energy is"] == "measured, rapl:package-0"
    assert found["Energy's accuracy"] == "not kept"
    assert found["Experts per token"] == "7.2 routed, on average"
    assert "Queue 100 ms, prefill 250 ms, decode 1.6 s (milliseconds)" in told(page)
    metrics = {metric.label: metric.value for metric in page.metric}
    assert (metrics["Input, not cached"], metrics["Input, cached"]) == ("24", "16")
    assert metrics["Energy"] == "36.0 J"
    # 36 J are 0.00001 kWh; at $0.18 that is $0.0000018.
    assert metrics["Marginal cost"] == "$0.0000018"


def test_the_detail_tells_the_error_of_a_failed_request(used: dict[str, int]) -> None:
    page = open_page("requests", find=id_to_text(used["3"]))
    found = facts(page)
    assert (found["Status"], found["Error"]) == ("failed", "upstream_unreachable")
    assert found["Key"] == "none: the dashboard's own chat"
    assert "The upstream tells no queue of its own" in told(page)


def test_hostile_names_are_text_in_filters_table_and_detail(product: Service) -> None:
    request_id = request(product, name=HOSTILE)
    person = people.find_developer(product.database, HOSTILE)
    assert person is not None
    keys.create_key(product.database, person.id, HOSTILE, actor="test")
    for query in ({"find": id_to_text(request_id)}, {"find": HOSTILE}, {"developer": HOSTILE}):
        page = open_page("requests", **query)
        for text in [*page.markdown, *page.caption, *page.info, *page.warning, *page.subheader]:
            assert HOSTILE not in text.value, "a name must be escaped where Markdown is read"
    assert open_page("requests").dataframe[0].value["Developer"].tolist() == [HOSTILE]
    assert facts(open_page("requests", find=id_to_text(request_id)))["Developer"] == HOSTILE


@pytest.mark.parametrize(
    ("queue", "first", "whole", "parts"),
    [
        (100, 350, 2_000, {"Queue": 100, "Prefill": 250, "Decode": 1_650}),
        (None, 350, 2_000, {"Queue and prefill": 350, "Decode": 1_650}),
        (100, None, 2_000, {"Not told apart": 2_000}),
        (None, None, None, {}),
    ],
)
def test_the_parts_of_a_requests_time_add_up_to_it(
    queue: int | None, first: int | None, whole: int | None, parts: dict[str, int]
) -> None:
    row = pd.Series({"queue_ms": queue, "ttft_ms": first, "duration_ms": whole}, dtype="Int64")
    assert dict(parts_of(row)) == parts


@pytest.mark.parametrize(
    ("text", "request_id"),
    [
        ("19e697d378b3de5f", 0x19E697D378B3DE5F),
        ("MSG_19E697D378B3DE5F", 0x19E697D378B3DE5F),
        ("f9e697d378b3de5f", None),  # more than 63 bits: no id
        ("cursor", None),
    ],
)
def test_an_id_is_told_from_a_name(text: str, request_id: int | None) -> None:
    assert id_of(text) == request_id


def test_a_place_is_read_as_it_is_written() -> None:
    place = (NOON, new_id())
    assert pager.from_text(pager.to_text(place)) == place
    assert pager.from_text("1-1") is None
