"""The month's report as a file: its name, its kind, and its bytes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from dashboard.reports.month.contents import month_report
from dashboard.reports.month.models import SIZES, MonthReport, Size
from dashboard.reports.month.months import span_of
from db.errors import InvalidInput
from db.ids import now_ms

Kind = Literal["pdf", "xlsx"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MEDIA_TYPES: dict[Kind, str] = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True, slots=True)
class MonthFile:
    """What is asked for. InvalidInput where there is no such month."""

    month: str
    kind: Kind
    zone: ZoneInfo
    size: Size = "A4"

    def __post_init__(self) -> None:
        span_of(self.month, self.zone)

    @property
    def filename(self) -> str:
        """`breakeven-cost-review-2026-10.pdf`; with the day where the month is not over."""
        today = datetime.now(UTC).astimezone(self.zone).date()
        so_far = f"-to-{today:%d}" if today < span_of(self.month, self.zone).before else ""
        return f"breakeven-cost-review-{self.month}{so_far}.{self.kind}"

    @property
    def media_type(self) -> str:
        return MEDIA_TYPES[self.kind]

    def written(self, engine: Engine, made_by: str) -> bytes:
        """The file as of now."""
        report = month_report(engine, self.month, self.zone, now_ms(), made_by)
        return as_file(report, self.kind, self.size)


def as_file(report: MonthReport, kind: Kind, size: Size = "A4") -> bytes:
    """The report as a file. What writes it is loaded now: that takes half a second, and most
    starts of the product make no report."""
    if kind == "pdf":
        from dashboard.reports.month.pdf import month_pdf

        return month_pdf(report, size)
    from dashboard.reports.month.spreadsheet import month_xlsx

    return month_xlsx(report)


def size_of(text: str) -> Size:
    """The paper of this name. InvalidInput where there is none."""
    for size in SIZES:
        if size.lower() == text.lower():
            return size
    raise InvalidInput("paper", f"Paper is {' or '.join(SIZES)}.")
