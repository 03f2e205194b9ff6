"""Settings: people, accounts, keys and prices, with mistakes explained beside the form."""

from datetime import UTC, date, datetime

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import TextInput

from db import accounts, grid, keys, memberships, people, prices, retention, teams
from db.accounts import Holder, add_account, check_password, has_admin
from db.retention import Retention
from engine.api.service import Service
from tests.dashboard.conftest import open_page
from tests.db.energy_rows import request, write
from tests.db.team import NOON

pytestmark = pytest.mark.usefixtures("product")


def settings(tab: str = "People") -> AppTest:
    page = open_page("settings")
    page.query_params["settings-tab"] = tab
    page.run()
    assert not page.exception
    return page


def submit(page: AppTest, label: str) -> None:
    next(button for button in page.button if button.label == label).click()
    page.run()
    assert not page.exception


def fill(page: AppTest, label: str, text: str) -> None:
    fields: list[TextInput] = [one for one in page.text_input if one.label == label]
    fields[0].set_value(text)


def test_a_developer_is_added_with_their_team(product: Service) -> None:
    page = settings()
    fill(page, "Name", "Ada")
    fill(page, "Team (optional)", "Platform")
    submit(page, "Add")
    (ada,) = people.list_developers(product.database)
    assert (ada.name, ada.team) == ("Ada", "Platform")
    assert "Ada" in page.dataframe[0].value["Name"].tolist()


def test_a_name_that_is_taken_is_refused_in_words(product: Service) -> None:
    people.add_developer(product.database, "Ada", actor="test")
    page = settings()
    fill(page, "Name", "ada")
    submit(page, "Add")
    assert "already a developer named Ada" in page.error[0].value.replace("\\", "")
    assert len(people.list_developers(product.database)) == 1


def test_archiving_asks_first(product: Service) -> None:
    ada = people.add_developer(product.database, "Ada", actor="test")
    page = settings()
    submit(page, "Archive")
    assert any("all their keys stop working at once" in text.value for text in page.markdown)
    assert people.list_developers(product.database) == [ada]


def test_saving_prices_adds_a_dated_row(product: Service) -> None:
    page = settings("Prices")
    fill(page, "Hardware price", "12000.50")
    submit(page, "Save as a new dated entry")
    assert str(prices.current_prices(product.database).hardware_price) == "12000.5"
    assert not page.error


def test_a_price_that_is_no_number_is_refused_in_words(product: Service) -> None:
    page = settings("Prices")
    fill(page, "Hardware price", "a lot")
    submit(page, "Save as a new dated entry")
    assert "hardware's price is not a number" in page.error[0].value.replace("\\", "")
    assert prices.current_prices(product.database).hardware_price == 25_000


def test_keys_are_listed_by_their_beginning_alone(product: Service) -> None:
    ada = people.add_developer(product.database, "Ada", actor="test")
    key, plaintext = keys.create_key(product.database, ada.id, "editor", actor="test")
    page = settings("Keys")
    shown = page.dataframe[0].value
    assert shown["Begins with"].tolist() == [f"{key.prefix}…"]
    assert plaintext not in shown.to_string()


def test_the_engine_tab_says_what_is_not_there_yet() -> None:
    page = settings("Engine")
    assert any("not loaded yet" in box.value for box in page.info)


def test_an_account_is_added_with_a_one_time_password_that_is_shown_once(product: Service) -> None:
    page = settings("Accounts")
    assert any("Add an admin's account first" in box.value for box in page.info)
    fill(page, "Name to sign in with", "boss")
    submit(page, "Add")
    (password,) = [code.value for code in page.code]
    account = check_password(product.database, "boss", password)
    assert account is not None
    assert (account.role, account.must_change) == ("admin", True)
    assert page.dataframe[0].value["Password"].tolist() == ["one-time"]
    submit(page, "I have copied it")
    assert not page.code


def test_an_account_is_linked_to_a_developer_and_enabled_again(product: Service) -> None:
    add_account(
        product.database, "boss", Holder(role="admin"), password="correct horse", actor="test"
    )
    people.add_developer(product.database, "Ada", actor="test")
    page = settings("Accounts")
    fill(page, "Name to sign in with", "ada")
    fill(page, "One-time password", "typed by an admin")
    submit(page, "Add")
    assert not page.code, "who typed it knows it"
    account = check_password(product.database, "ada", "typed by an admin")
    assert account is not None
    assert (account.developer, account.role) == ("Ada", "developer")
    accounts.disable_account(product.database, account.id, actor="test")
    next(box for box in page.selectbox if box.label == "Change an account").select("ada").run()
    submit(page, "Enable")
    assert check_password(product.database, "ada", "typed by an admin") is not None


