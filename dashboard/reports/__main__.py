"""Exports from the command line: `python -m dashboard.reports`."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from dashboard.reports.exports import FORMATS, Export, Format, What, chunks
from dashboard.reports.files import write_whole
from dashboard.reports.month.contents import month_report
from dashboard.reports.month.files import Kind, as_file, size_of
from dashboard.reports.month.models import SIZES
from dashboard.reports.span import Span
from db.connect import connect
from db.errors import InvalidInput, LedgerUnavailable, unavailable
from db.export_queries import Whose
from db.ids import now_ms
from db.migrate import is_current
from db.settings import settings
from db.teams import find_team
from db.terminal import ACTOR, developer_named

_STEPS = 1_000  # of the progress bar


class _Day(click.ParamType[date]):
    name = "date"

    def convert(self, value: Any, param: Any, ctx: Any) -> date:
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a date such as 2026-10-01.", param, ctx)


class _Zone(click.ParamType[ZoneInfo]):
    name = "zone"

    def convert(self, value: Any, param: Any, ctx: Any) -> ZoneInfo:
        try:
            return value if isinstance(value, ZoneInfo) else ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.fail(f"There is no time zone named {value!r}; write one such as Europe/Berlin.")


_FILE = click.Path(path_type=Path, dir_okay=False)
_timezone = click.option(
    "--timezone",
    "zone",
    type=_Zone(),
    default="UTC",
    show_default=True,
    help="Whose days and months.",
)
_database = click.option("--database", help="The ledger's URL; default: the one in BREAKEVEN_HOME.")
_force = click.option("--force", is_flag=True, help="Replace a file that exists.")
_OPTIONS = (
    click.option("--from", "first", type=_Day(), required=True, help="The first day."),
    click.option("--to", "before", type=_Day(), help="The day after the last; default: up to now."),
    _timezone,
    click.option("--team", help="Only this team, as of each request's own day."),
    click.option("--developer", help="Only this developer; not for focus."),
    _database,
    click.option(
        "-o",
        "--output",
        default="-",
        show_default=True,
        metavar="FILE",
        help="Where to write it; - is the standard output.",
    ),
    _force,
)


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """What all of the exports ask for."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_format = click.option(
    "--format", "kind", type=click.Choice(FORMATS), default="csv", show_default=True
)


@click.group()
def cli() -> None:
    """Export the ledger: requests, daily usage, costs in FOCUS 1.2, or a month for a cost review.

    A range holds the days from --from to before --to. In CSV an apostrophe stands before text that
    a spreadsheet would take for a formula. A running gateway need not be stopped.
    """


@cli.command("csv")
@_options
def csv_command(**asked: Any) -> None:
    """Every request, as CSV."""
    _export("requests", "csv", **asked)


@cli.command("parquet")
@_options
def parquet_command(**asked: Any) -> None:
    """Every request, as Parquet."""
    _export("requests", "parquet", **asked)


@cli.command("usage")
@_options
@_format
def usage_command(kind: Format, **asked: Any) -> None:
    """What each developer used a day, by team and model."""
    _export("usage", kind, **asked)


@cli.command("focus")
@_options
@_format
def focus_command(kind: Format, **asked: Any) -> None:
    """Costs by day and team, in the FinOps Open Cost and Usage Specification 1.2."""
    _export("focus", kind, **asked)


@cli.command("month")
@click.argument("month", metavar="YYYY-MM")
@click.option("--pdf", type=_FILE, metavar="FILE", help="The report on paper.")
@click.option("--xlsx", type=_FILE, metavar="FILE", help="The same figures to calculate with.")
@click.option("--paper", default=SIZES[0], show_default=True, help=" or ".join(SIZES) + ".")
@_timezone
@_database
@_force
def month_command(
    month: str,
    pdf: Path | None,
    xlsx: Path | None,
    paper: str,
    zone: ZoneInfo,
    database: str | None,
    force: bool,
) -> None:
    """A month for a cost review: both sides' costs, who they are for, and what they rest on."""
    files: dict[Kind, Path] = {}
    if pdf is not None:
        files["pdf"] = pdf
    if xlsx is not None:
        files["xlsx"] = xlsx
    if not files:
        raise InvalidInput("pdf", "Say where to write the report: --pdf FILE, --xlsx FILE or both.")
    size = size_of(paper)
    with _ledger(database or settings().ledger_url) as engine:
        report = month_report(engine, month, zone, now_ms(), ACTOR)
    for kind, path in files.items():
        length = write_whole(path, [as_file(report, kind, size)], replace=force)
        click.echo(f"{path}: {length:,} bytes.", err=True)


def _export(
    what: What,
    kind: Format,
    *,
    first: date,
    before: date | None,
    zone: ZoneInfo,
    team: str | None,
    developer: str | None,
    database: str | None,
    output: str,
    force: bool,
) -> None:
    today = datetime.now(UTC).astimezone(zone).date()
    span = Span(first, before or today + timedelta(days=1), zone)
    if output == "-" and kind == "parquet" and sys.stdout.isatty():
        raise InvalidInput("output", "Parquet is not for a terminal; name a file with -o FILE.")
    with _ledger(database or settings().ledger_url) as engine:
        export = Export(what, kind, span, _whose(engine, team, developer))
        with click.progressbar(
            length=_STEPS, label=export.filename, file=sys.stderr, show_pos=False
        ) as bar:
            pieces = chunks(engine, export, lambda part: bar.update(int(part * _STEPS) - bar.pos))
            if output == "-":
                for piece in pieces:
                    sys.stdout.buffer.write(piece)
                sys.stdout.buffer.flush()
                size = None
            else:
                size = write_whole(Path(output), pieces, replace=force)
            bar.update(_STEPS - bar.pos)
    if size is not None:
        click.echo(f"{output}: {size:,} bytes.", err=True)


def _whose(engine: Engine, team: str | None, developer: str | None) -> Whose:
    developer_id = team_id = None
    if developer is not None:
        developer_id = developer_named(engine, developer).id
    if team is not None:
        group = find_team(engine, team)
        if group is None:
            raise InvalidInput("team", f"There is no team named {team}.")
        team_id = group.id
    return Whose(developer_id, team_id)


@contextmanager
def _ledger(url: str) -> Iterator[Engine]:
    engine = connect(url, read_only=True)
    try:
        if not is_current(engine):
            raise LedgerUnavailable(
                "The ledger is another version's; start this version's server, or run "
                "`python -m db developer list`, once to bring it up to date."
            )
        yield engine
    finally:
        engine.dispose()


def main() -> None:
    """Run a command; an error is one line, not a trace."""
    try:
        cli(prog_name="python -m dashboard.reports")
    except BrokenPipeError:
        sys.stderr.close()  # who read the output has left, and so nobody needs to be told
        sys.exit(1)
    except (InvalidInput, LedgerUnavailable, OSError) as error:
        _fail(error)
    except DBAPIError as error:
        _fail(unavailable(error) or error)


def _fail(error: Exception) -> None:
    click.echo(f"Error: {error}", err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
