"""Requests and Connect, on an empty ledger and with rows in it."""

from datetime import UTC, date, datetime

import pytest

from db import keys, people
from db.records import RequestOutcome
from engine.api.service import Service
from tests.dashboard.conftest import open_page
from tests.db.team import NOON, Team, outcome, window

HOSTILE = "<img src=x onerror=alert(1)> [Ada](http://evil) $x$"


def request(
    product: Service,
    *,
    name: str = "Ada",
    energy_j: float | None = 36.0,
    counts_exact: bool = True,
) -> int:
    """One answered request of 40 + 25 tokens at noon UTC."""
    person = people.find_developer(product.database, name) or people.add_developer(
        product.database, name, actor="test"
    )
    team = Team(person.id, key=0)
    request_id = team.admit(product.ledger, developer_name=name, api_key_id=None)
    if energy_j is not None:
        product.ledger.record_energy(window({request_id: energy_j})).result(20)
    done: RequestOutcome = outcome(request_id, ttft_ms=250.0, counts_exact=counts_exact)
    product.ledger.finish(done).result(20)
    return request_id


def test_an_empty_ledger_says_how_to_get_the_first_request(product: Service) -> None:
    page = open_page("requests")
    assert any("No request yet" in box.value for box in page.info)


def test_a_request_stands_in_the_table_in_the_readers_time(product: Service) -> None:
    request(product)
    (row,) = open_page("requests").dataframe[0].value.to_dict("records")
    assert row["Developer"] == "Ada"
    assert (row["Input"], row["Output"]) == (40, 25)
    assert (row["Energy"], row["Energy is"]) == (36.0, "measured")
    assert str(row["Started"]) == "2026-01-01 17:30:00"  # noon UTC in India
    assert NOON == 1_767_268_800_000


def test_energy_that_is_not_known_is_not_shown_as_zero(product: Service) -> None:
    request(product, energy_j=None)
    (row,) = open_page("requests").dataframe[0].value.to_dict("records")
    assert row["Energy"] != row["Energy"], "NaN"
    assert row["Energy is"] == "unknown"


def test_counts_that_are_estimates_are_marked(product: Service) -> None:
    request(product, counts_exact=False)
    (row,) = open_page("requests").dataframe[0].value.to_dict("records")
    assert row["Counts are"] == "≈ estimated"


def test_pages_follow_each_other_without_gap_or_repetition(product: Service) -> None:
    ids = [request(product) for _ in range(53)]
    assert len(set(ids)) == 53
    page = open_page("requests")
    assert len(page.dataframe[0].value) == 50
    next(button for button in page.button if button.label == "Older").click()
    page.run()
    assert len(page.dataframe[0].value) == 3
    assert next(button for button in page.button if button.label == "Older").disabled
    next(button for button in page.button if button.label == "Newer").click()
    page.run()
    assert len(page.dataframe[0].value) == 50


def test_a_filter_shows_one_developers_requests(product: Service) -> None:
    request(product, name="Ada")
    request(product, name="Grace")
    page = open_page("requests")
    page.selectbox(key="developer").select("Grace").run()
    assert page.dataframe[0].value["Developer"].tolist() == ["Grace"]


@pytest.mark.parametrize("name", ["overview", "requests", "energy", "chat", "connect", "settings"])
def test_a_hostile_name_breaks_no_page_and_is_never_markup(product: Service, name: str) -> None:
    request(product, name=HOSTILE)
    page = open_page(name)
    for text in [*page.markdown, *page.caption]:
        assert HOSTILE not in text.value, "a name must be escaped where Markdown is read"


def test_the_snippets_name_the_readers_own_address(product: Service) -> None:
    page = open_page("connect")
    assert any("http://gpu-box:8501/v1/chat/completions" in code.value for code in page.code)


def test_a_new_key_works_and_is_shown_only_until_it_was_copied(product: Service) -> None:
    page = open_page("connect")
    page.text_input[0].set_value("Ada")
    page.text_input[1].set_value("Continue")
    next(button for button in page.button if button.label == "Make the key").click()
    page.run()
    plaintext = next(code.value for code in page.code if code.value.startswith("bk-"))
    owner = keys.verify(product.database, plaintext)
    assert owner is not None
    assert (owner.developer_name, owner.key_name) == ("Ada", "Continue")
    assert any(plaintext in code.value for code in page.code if "curl" in code.value)

    next(button for button in page.button if button.label == "I have copied it").click()
    page.run()
    assert not any(plaintext in code.value for code in page.code)


def test_a_key_works_until_the_end_of_its_last_day_where_the_reader_is(product: Service) -> None:
    people.add_developer(product.database, "Ada", actor="test")
    page = open_page("connect")
    page.text_input[0].set_value("Continue")
    page.date_input[0].set_value(date(2033, 1, 31))
    next(button for button in page.button if button.label == "Make the key").click()
    page.run()
    assert not page.exception
    (key,) = keys.list_keys(product.database)
    midnight_in_india = datetime(2033, 1, 31, 18, 30, tzinfo=UTC)  # of the day after
    assert key.expires_at == midnight_in_india.timestamp() * 1000


def test_a_key_cannot_end_before_it_begins(product: Service) -> None:
    people.add_developer(product.database, "Ada", actor="test")
    page = open_page("connect")
    page.text_input[0].set_value("Continue")
    page.date_input[0].set_value(date(2020, 1, 31))
    next(button for button in page.button if button.label == "Make the key").click()
    page.run()
    assert "cannot expire in the past" in page.error[0].value
    assert keys.list_keys(product.database) == []


def test_a_key_without_a_tool_is_refused_in_words(product: Service) -> None:
    people.add_developer(product.database, "Ada", actor="test")
    page = open_page("connect")
    next(button for button in page.button if button.label == "Make the key").click()
    page.run()
    assert "needs its tool" in page.error[0].value.replace("\\", "")
    assert keys.list_keys(product.database) == []