def test_disabling_an_account_asks_first(product: Service) -> None:
    add_account(
        product.database, "boss", Holder(role="admin"), password="correct horse", actor="test"
    )
    page = settings("Accounts")
    submit(page, "Disable")
    assert any("is signed out at once" in text.value for text in page.markdown)
    assert has_admin(product.database)


def test_the_last_admin_cannot_be_made_a_developer(product: Service) -> None:
    add_account(
        product.database, "boss", Holder(role="admin"), password="correct horse", actor="test"
    )
    people.add_developer(product.database, "Ada", actor="test")
    page = settings("Accounts")
    whose = [box for box in page.selectbox if box.label == "Whose account"]
    whose[-1].select("Ada, developer")
    submit(page, "Save")
    assert "last admin" in page.error[0].value
    assert has_admin(product.database)


def test_a_countrys_carbon_is_set_with_its_source_and_year(product: Service) -> None:
    page = settings("Energy")
    page.selectbox[0].select("France: 56 g/kWh, 2023")
    submit(page, "Save as a new dated entry")
    chosen = grid.current_grid(product.database)
    assert chosen is not None
    assert (chosen.country, round(chosen.g_per_kwh or 0)) == ("FRA", 56)
    assert "2023" in chosen.source
    assert "FRA" in page.dataframe[0].value["country"].tolist()


def test_carbon_by_the_hour_needs_24_figures(product: Service) -> None:
    page = settings("Energy")
    page.radio[0].set_value("hours").run()
    fill(page, "Source", "the grid operator, 2026")
    page.text_area[0].set_value("100 200 300")
    submit(page, "Save as a new dated entry")
    assert "There are 3 figures" in page.error[0].value.replace("\\", "")
    page.text_area[0].set_value(" ".join(str(100 + hour) for hour in range(24)))
    submit(page, "Save as a new dated entry")
    chosen = grid.current_grid(product.database)
    assert chosen is not None
    assert chosen.by_hour == tuple(100.0 + hour for hour in range(24))


def test_carbon_by_the_hour_is_read_from_a_file(product: Service) -> None:
    page = settings("Energy")
    page.radio[0].set_value("hours").run()
    rows = "\n".join(f"{hour},{300 - hour}" for hour in range(24))
    page.file_uploader[0].set_value(("grid.csv", f"hour,g_per_kwh\n{rows}".encode(), "text/csv"))
    fill(page, "Source", "the grid operator, 2026")
    submit(page, "Save as a new dated entry")
    chosen = grid.current_grid(product.database)
    assert chosen is not None
    assert chosen.by_hour == tuple(300.0 - hour for hour in range(24))


def test_a_figure_of_ones_own_needs_its_source(product: Service) -> None:
    page = settings("Energy")
    page.radio[0].set_value("own").run()
    page.number_input[0].set_value(12.5)
    submit(page, "Save as a new dated entry")
    assert "where the figure comes from" in page.error[0].value.replace("\\", "")
    assert grid.current_grid(product.database) is None


def test_carbon_is_turned_off_again(product: Service) -> None:
    grid.set_grid(product.database, actor="test", g_per_kwh=56.0, source="x")
    page = settings("Energy")
    page.radio[0].set_value("off").run()
    submit(page, "Turn carbon off")
    chosen = grid.current_grid(product.database)
    assert chosen is not None
    assert chosen.g_per_kwh is None


def test_a_person_is_moved_from_a_day_on_and_it_stands_in_their_history(product: Service) -> None:
    ada = people.add_developer(product.database, "Ada", "Platform", actor="test")
    page = settings()
    fill(page, "Team", "Data")
    page.date_input[0].set_value(date(2026, 3, 1))
    submit(page, "Save")
    changes = memberships.history(product.database, ada.id)
    kolkata = datetime(2026, 2, 28, 18, 30, tzinfo=UTC)  # where it is midnight of March 1st
    assert (changes[0].team, changes[0].valid_from) == ("Data", kolkata.timestamp() * 1000)
    shown = next(frame.value for frame in page.dataframe if "Recorded" in frame.value)
    assert shown["Team"].tolist() == ["Data", "Platform"]


