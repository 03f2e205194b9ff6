"""The page: what is chosen is what its link downloads."""

from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from streamlit.testing.v1 import AppTest

from engine.api.service import Service
from tests.dashboard.conftest import open_page
from tests.dashboard.reports.books import person


def link(page: AppTest) -> tuple[str, dict[str, str]]:
    """Where the download comes from: its path, and what it asks for."""
    (button,) = cast(Any, page.get("link_button"))
    parts = urlsplit(button.proto.url)
    return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}


def choose(page: AppTest, label: str, value: str) -> None:
    groups: Any = page.get("button_group")
    group = next(group for group in groups if group.label == label)
    group.set_value(value).run()
    assert not page.exception


def test_it_begins_with_this_months_requests_as_csv_in_the_readers_zone(product: Service) -> None:
    path, asked = link(open_page("export"))
    assert path == "/exports/requests.csv"
    assert asked["timezone"] == "Asia/Kolkata"
    assert asked["from"].endswith("-01")
    assert asked["from"] < asked["to"]
    assert "developer" not in asked


def test_a_developers_and_a_teams_requests_are_asked_for_by_number(product: Service) -> None:
    ada, platform = person(product.database, "Ada", "Platform")
    page = open_page("export")
    next(box for box in page.selectbox if box.label == "Team").select("Platform").run()
    next(box for box in page.selectbox if box.label == "Developer").select("Ada").run()
    _, asked = link(page)
    assert (asked["developer"], asked["team"]) == (str(ada), str(platform))


def test_focus_of_last_month_is_a_whole_month_by_team_alone(product: Service) -> None:
    page = open_page("export")
    choose(page, "What", "focus")
    choose(page, "Range", "Last month")
    choose(page, "Format", "parquet")
    path, asked = link(page)
    assert path == "/exports/focus.parquet"
    first, before = asked["from"], asked["to"]
    assert first.endswith("-01")
    assert before.endswith("-01")
    assert first < before
    assert [box.label for box in page.selectbox] == ["Team"]
