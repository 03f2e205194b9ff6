"""The report on paper, read back: what stands on it, in which letters, and how its pages part."""

import re
import time
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from dashboard import formats
from dashboard.costs.models import TeamCost
from dashboard.reports.month.chart import nice_steps
from dashboard.reports.month.fonts import clean, lettering
from dashboard.reports.month.pdf import month_pdf
from db import prices
from tests.dashboard.reports.books import add, at, meter, person, request
from tests.dashboard.reports.month.reports import (
    pages_of,
    people,
    report_on,
    team_of_three,
    text_of,
)

NO_FONTS: tuple[Path, ...] = ()
NAMES = [
    "Zoë Müller-Lüdenscheidt",
    "Nguyễn Thị Hồng",
    "Ελένη Παπαδοπούλου",
    "Владимир Ильин",
    "=1+1",
    "Team {nb}",
    "<b>b</b> & **s**",
    "Robert'); DROP TABLE",
]


def test_it_says_what_the_report_says(ledger: Engine) -> None:
    team_of_three(ledger)
    meter(ledger, at(5), 6_000.0, minutes=600)
    report = report_on(ledger)
    text = text_of(month_pdf(report))
    said = [report.sentence, report.verdict, *report.method, *report.gaps]
    said += [one.value for one in report.figures] + [one.value for one in report.assumptions]
    said += [one.how for one in report.evidence] + [one.source for one in report.assumptions]
    for words in said:
        assert words.replace(" ", "") in text.replace(" ", ""), words
    assert "made 2025-12-01 12:00 UTC by a test." in text
    assert f"Ledger {ledger.url.database}" in text


def test_the_tables_as_printed_add_up_to_the_cent(ledger: Engine) -> None:
    names = [f"Developer {number}" for number in range(1, 8)]
    people(ledger, names, ["Red", "Blue", "Green", None, "Red", "Blue", "Green"])
    prices.set_prices(ledger, actor="test", operations_per_month="333.33")
    add(ledger, [request(number, at(number), energy_j=1_000.0 / number) for number in range(1, 8)])
    cost = report_on(ledger).comparison
    lines = [
        line.strip()
        for page in pages_of(month_pdf(report_on(ledger))).pages
        for line in page.extract_text(extraction_mode="layout").splitlines()
    ]
    for first in (names, ["Red", "Blue", "Green", "No team"]):
        begin = next(at for at, line in enumerate(lines) if line.split("  ")[0].strip() in first)
        end = next(at for at in range(begin, len(lines)) if lines[at].startswith("Total"))
        *rows, total = [amounts_of(line) for line in lines[begin : end + 1] if line.strip()]
        assert len(rows) == len(first)
        whole = [cost.self_hosted_total, cost.baseline_total, cost.saving]
        assert [sum(row[place] for row in rows) for place in range(3)] == total == whole


def amounts_of(line: str) -> list[Decimal]:
    """A row's fully loaded cost, seats and saving; the marginal cost, in the second place, is not
    in whole cents."""
    found = re.findall(r"(−?)\$([\d,]+\.\d+)", line)
    costs = [Decimal(sign.replace("−", "-") + number.replace(",", "")) for sign, number in found]
    return [costs[0], *costs[2:]]


def test_it_has_a_title_a_language_numbered_pages_and_all_its_fonts(ledger: Engine) -> None:
    team_of_three(ledger)
    pdf = pages_of(month_pdf(report_on(ledger)))
    assert pdf.metadata is not None
    assert pdf.metadata.title == "Cost review, October 2025"
    assert pdf.metadata.author == "a test"
    assert str(pdf.root_object["/Lang"]) == "en"
    assert 2 <= len(pdf.pages) <= 4
    for number, page in enumerate(pdf.pages, start=1):
        assert f"Page {number} of {len(pdf.pages)}" in page.extract_text()
        fonts: Any = page["/Resources"]
        for font in fonts["/Font"].values():
            (below,) = font.get_object()["/DescendantFonts"]
            assert "/FontFile2" in below.get_object()["/FontDescriptor"]


def test_the_same_report_is_the_same_file_but_for_its_date(ledger: Engine) -> None:
    team_of_three(ledger)
    report = report_on(ledger)
    file = month_pdf(report)
    assert month_pdf(report) == file
    later = report.model_copy(update={"made_at": report.made_at + timedelta(days=1)})
    another = month_pdf(later)
    assert another != file
    assert text_of(another).replace("12-02", "12-01") == text_of(file)


