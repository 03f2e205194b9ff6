"""Exports of any length take the same memory."""

import subprocess
import sys

import pytest
from sqlalchemy import Engine, text

from db.connect import writing
from tests.dashboard.reports.books import add, at, person, request
from tests.product import ROOT

ROWS = 300_000
MOST_GROWTH_MB = 50
# The file is written twice: of one day, so that all that is loaded once is there, and of all.
SCRIPT = """
import resource, sys
from datetime import date
from zoneinfo import ZoneInfo
from dashboard.reports.exports import Export, chunks
from dashboard.reports.span import Span
from db.connect import connect
from db.export_queries import EVERYBODY

url, kind = sys.argv[1:]
ledger, zone = connect(url, read_only=True), ZoneInfo("UTC")
def write(first, before):
    export = Export("requests", kind, Span(first, before, zone), EVERYBODY)
    return sum(len(piece) for piece in chunks(ledger, export))
write(date(2025, 10, 1), date(2025, 10, 2))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
size = write(date(2025, 10, 1), date(2025, 11, 1))
print(size, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.fixture
def large(ledger: Engine) -> Engine:
    """300,000 requests in October, from one that is copied with another id and time."""
    ada, _ = person(ledger, "Ada", "Platform")
    add(ledger, [request(ada, at(1, 0), id=1)])
    names = [column for column in request(ada, 0) if column not in ("id", "started_at")]
    copied = ", ".join(names)
    step = 31 * 86_400_000 // ROWS
    with writing(ledger) as connection:
        connection.execute(
            text(
                f"""
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS - 1})
                INSERT INTO requests (id, started_at, {copied})
                SELECT i + 1, started_at + i * {step}, {copied} FROM requests, n
                """
            )
        )
    return ledger


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_300_000_requests_take_less_than_50_mb(large: Engine, kind: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(large.url), kind],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    size, growth_mb = (float(word) for word in done.stdout.split())
    assert size > 1_000_000
    assert growth_mb < MOST_GROWTH_MB
