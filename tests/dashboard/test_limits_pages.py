"""Limits are set where people and keys are kept, and shown beside what is used of them."""

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import TextInput

from db import keys, limits, people
from db.ids import now_ms
from db.limits import NO_LIMITS, Limits
from engine.api.service import Service
from tests.dashboard.conftest import open_page
from tests.db.team import Team, outcome, window


@pytest.fixture
def ada(product: Service) -> people.Person:
    return people.add_developer(product.database, "Ada", actor="test")


def settings(tab: str) -> AppTest:
    page = open_page("settings")
    page.query_params["settings-tab"] = tab
    page.run()
    assert not page.exception
    return page


def field(page: AppTest, label: str) -> TextInput:
    return next(one for one in page.text_input if one.label == label)


def press(page: AppTest, label: str) -> None:
    next(button for button in page.button if button.label == label).click()
    page.run()
    assert not page.exception


def use(product: Service, ada: people.Person, key: keys.Key, energy_j: float | None) -> None:
    """One request of 40 + 25 tokens, now."""
    request_id = Team(ada.id, key.id).admit(
        product.ledger, developer_name="Ada", api_key_id=key.id, started_at=now_ms()
    )
    if energy_j is not None:
        product.ledger.record_energy(window({request_id: energy_j})).result(20)
    product.ledger.finish(outcome(request_id)).result(20)


def make_key(product: Service, ada: people.Person, expires_at: int | None = None) -> keys.Key:
    key, _ = keys.create_key(
        product.database, ada.id, "editor", actor="test", expires_at=expires_at
    )
    return key


def test_a_developers_limits_are_set_in_kilowatt_hours_and_kept_in_joules(
    product: Service, ada: people.Person
) -> None:
    page = settings("People")
    field(page, "Requests per minute").set_value("10")
    field(page, "Tokens per month").set_value("1,000,000")
    field(page, "Energy per month, kWh").set_value("0.5")
    press(page, "Save the limits")
    assert limits.get_limits(product.database, developer_id=ada.id) == Limits(
        requests_per_minute=10, tokens_per_month=1_000_000, energy_j_per_month=1_800_000.0
    )
    assert field(page, "Energy per month, kWh").value == "0.5"
    assert page.dataframe[0].value["Limits"].tolist() == ["set"]


def test_a_field_that_is_emptied_lifts_its_limit_alone(
    product: Service, ada: people.Person
) -> None:
    before = Limits(requests_per_minute=10, tokens_per_minute=500)
    limits.set_limits(product.database, before, developer_id=ada.id, actor="test")
    page = settings("People")
    field(page, "Requests per minute").set_value("")
    press(page, "Save the limits")
    after = limits.get_limits(product.database, developer_id=ada.id)
    assert after == Limits(tokens_per_minute=500)


@pytest.mark.parametrize(
    ("label", "typed", "told"),
    [
        ("Requests at once", "0", "need a whole number above 0"),
        ("Tokens per month", "-5", "need a whole number above 0"),
        ("Tokens per minute", "a few", "'a few' is not a whole number"),
        ("Energy per month, kWh", "1,5", "'1,5' is not a number"),
        ("Energy per month, kWh", "nan", "needs a number above 0"),
    ],
)
def test_what_can_be_no_limit_is_refused_in_words(
    product: Service, ada: people.Person, label: str, typed: str, told: str
) -> None:
    page = settings("People")
    field(page, label).set_value(typed)
    press(page, "Save the limits")
    assert told in page.error[0].value.replace("\\", "")
    assert limits.get_limits(product.database, developer_id=ada.id) == NO_LIMITS


def test_a_key_has_limits_of_its_own(product: Service, ada: people.Person) -> None:
    key = make_key(product, ada)
    page = settings("Keys")
    field(page, "Tokens per minute").set_value("2000")
    press(page, "Save the limits")
    assert limits.get_limits(product.database, api_key_id=key.id) == Limits(tokens_per_minute=2_000)
    assert limits.get_limits(product.database, developer_id=ada.id) == NO_LIMITS
    assert page.dataframe[0].value["Limits"].tolist() == ["of the key"]


def test_models_that_are_set_can_be_chosen_though_none_is_served(
    product: Service, ada: people.Person
) -> None:
    before = Limits(models=("big-moe", "small"))
    limits.set_limits(product.database, before, developer_id=ada.id, actor="test")
    page = settings("People")
    assert page.multiselect[0].value == ["big-moe", "small"]
    page.multiselect[0].set_value(["small"])
    press(page, "Save the limits")
    after = limits.get_limits(product.database, developer_id=ada.id)
    assert after == Limits(models=("small",))


def test_lifting_all_limits_asks_first(product: Service, ada: people.Person) -> None:
    before = Limits(requests_per_minute=10)
    limits.set_limits(product.database, before, developer_id=ada.id, actor="test")
    page = settings("People")
    press(page, "Lift all limits")
    assert limits.get_limits(product.database, developer_id=ada.id) == before
    assert any("may then use as much as there is" in text.value for text in page.markdown)


def test_a_months_use_stands_beside_its_budget(product: Service, ada: people.Person) -> None:
    key = make_key(product, ada)
    budget = Limits(tokens_per_month=130, energy_j_per_month=3_600.0)
    limits.set_limits(product.database, budget, api_key_id=key.id, actor="test")
    use(product, ada, key, energy_j=900.0)
    page = settings("Keys")
    tokens, energy = page.progress
    assert (tokens.value, energy.value) == (50, 25)
    assert tokens.text == "Tokens: 65 of 130 (50%)"
    assert energy.text == "Energy: 0.25 Wh of 1 Wh (25%)"
    assert any("begins anew on 1 " in caption.value for caption in page.caption)


def test_energy_that_no_meter_told_uses_up_no_budget_and_is_not_zero(
    product: Service, ada: people.Person
) -> None:
    key = make_key(product, ada)
    limits.set_limits(
        product.database, Limits(energy_j_per_month=3_600.0), api_key_id=key.id, actor="test"
    )
    use(product, ada, key, energy_j=None)
    page = settings("Keys")
    assert page.progress[0].text == "Energy: unknown of 1 Wh"


def test_connect_shows_what_a_key_and_its_developer_may_use(
    product: Service, ada: people.Person
) -> None:
    key = make_key(product, ada)
    limits.set_limits(
        product.database, Limits(requests_per_minute=7), api_key_id=key.id, actor="test"
    )
    limits.set_limits(
        product.database, Limits(tokens_per_month=1_000), developer_id=ada.id, actor="test"
    )
    page = open_page("connect")
    said = [text.value.replace("\\", "") for text in page.markdown]
    assert "7 requests a minute." in said
    assert page.progress[0].text == "Tokens: 0 of 1,000 (0%)"


def test_a_key_that_has_expired_is_shown_as_such(product: Service, ada: people.Person) -> None:
    soon = now_ms() + 1_500
    make_key(product, ada, expires_at=soon)
    assert open_page("connect").dataframe[0].value["State"].tolist() == ["works"]
    while now_ms() <= soon:
        pass
    assert open_page("connect").dataframe[0].value["State"].tolist() == ["expired"]
