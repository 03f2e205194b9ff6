"""One import, from files to the ledger."""

import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Engine, insert, update

from db.audit import note
from db.connect import writing
from db.errors import InvalidInput, LedgerUnavailable
from db.ids import now_ms
from db.importers import anthropic, claude_code, codex, litellm, openai
from db.importers.detect import detect, is_table
from db.importers.documents import LISTS
from db.importers.owners import Owners
from db.importers.reading import UsageFile, unpacked
from db.importers.record import Notes, Usage, label
from db.importers.report import Report
from db.importers.spans import Spans
from db.importers.staging import Staged, Staging
from db.importers.writing import Writer
from db.schema import Import

LABELS = {
    claude_code.NAME: "Claude Code (JSONL)",
    codex.NAME: "Codex CLI (JSONL)",
    litellm.NAME: "LiteLLM (spend log)",
    openai.NAME: "OpenAI (usage or costs)",
    anthropic.NAME: "Anthropic (usage or costs)",
}
KINDS = tuple(LABELS)
UNKNOWN_FORMAT = "not a format that can be imported"
UNKNOWN_JSON = (
    f"{UNKNOWN_FORMAT}: its JSON has no usage on its lines, in its list, or in a list named"
    f" {', '.join(LISTS)}"
)
TOLD_AT_ANOTHER_GRAIN = (
    "this time is told already by an export that is grouped or cut differently; undo that import"
    " to have this one"
)
LESS_THAN_BEFORE = (
    "an export says less than one before, and the larger cost stays; undo that import to have this"
    " one"
)
_TABLES = {
    litellm.NAME: litellm.read_table,
    openai.NAME: openai.read_table,
    anthropic.NAME: anthropic.read_table,
}
_JSON = {
    claude_code.NAME: claude_code.read,
    codex.NAME: codex.read,
    litellm.NAME: litellm.read,
    openai.NAME: openai.read,
    anthropic.NAME: anthropic.read,
}
_READING = 0.7  # of the progress; writing is the rest
_EVERY = 200
_MOST_NAMES = 20

Progress = Callable[[float], None]


def run(
    engine: Engine,
    files: Sequence[UsageFile | Path],
    *,
    actor: str,
    kind: str | None = None,
    developer: str | None = None,
    dry_run: bool = False,
    progress: Progress = lambda share: None,
) -> Report:
    """Import the files; with `dry_run` only tell what that would do.

    `kind` None: each file's format is known by its content. `developer` is whose the logs are that
    name nobody. `progress` hears the share that is done, from 0 to 1. InvalidInput for a kind or
    developer that is not there, or where there is no file.
    """
    if kind is not None and kind not in KINDS:
        raise InvalidInput("kind", f"There is no kind {kind}; there are {', '.join(KINDS)}.")
    opened = [UsageFile.at(one) if isinstance(one, Path) else one for one in files]
    if not opened:
        raise InvalidInput("files", "There is no file to import.")
    owners = Owners(engine, developer)
    notes, report = Notes(), Report()
    report.skipped, report.remarks = notes.skipped, notes.remarks
    try:
        with Staging() as staging:
            _stage(opened, kind, staging, notes, report, progress)
            _write(engine, opened, staging, owners, notes, report, actor, dry_run, progress)
    except sqlite3.Error as error:  # of the staging file: the ledger's have other names
        if "overflow" in str(error):
            raise InvalidInput("files", "The figures are too large to add up.") from error
        raise LedgerUnavailable(
            f"The temporary folder {tempfile.gettempdir()} cannot be used ({error}); free some"
            " space in it, or name another with TMPDIR."
        ) from error
    progress(1.0)
    return report


