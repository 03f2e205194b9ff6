"""Settings → Alerts, and what every page says while something fires."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from db import alert_destinations, alert_rules, alert_states, people
from db.alert_history import firing_now
from db.alert_rules import Rule
from db.alert_states import Reading
from db.ids import now_ms
from engine.api.events import EngineState
from engine.api.service import Service
from tests.dashboard.alerts.receivers import Webhook, webhook
from tests.dashboard.conftest import open_page
from tests.dashboard.people_of_roles import Be

HOSTILE = "<img src=x onerror=alert(1)> [Ada](http://evil) $x$"


@pytest.fixture(autouse=True)
def ready(product: Service) -> None:
    product.embedded.state = EngineState("ready")


@pytest.fixture
def hook(product: Service) -> Iterator[Webhook]:
    with webhook() as made:
        alert_destinations.add_webhook(product.database, "Ops", made.url, actor="test")
        yield made


@pytest.fixture
def firing(product: Service) -> Service:
    """A developer with a hostile name is over budget, and a disk is full."""
    ada = people.add_developer(product.database, HOSTILE, actor="test")
    budget = Rule("budget", Decimal(90), Decimal(85), 0, developer_id=ada.id)
    disk = Rule("disk", Decimal(90), Decimal(85), 0)
    first, second = alert_rules.add_rules(product.database, [budget, disk], actor="test")
    readings = {
        first: [Reading(f"developer {ada.id} tokens", Decimal(93))],
        second: [Reading("gpu-1|disk /srv", Decimal(97))],
    }
    alert_states.apply(product.database, readings, now_ms())
    return product


def alerts() -> AppTest:
    return open_page("settings", **{"settings-tab": "Alerts"})


def click(page: AppTest, label: str) -> None:
    next(button for button in page.button if button.label == label).click()
    page.run()
    assert not page.exception


def fill(page: AppTest, label: str, text: str, *, last: bool = False) -> None:
    fields = [one for one in page.text_input if one.label == label]
    fields[-1 if last else 0].set_value(text)


def said(page: AppTest) -> str:
    boxes = (*page.warning, *page.error, *page.info, *page.success)
    return "\n".join(box.value.replace("\\", "") for box in boxes)


def test_without_rules_the_page_offers_the_usual_ones(product: Service) -> None:
    page = alerts()
    assert "No rules yet" in said(page)
    assert "Nothing fires." not in said(page), "nothing could"
    assert "nobody is sent a message" in said(page)
    click(page, "Add the usual rules")
    assert len(alert_rules.list_rules(product.database)) == 6
    assert page.dataframe[0].value["Rule"].tolist()[0] == "Budget used"


def test_a_rule_is_added_with_its_thresholds(product: Service) -> None:
    page = alerts()
    next(box for box in page.selectbox if box.label == "What it watches").set_value("disk")
    page.run()
    fill(page, "Fires at, %", "80")
    fill(page, "Clears below, %", "75.5")
    click(page, "Add the rule")
    (saved,) = alert_rules.list_rules(product.database)
    assert (saved.rule.kind, saved.rule.threshold, saved.rule.clears_at) == (
        "disk", Decimal(80), Decimal("75.5"),
    )  # fmt: skip
    assert saved.rule.timezone == "Asia/Kolkata", "the reader's"


def test_a_rule_may_be_of_one_developer_whatever_they_are_called(product: Service) -> None:
    somebody = people.add_developer(product.database, "everybody", "Platform", actor="test")
    page = alerts()
    box = next(box for box in page.selectbox if box.label == "Whose budgets")
    assert box.options == ["everybody", "team Platform", "developer everybody"]
    box.set_value((None, somebody.id))
    click(page, "Add the rule")
    (saved,) = alert_rules.list_rules(product.database)
    assert saved.rule.developer_id == somebody.id


def test_a_rule_that_cannot_be_is_refused_beside_the_form(product: Service) -> None:
    page = alerts()
    fill(page, "Clears below, %", "95")
    click(page, "Add the rule")
    assert "has to be 90 or less" in said(page)
    fill(page, "Clears below, %", "a lot")
    click(page, "Add the rule")
    assert "'a lot' is not a number" in said(page)
    assert alert_rules.list_rules(product.database) == []


def test_a_rule_is_changed_and_removing_it_asks_first(product: Service) -> None:
    alert_rules.add_rules(product.database, [Rule("disk", Decimal(90), Decimal(85))], actor="test")
    page = alerts()
    fill(page, "Held for, minutes", "30", last=True)
    click(page, "Save the rule")
    assert alert_rules.list_rules(product.database)[0].rule.for_minutes == 30
    click(page, "Remove the rule")
    assert any("what fires by it ends" in text.value for text in page.markdown)
    assert alert_rules.list_rules(product.database), "it asks first"


def test_a_webhook_is_added_and_its_address_never_shown_again(product: Service) -> None:
    page = alerts()
    fill(page, "Name", "Ops")
    fill(page, "Webhook's address", "https://hooks.example/s3cret")
    click(page, "Add")
    (made,) = alert_destinations.list_destinations(product.database)
    assert made.url == "https://hooks.example/s3cret"
    assert [one.value for one in page.text_input if one.label == "Webhook's address"] == [""]
    page = alerts()
    everything = [*page.markdown, *page.caption, *page.text_input, *page.text, *page.info]
    assert "s3cret" not in str([one.value for one in everything])
    assert [one.value for one in page.text] == ["hooks.example"]


def test_a_test_says_that_it_got_there(product: Service, hook: Webhook) -> None:
    page = alerts()
    click(page, "Send a test")
    assert "Delivered" in said(page)
    assert "This is a test" in hook.texts[0]


def test_a_test_that_failed_says_why_and_what_to_do(product: Service, hook: Webhook) -> None:
    hook.status = 404
    page = alerts()
    click(page, "Send a test")
    assert "knows no such webhook (any more); make a new one there" in said(page)
    assert "The last message did not get there" in said(alerts())


def test_what_fires_stands_on_every_page_with_names_escaped(firing: Service) -> None:
    page = open_page("requests")
    (box,) = [one for one in page.warning if "2 alerts" in one.value]
    assert "97% full" in box.value.replace("\\", "")
    overview = open_page("overview").warning[0].value
    assert "[Ada](http://evil)" not in overview
    assert "has used 93% of the month's budget of tokens" in overview.replace("\\", "")


def test_the_part_shows_what_fires_and_the_history(firing: Service) -> None:
    page = alerts()
    assert said(page).count("Since") == 2
    history = page.dataframe[1].value
    assert history["Ended"].tolist() == ["fires", "fires"]
    assert history["Messages"].tolist() == ["no destination"] * 2
    for saved in alert_rules.list_rules(firing.database):
        off = replace(saved.rule, enabled=False)
        alert_rules.change_rule(firing.database, saved.id, off, actor="test")
    page = alerts()
    assert "Nothing fires." in said(page)
    assert all("the rule was stopped" in end for end in page.dataframe[1].value["Ended"])


def test_while_nothing_fires_no_page_says_anything(product: Service) -> None:
    assert firing_now(product.database) == []
    assert not open_page("requests").warning


@pytest.mark.usefixtures("beyond_localhost")
class TestRights:
    def test_a_developer_is_told_of_no_alert(
        self,
        firing: Service,
        as_: Be,
    ) -> None:
        as_("Ada")
        assert not open_page("requests").warning

    def test_a_manager_sees_the_part_and_changes_nothing(
        self,
        firing: Service,
        hook: Webhook,
        as_: Be,
    ) -> None:
        as_("Max")
        page = alerts()
        assert "97% full" in said(page)
        assert [button.label for button in page.button] == []
