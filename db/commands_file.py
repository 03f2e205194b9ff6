"""`python -m db backup`, `restore` and `vacuum`: the ledger's file as a whole."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from db import backup, energy_rollups, restore, usage_rebuild, vacuum
from db.audit import note
from db.connect import connect, without_time_limit, writing
from db.ids import utc_text
from db.retention import horizons
from db.settings import settings
from db.terminal import ACTOR, ledger, sure

MEGABYTE = 1_000_000


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path), required=False)
def backup_command(file: Path | None) -> None:
    """Copy the ledger into FILE while the gateway goes on; verified, never overwriting.

    Without FILE it goes into BREAKEVEN_HOME/backups under the time (UTC).
    """
    options = settings()
    target = file or backup.default_path(options.home)
    with _progress("Copying") as on_step:
        copied = backup.backup(options.ledger_url, target, on_step)
    requests = copied.rows.get("requests", 0)
    click.echo(
        f"{copied.path} is a verified copy: {copied.size / MEGABYTE:,.1f} MB,"
        f" {requests:,} requests."
    )
    _tell_broken(copied.broken)


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore_command(file: Path, yes: bool) -> None:
    """Put the backup FILE in the ledger's place; the gateway has to be stopped.

    The ledger that was there is kept beside it under a dated name.
    """
    url = settings().ledger_url
    backup.require_sqlite(url, f"pg_restore --clean --if-exists --single-transaction {file}")
    found = restore.inspect_backup(file)
    newest = "none" if found.newest_request is None else utc_text(found.newest_request)
    made_up = ", all of a made-up team" if found.is_sample else ""
    if not sure(
        f"{file} is sound: {found.rows['requests']:,} requests{made_up}, the newest of {newest}."
        " Put it in the ledger's place?",
        yes,
    ):
        return
    done = restore.restore(url, file)
    click.echo("The ledger is restored.")
    if done.kept is not None:
        click.echo(f"What was there before is in {done.kept}; restore that to undo this.")
    _tell_broken(done.broken)


@click.command("vacuum")
@click.option("--full", is_flag=True, help="Write the file anew; the gateway has to be stopped.")
def vacuum_command(full: bool) -> None:
    """Give unused space back to the disk in small steps, while the gateway goes on."""
    url = settings().ledger_url
    if full and url.startswith("sqlite"):
        done: vacuum.Vacuumed | None = vacuum.vacuum_full(url)
    else:
        engine = connect(url)
        try:
            with _progress("Giving back") as on_step:
                done = vacuum.vacuum(engine, on_step)
        finally:
            engine.dispose()
    if done is None:
        click.echo("PostgreSQL has vacuumed and analysed the ledger.")
        return
    click.echo(f"{done.freed / MEGABYTE:,.1f} MB were given back to the disk.")
    if done.log:
        click.echo(
            f"{done.log / MEGABYTE:,.1f} MB of the write-ahead log stay until nobody reads them."
        )


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal; nothing where the output goes elsewhere."""
    with click.progressbar(length=1, label=label) as bar:

        def on_step(done: int, of: int) -> None:
            bar.length = max(of, 1)
            bar.update(done - bar.pos)

        yield on_step
        bar.update((bar.length or 1) - bar.pos)


def _tell_broken(rules: list[str]) -> None:
    if rules:
        click.echo(f"But it breaks rules, as `python -m db check` will tell: {'; '.join(rules)}.")


@click.command("rebuild")
def rebuild_command() -> None:
    """Add up requests and minutes anew, by hour, day, month and year; what pages read.

    It is needed only where `check` finds that these sums are not what the rows add up to. What
    retention has deleted the rows of stays as it is. A running gateway waits meanwhile.
    """
    with ledger(must_exist=True) as engine, writing(engine) as connection:
        without_time_limit(connection)
        kept = horizons(connection)
        usage_rebuild.rebuild(connection, kept.requests_from)
        energy_rollups.rebuild(connection, kept.minutes_from)
        note(connection, ACTOR, "sums made anew")
    click.echo("Requests and minutes are added up anew.")


COMMANDS = (backup_command, restore_command, vacuum_command, rebuild_command)
