"""An attacker's tests: each role at every page, event, export and change that is not theirs."""

import asyncio
import itertools
from collections.abc import Iterator
from itertools import product as product_of

import pytest
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from dashboard import access, ui
from dashboard.engine_page.payload import live_payload as engine_payload
from dashboard.engine_page.routes import ENGINE_EVENTS, engine_routes
from dashboard.ledgers import engine_of
from dashboard.live import routes
from dashboard.live.hub import Hub
from dashboard.live.routes import EVENTS, live_routes
from dashboard.overview import View
from dashboard.overview_words import live_payload
from dashboard.pages import PAGES, pages_for
from dashboard.reports.routes import Downloads
from dashboard.settings_parts import audit
from dashboard.viewer import NotAllowed
from db import accounts, keys, people
from db.accounts import Holder
from engine.api.service import Service
from tests.dashboard.conftest import open_page
from tests.dashboard.people_of_roles import ROLES, SEES, Be, Door, Somebody
from tests.dashboard.reports.books import rows_of
from tests.product import ROOT

pytestmark = pytest.mark.usefixtures("beyond_localhost")

RANGE = "from=2025-12-01&to=2026-02-01"
FOR_EVERYBODY = ("My usage", "Requests", "Chat", "Connect", "Export")
TABS = ("People", "Accounts", "Keys", "Prices", "Energy", "Alerts", "Retention")
RANKS = ("developer", "lead", "manager", "admin")


@pytest.fixture
def browser(product: Service) -> Iterator[TestClient]:
    hub: Hub[View] = Hub(lambda view: live_payload(engine_of(view.ledger), view))
    engine_hub = Hub(engine_payload)
    served = [*live_routes(hub), *engine_routes(engine_hub), *Downloads().routes()]
    yield Door(lambda: product.database, served).browser()
    hub.close()
    engine_hub.close()


class TestExports:
    @pytest.mark.parametrize("what", ["requests", "usage"])
    def test_hold_exactly_what_their_reader_may_see(
        self, browser: TestClient, everybody: dict[str, Somebody], what: str
    ) -> None:
        for name, sees in SEES.items():
            answer = browser.get(f"/exports/{what}.csv?{RANGE}", headers=everybody[name].headers)
            assert {row["developer"] for row in rows_of(answer.content)} == sees

    @pytest.mark.parametrize("name", SEES)
    def test_with_crafted_ids_hold_no_more(
        self,
        browser: TestClient,
        everybody: dict[str, Somebody],
        ids: dict[str, int],
        name: str,
    ) -> None:
        for other, team in product_of(ids, ("", "&team=1", "&team=2", "&team=0", "&team=99")):
            address = f"/exports/requests.csv?{RANGE}&developer={ids[other]}{team}"
            answer = browser.get(address, headers=everybody[name].headers)
            if answer.status_code == 200:
                found = {row["developer"] for row in rows_of(answer.content)}
                assert found <= SEES[name] & {other}
            else:
                assert answer.status_code == 403
                assert other not in answer.text

    def test_of_costs_and_of_the_sample_are_for_who_may_see_them(
        self, browser: TestClient, everybody: dict[str, Somebody]
    ) -> None:
        least_of = {
            f"/exports/focus.csv?{RANGE}": "lead",
            f"/exports/focus.csv?{RANGE}&team=2": "manager",
            "/exports/month.pdf?month=2026-01": "manager",
            "/exports/month.xlsx?month=2026-01": "manager",
            f"/exports/requests.csv?{RANGE}&ledger=sample": "manager",
        }
        for address, name in product_of(least_of, SEES):
            answer = browser.head(address, headers=everybody[name].headers)
            allowed = RANKS.index(ROLES[name]) >= RANKS.index(least_of[address])
            assert answer.status_code == (200 if allowed else 403), (name, address)

    def test_a_leads_focus_tells_of_their_team_alone(
        self, browser: TestClient, everybody: dict[str, Somebody]
    ) -> None:
        answer = browser.get(f"/exports/focus.csv?{RANGE}", headers=everybody["Lea"].headers)
        assert "Data" not in answer.text

    def test_tell_a_lead_who_moved_their_own_of_before_and_of_others_the_team_alone(
        self,
        browser: TestClient,
        product: Service,
        everybody: dict[str, Somebody],
        ids: dict[str, int],
    ) -> None:
        people.set_team(product.database, ids["Lea"], "Data", actor="test")

        def told(asked: str) -> set[str]:
            address = f"/exports/requests.csv?{RANGE}{asked}"
            answer = browser.get(address, headers=everybody["Lea"].headers)
            assert answer.status_code == 200
            return {row["developer"] for row in rows_of(answer.content)}

        assert told("") == {"Bob", "Max", "Amy"}
        assert told(f"&developer={ids['Lea']}") == {"Lea"}
        assert told(f"&developer={ids['Ada']}") == set()
        costs = f"/exports/focus.csv?{RANGE}&developer={ids['Lea']}"
        assert browser.get(costs, headers=everybody["Lea"].headers).status_code == 400

    def test_a_change_of_role_counts_for_the_next_one(
        self, browser: TestClient, product: Service, everybody: dict[str, Somebody]
    ) -> None:
        max_ = everybody["Max"]
        address = f"/exports/requests.csv?{RANGE}"
        assert len(rows_of(browser.get(address, headers=max_.headers).content)) == 5
        people.set_role(product.database, max_.developer_id, "developer", actor="test")
        assert len(rows_of(browser.get(address, headers=max_.headers).content)) == 1


