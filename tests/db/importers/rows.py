"""What is on the ledger, and files made of text, for the importers' tests."""

from io import BytesIO
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from db.importers import Report, UsageFile, run
from db.schema import ImportedUsage

FILES = Path(__file__).parent / "files"

Row = dict[str, Any]


def import_files(engine: Engine, *names: str, **options: Any) -> Report:
    return run(engine, [FILES / name for name in names], actor="test", **options)


def import_texts(engine: Engine, *texts: str | bytes, **options: Any) -> Report:
    files = [in_memory(f"file-{position}", text) for position, text in enumerate(texts)]
    return run(engine, files, actor="test", **options)


def in_memory(name: str, text: str | bytes) -> UsageFile:
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return UsageFile(name, len(data), lambda: BytesIO(data))


def rows(engine: Engine) -> list[Row]:
    """Imported rows in order of time, without the numbers that a run gives them."""
    table = ImportedUsage.__table__
    with engine.connect() as connection:
        found = [dict(row) for row in connection.execute(select(table)).mappings()]
    for row in found:
        del row["id"], row["import_id"]
    return sorted(found, key=lambda row: (row["at"], row["external_key"]))


def tokens(row: Row) -> tuple[int | None, ...]:
    """Input, cached, written to the cache, output."""
    names = ("input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens")
    return tuple(row[name] for name in names)


def reasons(report: Report) -> dict[str, int]:
    return {reason: tally.count for reason, tally in report.skipped.items()}