def test_names_stand_as_they_are_written(ledger: Engine) -> None:
    people(ledger, NAMES, NAMES)
    prices.set_prices(ledger, actor="test", in_service_date=date(2025, 9, 1))
    text = text_of(month_pdf(report_on(ledger), fonts=NO_FONTS))
    for name in NAMES:
        assert text.count(name) == 2, name


@pytest.mark.parametrize("name", ["प्रिया शर्मा", "محمد علي", "שרה כהן", "สมชาย ใจดี", "გიორგი"])
def test_scripts_of_the_packaged_font_need_no_other(name: str) -> None:
    letters = lettering([name], NO_FONTS)
    assert letters.written(name) == name


def test_letters_that_no_font_has_are_latin_ones_and_marked() -> None:
    letters = lettering(["田中 Émile", "Ada"], NO_FONTS)
    assert letters.written("Ada") == "Ada"
    assert letters.written("田中 Émile") == "TianZhong Émile *"
    assert letters.is_marked(["Ada", "田中 Émile"])
    assert not letters.is_marked(["Ada"])


def test_such_a_name_is_explained_where_it_stands(ledger: Engine) -> None:
    ada, _ = person(ledger, "Ada \U0001f680")
    add(ledger, [request(ada, at(5))])
    text = text_of(month_pdf(report_on(ledger), fonts=NO_FONTS))
    assert "Ada :rocket: *" in text
    assert "* in Latin letters, because no font on this server has the script" in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\tc", "a b c"),
        ("\u202eevil\u200b\ufeff", "evil"),
        ("\x00\x07bell", "bell"),
        ("e\u0301", "é"),
        ("\ue000private", "private"),
    ],
)
def test_letters_that_would_break_a_line_or_turn_it_round_are_left_out(
    text: str, shown: str
) -> None:
    assert clean(text) == shown


def test_numbers_too_wide_for_their_column_are_not_cut(ledger: Engine) -> None:
    team_of_three(ledger)
    report = report_on(ledger)
    row = TeamCost(
        team_id=1,
        name="All",
        developers=3,
        requests=123_456_789,
        input_tokens=1,
        output_tokens=1,
        energy_j=1e15,
        fully_loaded=Decimal("123456789012.34"),
        marginal=Decimal("0.000000012"),
        seat=Decimal("987654321098.76"),
        cost_per_million_tokens=None,
        marginal_per_million_tokens=None,
        utilisation=None,
    )
    cost = report.comparison.model_copy(update={"currency": "CHF", "teams": (row,)})
    text = text_of(month_pdf(report.model_copy(update={"comparison": cost})))
    for amount in ("123,456,789", "CHF 123,456,789,012.34", "CHF 987,654,321,098.76"):
        assert amount in text
    assert "…" not in text


def test_500_developers_have_the_head_on_each_page_and_the_total_beside_a_row(
    ledger: Engine,
) -> None:
    people(ledger, [f"Developer {number:03}" for number in range(500)], ["One"])
    prices.set_prices(ledger, actor="test")
    add(ledger, [request(number, at(5)) for number in range(1, 501)])
    report = report_on(ledger)
    begun = time.monotonic()
    pdf = pages_of(month_pdf(report))
    assert time.monotonic() - begun < 60
    texts = [page.extract_text() for page in pdf.pages]
    listed = [text for text in texts if "Developer 0" in text or "Developer 4" in text]
    for text in listed:
        assert "Requests" in text
        assert "Fully loaded" in text
    rows = [int(found) for text in texts for found in re.findall(r"Developer (\d{3})\b", text)]
    assert sorted(rows) == list(range(500))
    (last,) = (text for text in texts if "Developer 499" in text)
    assert formats.money(report.comparison.self_hosted_total) in last


def test_a_month_with_nothing_in_it_is_a_report_too(ledger: Engine) -> None:
    text = text_of(month_pdf(report_on(ledger)))
    assert "nothing was spent" in text
    assert "Nobody held a seat or used anything." in text
    assert "No meter read anything in this month: the energy is unknown, not 0." in text


@pytest.mark.parametrize(
    ("most", "steps"),
    [
        (0, [0, 1]),
        (4, [0, 1, 2, 3, 4]),
        (801.93, [0, 250, 500, 750, 1000]),
        (0.03, [0, 0.01, 0.02, 0.03]),
    ],
)
def test_an_axis_has_round_steps(most: float, steps: list[float]) -> None:
    assert nice_steps(most) == pytest.approx(steps)