def test_a_role_that_is_dated_back_leaves_the_team_of_that_time(product: Service) -> None:
    ada = people.add_developer(product.database, "Ada", "Platform", actor="test")
    people.set_team(product.database, ada.id, "Data", actor="test")
    page = settings()
    next(box for box in page.selectbox if box.label == "Role").select("lead")
    page.date_input[0].set_value(date(2026, 3, 1))
    submit(page, "Save")
    changes = memberships.history(product.database, ada.id)
    assert [(it.team, it.role) for it in changes if it.in_force] == [
        ("Data", "lead"),
        ("Platform", "lead"),
        ("Platform", "developer"),
    ]


def test_a_team_is_added_and_archived_unless_somebody_is_in_it(product: Service) -> None:
    people.add_developer(product.database, "Ada", "Platform", actor="test")
    page = settings()
    submit(page, "Archive team")
    assert "move them first" in page.error[0].value
    fill(page, "New team", "Data")
    submit(page, "Add team")
    assert [team.name for team in teams.list_teams(product.database)] == ["Data", "Platform"]


def test_erasing_a_name_needs_it_typed(product: Service) -> None:
    ada = people.add_developer(product.database, "Ada", actor="test")
    page = settings()
    submit(page, "Erase the name")
    for_good = [one for one in page.button if one.label == "Erase the name for good"]
    assert for_good[0].disabled
    assert people.get_developer(product.database, ada.id) == ada


def test_retention_asks_first_and_says_how_many_rows_will_go(product: Service) -> None:
    ada = people.add_developer(product.database, "Ada", actor="test")
    write(product.database, requests=[request(ada.id, at=NOON + n) for n in range(1_234)])
    page = settings("Retention")
    fill(page, "Keep requests, days", "30")
    submit(page, "Save")
    question = next(text.value for text in page.markdown if "cannot be undone" in text.value)
    assert "1,234 requests" in question
    assert retention.current(product.database) == Retention()


def test_retention_that_deletes_nothing_is_saved_at_once(product: Service) -> None:
    page = settings("Retention")
    fill(page, "Keep meters' minutes, days", "soon")
    submit(page, "Save")
    assert "whole number of days" in page.error[0].value
    fill(page, "Keep meters' minutes, days", "90")
    submit(page, "Save")
    assert retention.current(product.database) == Retention(None, 90)


def test_the_audit_trail_is_paged_and_filtered(product: Service) -> None:
    for number in range(60):
        people.add_developer(product.database, f"Ada {number}", actor="test")
    teams.add_team(product.database, "Data", actor="grace")
    page = settings("Audit")
    shown = page.dataframe[0].value
    assert shown["What"].tolist() == ["team added", *["developer added"] * 49]
    assert shown["Who"][0] == "grace"
    submit(page, "Older")
    assert len(page.dataframe[0].value) == 11
    page.selectbox[0].select("team added").run()
    assert page.dataframe[0].value["Detail"].tolist() == ["id 1, name Data"]
    page.selectbox[1].select("test").run()
    assert not page.dataframe
    assert any("Nothing of this kind" in box.value for box in page.info)
    page.selectbox[0].select(None).run()
    assert set(page.dataframe[0].value["Who"]) == {"test"}


def test_an_account_with_an_e_mail_needs_no_password(product: Service) -> None:
    page = settings("Accounts")
    fill(page, "Name to sign in with", "boss")
    fill(page, "E-mail (optional)", "Boss@team.example")
    submit(page, "Add")
    assert not page.code
    (boss,) = accounts.list_accounts(product.database)
    assert (boss.email, boss.has_password, boss.must_change) == ("boss@team.example", False, False)
    assert any("cannot sign in: boss" in box.value for box in page.warning), "without OIDC"
    fill(page, "E-mail", "other@team.example")
    submit(page, "Save")
    assert accounts.list_accounts(product.database)[0].email == "other@team.example"


def test_an_e_mail_that_is_none_is_refused_in_words(product: Service) -> None:
    page = settings("Accounts")
    fill(page, "Name to sign in with", "boss")
    fill(page, "E-mail (optional)", "boss")
    submit(page, "Add")
    assert "no e-mail address" in page.error[0].value.replace("\\", "")
    assert accounts.list_accounts(product.database) == []
