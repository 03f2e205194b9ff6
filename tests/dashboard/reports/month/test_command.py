"""`python -m dashboard.reports month`, as a person types it."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.dashboard.reports.month.reports import (
    book_of,
    pages_of,
    report_on,
    team_of_three,
    text_of,
)
from tests.dashboard.reports.test_command import command


def test_both_files_are_written_and_not_written_over(ledger: Engine, tmp_path: Path) -> None:
    team_of_three(ledger)
    pdf, xlsx = tmp_path / "month.pdf", tmp_path / "month.xlsx"
    words = ("month", "2025-10", "--pdf", str(pdf), "--xlsx", str(xlsx), "--paper", "letter")
    done = command(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    assert f"{pdf}: {pdf.stat().st_size:,} bytes." in done.stderr.decode()
    assert report_on(ledger).sentence in text_of(pdf.read_bytes())
    assert pages_of(pdf.read_bytes()).pages[0].mediabox.width == 612
    assert book_of(xlsx.read_bytes())["Summary"]["A3"].value == report_on(ledger).sentence

    again = command(tmp_path, *words)
    assert again.returncode == 1
    assert again.stderr.decode().splitlines()[-1].startswith(f"Error: {pdf} exists already;")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("2025-10",), "Say where to write the report: --pdf FILE, --xlsx FILE or both."),
        (("2999-01", "--pdf", "x.pdf"), "January 2999 has not begun yet"),
        (("2025-10", "--pdf", "x.pdf", "--paper", "A3"), "Paper is A4 or Letter."),
    ],
)
@pytest.mark.usefixtures("ledger")
def test_what_is_wrong_is_said_in_one_line(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    done = command(tmp_path, "month", *words)
    assert done.returncode != 0
    assert said in done.stderr.decode().splitlines()[-1]
    assert b"Traceback" not in done.stderr
