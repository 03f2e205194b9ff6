"""Ledgers of a month, and the report's files as their readers see them."""

import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from openpyxl import Workbook, load_workbook
from pypdf import PdfReader
from sqlalchemy import Engine, insert

from dashboard.reports.month.contents import month_report
from dashboard.reports.month.models import MonthReport
from db import memberships, prices
from db.connect import writing
from db.schema import Developer
from tests.dashboard.reports.books import add, at, request

MONTH = "2025-10"
DECEMBER = at(1, month=12)  # when reports on October are made
MOMENT = datetime(2025, 12, 1, 12, tzinfo=UTC)


def people(engine: Engine, names: Sequence[str], teams: Sequence[str | None]) -> None:
    """Developers 1, 2, … since 1 September 2025, each in the team of the same place."""
    since = at(1, 0, month=9)
    with writing(engine) as connection:
        connection.execute(
            insert(Developer),
            [
                {"id": number, "name": name, "created_at": since, "archived_at": None}
                for number, name in enumerate(names, start=1)
            ],
        )
        for number, team in enumerate(teams, start=1):
            memberships.join_team(connection, number, team, valid_from=0)


def team_of_three(engine: Engine) -> None:
    """Ada and Ken of team 1, Zoe of none; 7, 2 and 1 requests, of 3,600 J each, in October; the
    hardware in service since 1 September 2025."""
    people(engine, ["Ada", "Ken", "Zoe"], ["Platform", "Platform", None])
    prices.set_prices(engine, actor="test", in_service_date=date(2025, 9, 1), note="Invoice 17")
    add(
        engine,
        [
            request(developer, at(5, number), team_id=1 if developer < 3 else None)
            for developer, often in ((1, 7), (2, 2), (3, 1))
            for number in range(often)
        ],
    )


def report_on(
    engine: Engine, month: str = MONTH, zone: str = "UTC", now_ms: int = DECEMBER
) -> MonthReport:
    return month_report(engine, month, ZoneInfo(zone), now_ms, "a test")


def text_of(pdf: bytes) -> str:
    """All that stands on its pages, its lines run together."""
    return " ".join(" ".join(page.extract_text().split()) for page in pages_of(pdf).pages)


def pages_of(pdf: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(pdf))


def book_of(xlsx: bytes, *, results: bool = True) -> Workbook:
    """The spreadsheet; with `results` a formula's cell holds what it comes to."""
    return load_workbook(io.BytesIO(xlsx), data_only=results)
