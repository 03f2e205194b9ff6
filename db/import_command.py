"""`python -m db import`: the usage that a team already has."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
from sqlalchemy import Engine

from db import imported
from db.errors import InvalidInput
from db.importers import KINDS, LABELS, Report, UsageFile, files_at, run, undo, usual_logs
from db.importers.record import Tally
from db.terminal import ledger

ACTOR = "command line"
_STEPS = 1000


@click.command("import")
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--kind", type=click.Choice(KINDS), help="The format; default: by the content.")
@click.option(
    "--developer",
    metavar="NAME",
    help="Whose usage it is where the files do not say: logs of Claude Code and Codex do not.",
)
@click.option("--dry-run", is_flag=True, help="Only tell what would be imported.")
@click.option("--list", "list_them", is_flag=True, help="List past imports.")
@click.option("--undo", "undo_id", type=int, metavar="ID", help="Take an import back.")
def import_command(
    paths: tuple[Path, ...],
    kind: str | None,
    developer: str | None,
    dry_run: bool,
    list_them: bool,
    undo_id: int | None,
) -> None:
    """Import the usage that you already have, from files or folders.

    Formats: logs of Claude Code and Codex, LiteLLM's spend log, and the usage and cost exports of
    OpenAI and Anthropic; plain or .gz. Without paths the folders of Claude Code and Codex on this
    machine are looked through. Importing a file again adds nothing. Prompts and paths are not kept.
    """
    if undo_id is not None:
        with ledger() as engine:
            removed = undo(engine, undo_id, actor=ACTOR)
        click.echo(f"Import {undo_id} is undone: {removed:,} records removed.")
    elif list_them:
        with ledger() as engine:
            _list(imported.past_imports(engine))
    else:
        files = _files(paths)
        with ledger() as engine:
            report = _run(engine, files, kind, developer, dry_run)
        _show(report, dry_run)


def _files(paths: tuple[Path, ...]) -> list[UsageFile]:
    if paths:
        files = [file for path in paths for file in files_at(path)]
        if not files:
            raise InvalidInput("paths", "There is no file to import in these folders.")
        return files
    found = usual_logs()
    for kind, logs in found.items():
        click.echo(f"{LABELS[kind]}: {len(logs):,} files on this machine.")
    files = [file for logs in found.values() for file in logs]
    if not files:
        raise InvalidInput(
            "paths", "There are no logs in the usual folders; name a file or folder to import."
        )
    return files


def _run(
    engine: Engine,
    files: Sequence[UsageFile],
    kind: str | None,
    developer: str | None,
    dry_run: bool,
) -> Report:
    with click.progressbar(length=_STEPS, label="Importing", show_eta=True) as bar:

        def progress(share: float) -> None:
            bar.update(int(share * _STEPS) - bar.pos)

        return run(
            engine,
            files,
            kind=kind,
            developer=developer,
            actor=ACTOR,
            dry_run=dry_run,
            progress=progress,
        )


def _show(report: Report, dry_run: bool) -> None:
    """The report as a table of two columns, then what was skipped, and what to know."""
    would = "would be " if dry_run else ""
    at_least = "at least " if report.lower_bound else ""
    costs = [f"{amount:,.2f} {currency}" for currency, amount in report.cost.items()]
    facts = [
        ("Files", ", ".join(f"{count:,} of {LABELS[kind]}" for kind, count in report.files.items())
         or "none that can be imported"),
        ("Records read", f"{report.read:,}, repeats included"),
        (f"{would}added".capitalize(), f"{report.added:,}"),
        (f"{would}updated".capitalize(), f"{report.updated:,}"),
        ("Unchanged", f"{report.unchanged:,}, there before"),
        ("Skipped", f"{report.skipped_count:,}"),
        ("From, to (UTC)", f"{_day(report.first_at)}, {_day(report.last_at)}"),
        ("Requests", f"{report.requests:,}"),
        ("Input tokens", f"{at_least}{report.input_tokens:,}"),
        ("Output tokens", f"{at_least}{report.output_tokens:,}"),
        ("Cost", "; ".join(costs) or "unknown"),
    ]  # fmt: skip
    if report.cost and report.cost_unknown:
        facts.append(("Cost unknown of", f"{report.cost_unknown:,} records"))
    for name, value in facts:
        click.echo(f"{name:<18}{value}")
    _reasons("Skipped:", report.skipped)
    _reasons("Counted, but to know:", report.remarks)
    if report.unmatched:
        names = ", ".join(f"{name} ({count:,})" for name, count in report.unmatched.items())
        click.echo(f"Kept under their label, for no developer has the name: {names}")
    if report.erased:
        click.echo(
            f"{report.erased:,} records are of people whose names were erased: they stay without a"
            " name. Names of files are kept: rename a file that has the person's name."
        )
    if report.nobody:
        click.echo(f"{report.nobody:,} records are nobody's: say whose with --developer NAME.")
    if report.import_id is not None and report.added:
        click.echo(f"To take it back: python -m db import --undo {report.import_id}")


def _reasons(title: str, tallies: dict[str, Tally]) -> None:
    if not tallies:
        return
    click.echo(title)
    for reason, tally in sorted(tallies.items(), key=lambda item: -item[1].count):
        places = ", ".join(tally.places) + (", …" if tally.count > len(tally.places) else "")
        click.echo(f"  {tally.count:,} × {reason} ({places})")


def _list(past: list[imported.PastImport]) -> None:
    head = ("ID", "AT (UTC)", "BY", "SOURCES", "ADDED", "UPDATED", "SKIPPED", "STATE", "FILES")
    rows = [head] + [
        (str(one.id), _day(one.at), one.actor, one.sources, f"{one.added:,}", f"{one.updated:,}",
         f"{one.skipped:,}", state(one), one.files[:60])
        for one in past
    ]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def state(one: imported.PastImport) -> str:
    """Whether an import is in force."""
    if one.undone_at is not None:
        return "undone"
    return "interrupted" if one.finished_at is None else "imported"


def _day(at_ms: int | None) -> str:
    if at_ms is None:
        return "unknown"
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")
