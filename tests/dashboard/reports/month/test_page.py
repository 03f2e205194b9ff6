"""The Reports page, and what its buttons download."""

from datetime import date, datetime
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from dashboard.reports.month.contents import month_report
from dashboard.reports.routes import Downloads
from db import prices
from db.ids import now_ms
from engine.api.service import Service
from tests.dashboard.conftest import open_page
from tests.dashboard.reports.books import add, at, person, request
from tests.dashboard.reports.month.reports import book_of, text_of

ZONE = "Asia/Kolkata"


def use(product: Service) -> None:
    ada, _ = person(product.database, "Ada *bold*", "Platform")
    prices.set_prices(product.database, actor="test", in_service_date=date(2025, 9, 1))
    add(product.database, [request(ada, at(5))])


def links(page: AppTest) -> dict[str, str]:
    """Each button's address, by its label."""
    return {link.proto.label: link.proto.url for link in cast(Any, page.get("link_button"))}


def visit(page: AppTest, month: str) -> AppTest:
    (box,) = (box for box in page.selectbox if box.label == "Month")
    box.select(month).run()
    assert not page.exception, page.exception
    return page


def test_without_any_use_it_says_what_to_do(product: Service) -> None:
    page = open_page("reports")
    assert "There is no month to report on yet" in [one.value for one in page.subheader]
    assert [button.label for button in page.button] == ["Chat now"]


def test_it_begins_with_this_month_and_offers_each_one_since_the_first(product: Service) -> None:
    use(product)
    page = open_page("reports")
    (box,) = (box for box in page.selectbox if box.label == "Month")
    assert box.options[-1] == "September 2025"
    assert box.options[0] == f"{datetime.now(ZoneInfo(ZONE)):%B %Y}"
    assert any("The month is not over" in caption.value for caption in page.caption)


def test_what_it_shows_of_a_month_is_what_its_files_say(product: Service) -> None:
    use(product)
    page = visit(open_page("reports"), "2025-10")
    report = month_report(product.database, "2025-10", ZoneInfo(ZONE), now_ms(), "a test")
    shown = {metric.label: metric.value for metric in page.metric}
    assert shown == {figure.label: figure.value for figure in report.figures}
    assert page.subheader[0].value.replace("\\", "") == report.sentence

    client = TestClient(Starlette(routes=Downloads().routes()), base_url="http://localhost:8501")
    files = {label: client.get(url) for label, url in links(page).items()}
    assert {label: file.status_code for label, file in files.items()} == {
        "PDF": 200,
        "Spreadsheet": 200,
    }
    assert files["PDF"].headers["content-disposition"] == (
        'attachment; filename="breakeven-cost-review-2025-10.pdf"'
    )
    assert files["PDF"].headers["cache-control"] == "no-store"
    text = text_of(files["PDF"].content)
    assert report.sentence in text
    assert "by dashboard" in text
    assert "Ada *bold*" in text
    assert book_of(files["Spreadsheet"].content)["Summary"]["A3"].value == report.sentence


def test_the_paper_chosen_is_the_one_that_is_downloaded(product: Service) -> None:
    use(product)
    page = open_page("reports")
    groups: Any = page.get("button_group")
    next(group for group in groups if group.label == "Paper").set_value("Letter").run()
    asked = parse_qs(urlsplit(links(page)["PDF"]).query)
    assert asked["paper"] == ["Letter"]
    assert asked["timezone"] == [ZONE]
    assert asked["ledger"] == ["own"]


def test_a_route_refuses_what_there_is_not(product: Service) -> None:
    use(product)
    client = TestClient(Starlette(routes=Downloads().routes()), base_url="http://localhost:8501")
    for query in ("month=2999-01", "month=2025-13", "month=", "", "month=2025-10&paper=A3"):
        answer = client.get(f"/exports/month.pdf?{query}")
        assert answer.status_code == 400, query
        assert "Traceback" not in answer.text
    assert client.get("/exports/month.docx?month=2025-10").status_code == 400