class TestEvents:
    def test_of_everybodys_costs_and_of_the_engine_are_refused(
        self, browser: TestClient, everybody: dict[str, Somebody]
    ) -> None:
        for name, address in product_of(("Ada", "Lea"), (EVENTS, ENGINE_EVENTS)):
            assert browser.get(address, headers=everybody[name].headers).status_code == 403

    @pytest.mark.parametrize("end", ["disabled", "demoted"])
    def test_end_once_their_reader_may_not_see_them(
        self, product: Service, everybody: dict[str, Somebody], end: str
    ) -> None:
        figures = itertools.count()
        hub: Hub[View] = Hub(lambda _view: {"figure": next(figures)})
        max_ = everybody["Max"]

        async def read() -> int:
            pieces = routes._stream(hub, View("own", "month", "UTC", "by_use"), max_.cookie)
            await anext(pieces)
            if end == "disabled":
                accounts.disable_account(product.database, max_.account_id, actor="test")
            else:
                people.set_role(product.database, max_.developer_id, "lead", actor="test")
            hub.announce()
            return len([piece async for piece in pieces])

        assert asyncio.run(read()) == 0


class TestPages:
    @pytest.mark.parametrize("name", ["Ada", "Lea"])
    def test_of_everybodys_figures_show_nothing_even_if_their_code_is_reached(
        self, as_: Be, name: str
    ) -> None:
        as_(name)
        for one in PAGES:
            if one.title in FOR_EVERYBODY or (one.title, name) == ("Team", "Lea"):
                continue
            script = str(ROOT / f"dashboard/views/{one.script}.py")
            page = AppTest.from_file(script, default_timeout=30).run()
            assert not page.exception
            assert "managers and admins; you are signed in as a" in page.warning[0].value
            assert not page.title
            assert not page.dataframe
            assert not page.button

    @pytest.mark.parametrize("name", SEES)
    def test_of_the_navigation_all_open_and_tell_no_error(self, as_: Be, name: str) -> None:
        as_(name)
        viewer = access.page_viewer()
        assert viewer is not None
        offered = pages_for(viewer)
        assert {"My usage", "Requests", "Chat", "Connect", "Export"} <= {it.title for it in offered}
        for one in offered:
            page = main_page(one.script)
            assert [title.value for title in page.title] == [one.title]
            assert not page.error
            assert not any("you are signed in as" in box.value for box in page.warning)

    @pytest.mark.parametrize("name", SEES)
    def test_of_requests_lists_what_their_reader_may_see(self, as_: Be, name: str) -> None:
        as_(name)
        page = main_page("requests")
        assert set(page.dataframe[0].value["Developer"]) == SEES[name]
        assert set(choices(page, "Developer")) == {"Everybody", *SEES[name]}

    def test_of_my_usage_is_ones_own_and_a_managers_anybodys(self, as_: Be) -> None:
        for name, offered in (("Ada", {"Ada"}), ("Lea", {"Lea"}), ("Max", SEES["Max"])):
            as_(name)
            assert set(choices(main_page("my_usage"), "Developer")) == offered

    def test_of_my_usage_lists_what_it_counts_of_a_lead_who_moved(
        self, product: Service, as_: Be, ids: dict[str, int]
    ) -> None:
        as_("Lea")
        people.set_team(product.database, ids["Lea"], "Data", actor="test")
        page = open_page("my_usage", range="All")
        assert next(figure.value for figure in page.metric if figure.label == "Requests") == "1"
        last = next(frame.value for frame in page.dataframe if "Output tokens" in frame.value)
        assert len(last) == 1

    def test_of_team_is_the_leads_own_and_a_managers_any(self, as_: Be) -> None:
        as_("Lea")
        page = main_page("team")
        assert choices(page, "Team") == ["Platform"]
        assert not any("All teams" in text.value or "all teams" in text.value
                       for text in page.markdown)  # fmt: skip
        as_("Max")
        assert len(choices(main_page("team"), "Team")) == 4

    def test_of_export_offers_a_lead_their_team_alone(self, as_: Be) -> None:
        as_("Lea")
        page = main_page("export")
        assert choices(page, "Team") == ["Every team", "Platform"]
        assert choices(page, "Developer") == ["Everybody", "Ada", "Lea"]

    def test_of_connect_makes_and_revokes_ones_own_keys_only(
        self, product: Service, as_: Be, ids: dict[str, int]
    ) -> None:
        keys.create_key(product.database, ids["Bob"], "editor", actor="test")
        as_("Ada")
        page = main_page("connect")
        assert page.selectbox[0].options == ["Ada"]
        assert "Bob" not in str([frame.value for frame in page.dataframe])
        page.text_input[0].set_value("Continue")
        next(button for button in page.button if button.label == "Make the key").click()
        page.run()
        newest = keys.list_keys(product.database)[0]
        assert (newest.developer_name, newest.name) == ("Ada", "Continue")

    def test_of_connect_says_what_to_do_where_an_account_is_no_developers(
        self, product: Service, as_: Be, everybody: dict[str, Somebody]
    ) -> None:
        max_ = as_("Max")
        accounts.change_account(
            product.database, max_.account_id, Holder(role="manager"), None, actor="test"
        )
        page = main_page("connect")
        assert any("your account belongs to none" in box.value for box in page.info)
        assert not [button for button in page.button if button.label == "Make the key"]

    def test_of_chat_is_booked_to_who_is_signed_in(self, as_: Be) -> None:
        as_("Amy")
        page = main_page("chat")
        assert "You are" not in [box.label for box in page.selectbox]

    def test_of_settings_says_to_a_manager_who_changes_it(self, as_: Be) -> None:
        as_("Max")
        page = main_page("settings")
        assert "an admin changes it" in str([box.value for box in page.info])

    def test_of_settings_does_nothing_for_who_is_no_admin_when_a_button_is_pressed(
        self, product: Service, as_: Be
    ) -> None:
        """As whoever sends the message that a button sends, although theirs is out of reach."""
        as_("Amy")
        page = main_page("settings")
        page.text_input[0].set_value("Mallory")
        next(button for button in page.button if button.label == "Add").click()
        as_("Max")
        page.run()
        assert not page.exception
        assert people.find_developer(product.database, "Mallory") is None

    def test_of_settings_take_an_admins_name_for_each_change_and_nobody_elses(
        self, as_: Be
    ) -> None:
        for name in ("Ada", "Lea", "Max"):
            as_(name)
            with pytest.raises(NotAllowed, match="This is for admins"):
                ui.actor("admin")
        as_("Amy")
        assert ui.actor("admin") == "amy"

    @pytest.mark.parametrize("tab", TABS)
    def test_of_settings_has_no_button_within_a_managers_reach(
        self, product: Service, as_: Be, ids: dict[str, int], tab: str
    ) -> None:
        keys.create_key(product.database, ids["Bob"], "editor", actor="test")
        for name, reaches in (("Max", False), ("Amy", True)):
            as_(name)
            page = main_page("settings")
            page.query_params["settings-tab"] = tab
            page.run()
            assert not page.exception
            within_reach = [button.label for button in page.button if not button.disabled]
            assert bool(within_reach) == reaches, within_reach

    def test_of_settings_tells_the_audit_trail_to_admins_alone(self, as_: Be) -> None:
        for name, told in (("Max", False), ("Amy", True)):
            as_(name)
            assert ("Audit" in [tab.label for tab in main_page("settings").tabs]) == told
        with pytest.raises(NotAllowed):
            audit._csv(as_("Max").cookie, None, None)
        assert b"account added" in audit._csv(as_("Amy").cookie, None, None)

    def test_navigation_has_what_the_role_may_see(self, as_: Be, product: Service) -> None:
        for name, first in (("Ada", "My usage"), ("Lea", "Team"), ("Amy", "Overview")):
            as_(name)
            page = main_page("")
            assert [title.value for title in page.title] == [first]

    def test_a_disabled_account_sees_nothing_on_its_next_run(
        self, product: Service, as_: Be
    ) -> None:
        ada = as_("Ada")
        page = main_page("connect")
        accounts.disable_account(product.database, ada.account_id, actor="test")
        page.run()
        assert [box.value for box in page.warning] == ["You are signed out."]
        assert not page.dataframe
        assert not page.button


def choices(page: AppTest, label: str) -> list[str]:
    return next(box.options for box in page.selectbox if box.label == label)


def main_page(name: str) -> AppTest:
    """The main script, on a page."""
    page = AppTest.from_file(str(ROOT / "dashboard" / "main.py"), default_timeout=30)
    page.context = {"timezone": "UTC", "url": "http://gpu-box:8501/"}
    page.run()
    if name:
        page.switch_page(f"views/{name}.py").run()
    assert not page.exception, page.exception
    return page
