"""The filter that pages share: team, model and engine in the address, and names that are words of
ours too."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from dashboard import drill
from dashboard.labels import EVERY_TEAM, EVERYBODY, WITHOUT_TEAM, label_of, labels
from db import people
from db.ids import now_ms
from db.teams import list_teams
from db.uses import Uses
from engine.api.service import Service
from tests.dashboard.conftest import open_page
from tests.dashboard.test_overview_page import use_now
from tests.db.team import Team, outcome

PAGES = ["overview", "team", "my_usage", "requests", "energy"]


def said(page: AppTest) -> str:
    places = (page.info, page.warning, page.caption, page.markdown)
    return "\n".join(box.value.replace("\\", "") for place in places for box in place)


def ask(
    product: Service,
    name: str,
    team: str | None,
    *,
    tokens: int,
    model: str,
    engine: str = "breakeven",
) -> None:
    """One answered request, a minute ago."""
    person = people.find_developer(product.database, name) or people.add_developer(
        product.database, name, team, actor="test"
    )
    at = now_ms() - 60_000
    request_id = Team(person.id, key=0).admit(
        product.ledger,
        at=at,
        api_key_id=None,
        developer_name=name,
        input_tokens=tokens,
        model=model,
        engine=engine,
    )
    product.ledger.finish(outcome(request_id, at=at + 900, output_tokens=0)).result(20)


@given(
    st.lists(st.sampled_from([WITHOUT_TEAM, EVERY_TEAM, "A", f"{WITHOUT_TEAM} (#1)"]), unique=True)
)
def test_no_name_hides_another_or_a_word_of_ours(names: list[str]) -> None:
    reserved = [WITHOUT_TEAM, EVERY_TEAM]
    found = labels([(name, number) for number, name in enumerate(names)], reserved)
    assert sorted(found.values()) == list(range(len(names)))
    assert not set(found) & set(reserved)
    assert all(label_of(found, number) is not None for number in range(len(names)))


def test_a_team_called_no_team_and_those_in_none_are_told_apart(product: Service) -> None:
    ask(product, "Ada", WITHOUT_TEAM, tokens=1, model="m")
    ask(product, "Grace", None, tokens=2, model="m")
    (team_id,) = [team.id for team in list_teams(product.database)]
    for label, rows in ((WITHOUT_TEAM, [2]), (f"{WITHOUT_TEAM} (#{team_id})", [1])):
        page = open_page("requests", team=label)
        assert list(page.dataframe[0].value["Input"]) == rows


def test_a_developer_called_everybody_can_be_chosen(product: Service) -> None:
    ask(product, EVERYBODY, None, tokens=1, model="m")
    ask(product, "Grace", None, tokens=2, model="m")
    person = people.find_developer(product.database, EVERYBODY)
    assert person is not None
    page = open_page("requests", developer=f"{EVERYBODY} (#{person.id})")
    assert list(page.dataframe[0].value["Input"]) == [1]
    assert list(open_page("requests").dataframe[0].value["Input"]) == [2, 1]


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_the_filter_of_its_address(product: Service, name: str) -> None:
    ask(product, "Ada", "Search", tokens=1, model="small")
    page = open_page(name, team="Search", model="small", engine="This machine: breakeven")
    chosen = [page.selectbox(key=key).value for key in ("team", "model", "engine")]
    assert chosen == ["Search", "small", "This machine: breakeven"]
    assert not any("Shown instead" in box.value for box in page.warning)


def test_a_filter_narrows_tokens_and_says_that_costs_are_of_all(product: Service) -> None:
    ask(product, "Ada", "Search", tokens=10, model="small")
    ask(product, "Grace", "Data", tokens=30, model="large")
    page = open_page(range="Last 30 days", model="small")
    assert "Ada used most: 100% of 10 tokens" in said(page)
    assert "Of model small alone: tokens and requests. Costs" in said(page)
    assert "40 tokens" not in said(page)
    team = open_page("team", range="Last 30 days", model="large")
    asked = next(frame.value for frame in team.dataframe if "Requests" in frame.value)
    assert list(asked["Developer"]) == ["Grace"]
    mine = open_page("my_usage", range="Last 30 days", developer="Ada", model="large")
    assert next(m for m in mine.metric if m.label == "Requests").value == "0"


@pytest.mark.parametrize("filtered", [{"model": "small"}, {"engine": "This machine: breakeven"}])
def test_a_filter_makes_no_idle_seat_of_who_used_something_else(
    product: Service, filtered: dict[str, str]
) -> None:
    ask(product, "Ada", "Search", tokens=10, model="small")
    ask(product, "Grace", "Data", tokens=30, model="large", engine="upstream")
    people.add_developer(product.database, "Linus", "Data", actor="test")
    page = open_page("team", range="Last 30 days", **filtered)
    figures = {metric.label: metric.value for metric in page.metric}
    assert figures["Seats used"] == "2 of 3"
    assert "1 of 3 seats were not used" in said(page)
    idle = next(f.value for f in page.dataframe if "Seat since" in f.value)
    assert list(idle["Developer"]) == ["Linus"]
    assert figures["Idle seats would have cost"] in said(page)
    seats = next(f.value for f in page.dataframe if {"team", "used", "idle"} == set(f.value))
    assert seats.to_numpy().tolist() == [["Data", 1, 1], ["Search", 1, 0]]
    asked = next(f.value for f in page.dataframe if "Requests" in f.value)
    assert list(asked["Developer"]) == ["Ada"]


def test_what_is_empty_says_of_which_filter(product: Service) -> None:
    ask(product, "Ada", "Search", tokens=10, model="small")
    ask(product, "Grace", "Data", tokens=30, model="large")
    for asked in ({"range": "Last 30 days"}, {"range": "Yesterday"}):
        page = open_page("my_usage", developer="Ada", model="large", **asked)
        assert "No request of model large " in said(page)
        assert "None of model large yet" in said(page)
    team = open_page("team", team="Search", range="Last 30 days", model="large")
    assert "Nobody asked anything of model large in the last 30 days." in said(team)
    unfiltered = open_page("my_usage", developer="Ada", range="Yesterday")
    assert "Nothing was asked yesterday. Choose another range." in said(unfiltered)


def test_what_changed_is_of_all_and_says_so_where_there_is_a_filter(product: Service) -> None:
    ada = people.add_developer(product.database, "Ada", "Search", actor="test")
    begun = now_ms() - 90 * 86_400_000
    request_id = Team(ada.id, key=0).admit(product.ledger, at=begun, api_key_id=None)
    product.ledger.finish(outcome(request_id, at=begun + 900)).result(20)
    filtered = said(open_page(range="Last 30 days", team="Search"))
    assert "Of all teams, models and engines: Against the 30 days before" in filtered
    assert "Of all teams" not in said(open_page(range="Last 30 days"))


def test_a_row_of_costs_leads_to_all_of_its_requests_whatever_the_filter(product: Service) -> None:
    ask(product, "Ada", "Data", tokens=10, model="small")
    ask(product, "Grace", "Search", tokens=30, model="large")
    for name, button in (
        ("By developer", "Requests of Ada"),
        ("By team", "Requests of Data"),
    ):
        page = open_page(range="Last 30 days", team="Search", model="large")
        place = next(
            number
            for frame in page.dataframe
            if "Fully loaded" in frame.value
            for number, who in enumerate(frame.value.iloc[:, 0])
            if who == button.removeprefix("Requests of ")
        )
        page.session_state[f"costs-{name}"] = {"selection": {"rows": [place]}}
        page.run()
        next(each for each in page.button if each.label == button).click()
        page.run()
        assert [title.value for title in page.title] == ["Requests"]
        assert list(page.dataframe[0].value["Input"]) == [10]


def test_a_figure_of_all_leads_to_all_and_one_of_the_filter_to_its_requests(
    product: Service,
) -> None:
    ask(product, "Ada", "Search", tokens=10, model="small")
    (team_id,) = [team.id for team in list_teams(product.database)]
    for page, asked in (("team", {}), ("energy", {}), ("requests", {"team": "Search"})):
        found = drill.of_figure(page, "own", "month", Uses(team_id=team_id))
        assert found == {"range": "Month to date", **asked}


def test_how_idle_time_is_shared_stays_from_page_to_page(product: Service) -> None:
    ask(product, "Ada", "Search", tokens=10, model="small")
    page = open_page(idle="Evenly")
    for name in ("requests", "team", "energy", "my_usage", "overview"):
        page.query_params.clear()  # as a browser does where another page is chosen
        page.switch_page(f"views/{name}.py").run()
        assert not page.exception
        assert not page.warning
        if name not in ("requests", "energy"):
            assert page.session_state["idle"] == "Evenly"
            assert page.query_params["idle"] == "Evenly"
        else:
            assert "idle" not in page.query_params


def test_how_idle_time_is_shared_goes_along_a_link(product: Service) -> None:
    ask(product, "Ada", "Search", tokens=10, model="small")
    page = open_page("team", idle="Overhead row", range="Last 30 days")
    page.session_state["team-members"] = {"selection": {"rows": [0]}}
    page.run()
    next(button for button in page.button if button.label == "Usage of Ada").click()
    page.run()
    assert [title.value for title in page.title] == ["My usage"]
    assert page.session_state["idle"] == "Overhead row"


def test_a_month_without_a_request_offers_the_ranges_that_have_one(product: Service) -> None:
    ada = people.add_developer(product.database, "Ada", actor="test")
    before = now_ms() - 400 * 86_400_000
    request_id = Team(ada.id, key=0).admit(product.ledger, at=before, api_key_id=None)
    product.ledger.finish(outcome(request_id, at=before + 900)).result(20)
    page = open_page()
    assert "No request in" in said(page)
    everything = next(button for button in page.button if button.label == "All")
    everything.click()
    page.run()
    assert page.selectbox(key="range").value == "All"
    assert not any("No request" in box.value for box in page.info)


def test_the_overview_says_where_there_is_no_earlier_month(product: Service) -> None:
    use_now(product)
    assert "There is no earlier month to compare with: the ledger begins on" in said(open_page())