def _stage(
    files: Sequence[UsageFile],
    kind: str | None,
    staging: Staging,
    notes: Notes,
    report: Report,
    progress: Progress,
) -> None:
    size, before = sum(file.size for file in files) or 1, 0
    for file in files:
        notes.file = label(file.name) or "unnamed"
        try:
            found = kind or detect(file)
            if found is None:
                notes.skip(UNKNOWN_FORMAT if is_table(file) else UNKNOWN_JSON)
                continue
            report.files[found] = report.files.get(found, 0) + 1
            with file.open() as raw:
                for usage in _told(found, file, raw, notes):
                    staging.add(found, usage)
                    report.read += 1
                    if report.read % _EVERY == 0:
                        progress(min((before + raw.tell()) / size, 1.0) * _READING)
            staging.end_file()
        except OSError as error:
            notes.skip(f"the file cannot be read ({error.strerror})")
        before += file.size
        progress(min(before / size, 1.0) * _READING)
    staging.end_files()


def _told(kind: str, file: UsageFile, raw: BinaryIO, notes: Notes) -> Iterable[Usage]:
    if is_table(file):
        if kind not in _TABLES:
            notes.skip("a table, which this kind's logs are not")
            return []
        return _TABLES[kind](unpacked(raw), notes)
    return _JSON[kind](unpacked(raw), notes)


def _write(
    engine: Engine,
    files: Sequence[UsageFile],
    staging: Staging,
    owners: Owners,
    notes: Notes,
    report: Report,
    actor: str,
    dry_run: bool,
    progress: Progress,
) -> None:
    records = staging.count() or 1
    if not dry_run:
        report.import_id = _begin(engine, files, report, actor)
    spans = Spans(engine)
    writer = Writer(engine, report.import_id, owners, spans)
    writer.write(
        _counted(staging.merged(), owners, spans, report),
        lambda done: progress(_READING + (1 - _READING) * done / records),
    )
    report.added, report.updated = writer.written.added, writer.written.updated
    report.unchanged = writer.written.unchanged
    if writer.written.clashing:
        notes.file = f"{writer.written.clashing} rows"
        notes.skip(TOLD_AT_ANOTHER_GRAIN)
        notes.skipped[TOLD_AT_ANOTHER_GRAIN].count = writer.written.clashing
    if writer.written.smaller:
        notes.file = f"{writer.written.smaller} rows"
        notes.remark(LESS_THAN_BEFORE)
        notes.remarks[LESS_THAN_BEFORE].count = writer.written.smaller
    if report.import_id is not None:
        _end(engine, report.import_id, report, actor)


def _counted(
    records: Iterator[Staged], owners: Owners, spans: Spans, report: Report
) -> Iterator[Staged]:
    for record in records:
        if not spans.clashes(record):
            report.count(record)
        if owners.is_erased(record.person):
            report.erased += 1
        if owners.of(record.person) is None:
            if record.person is None:
                report.nobody += 1
            elif record.person in report.unmatched or len(report.unmatched) < _MOST_NAMES:
                before = report.unmatched.get(record.person, 0)
                report.unmatched[record.person] = before + 1
        yield record


def _begin(engine: Engine, files: Sequence[UsageFile], report: Report, actor: str) -> int:
    names = [label(file.name) or "unnamed" for file in files]
    shown = names[:_MOST_NAMES]
    more = [f"and {len(names) - len(shown):,} more"] if len(names) > len(shown) else []
    values = {
        "at": now_ms(),
        "actor": actor,
        "sources": ", ".join(sorted(report.files)),
        "files": ", ".join([*shown, *more]),
        "read": report.read,
        "added": 0,
        "updated": 0,
        "unchanged": 0,
        "skipped": report.skipped_count,
        "detail": report.detail(),
    }
    with writing(engine) as connection:
        key = connection.execute(insert(Import).values(values)).inserted_primary_key
        assert key is not None
        note(connection, actor, "import begun", id=key[0], files=values["files"])
        return int(key[0])


def _end(engine: Engine, import_id: int, report: Report, actor: str) -> None:
    counts = {
        "added": report.added,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "skipped": report.skipped_count,
    }
    with writing(engine) as connection:
        connection.execute(
            update(Import)
            .where(Import.id == import_id)
            .values(finished_at=now_ms(), detail=report.detail(), **counts)
        )
        note(connection, actor, "import finished", id=import_id, **counts)
