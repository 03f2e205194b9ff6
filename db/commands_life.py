"""`python -m db retention` and `audit`: how long rows are kept, and who changed what."""

import json
from dataclasses import replace

import click

from db import audit, retention
from db.connect import reading
from db.expiry import expire
from db.ids import utc_text
from db.retention import Due, Retention
from db.terminal import ACTOR, ledger, midnight, print_table, sure


@click.command("retention")
@click.option("--requests-days", type=int, metavar="N", help="Keep requests for N days.")
@click.option("--minutes-days", type=int, metavar="M", help="Keep meters' minutes for M days.")
@click.option("--forever", is_flag=True, help="Keep all that is not named here for ever.")
@click.option("--now", "at_once", is_flag=True, help="Delete at once what is too old.")
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def retention_command(
    requests_days: int | None,
    minutes_days: int | None,
    forever: bool,
    at_once: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Set or show for how long rows are kept. What they add up to is kept for ever."""
    with ledger(must_exist=True) as engine:
        before = retention.current(engine)
        wanted = Retention() if forever else before
        if requests_days is not None:
            wanted = replace(wanted, requests_days=requests_days)
        if minutes_days is not None:
            wanted = replace(wanted, minutes_days=minutes_days)
        due = retention.due(engine, wanted)
        if dry_run:
            click.echo(f"{_in_words(wanted)} {_would_go(due)}")
            return
        deletes = bool(due.requests or due.minutes) and (wanted != before or at_once)
        if deletes and not sure(f"{_would_go(due)} This cannot be undone. Go on?", yes):
            return
        if wanted != before:
            retention.set_retention(engine, wanted, actor=ACTOR)
        click.echo(_in_words(wanted))
        if at_once:
            gone = expire(engine)
            click.echo(f"Deleted: {gone.requests:,} requests, {gone.minutes:,} minutes of meters.")
        elif deletes:
            click.echo("The gateway deletes within the hour what is too old; --now does it now.")
        with reading(engine) as connection:
            horizons = retention.horizons(connection)
    for what, at in (("Requests", horizons.requests_from), ("Minutes", horizons.minutes_from)):
        if at is not None:
            click.echo(f"{what} are complete from {utc_text(at)} on.")


def _in_words(kept: Retention) -> str:
    def span(days: int | None) -> str:
        return "for ever" if days is None else f"for {days:,} days"

    return (
        f"Requests are kept {span(kept.requests_days)}, meters' minutes {span(kept.minutes_days)}."
    )


def _would_go(due: Due) -> str:
    return f"{due.requests:,} requests and {due.minutes:,} minutes of meters are older than that."


@click.command("audit")
@click.option("--since", metavar="DATE", help="From this day on.")
@click.option("--actor", metavar="X", help="Only what X did.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, whole.")
def audit_command(since: str | None, actor: str | None, as_json: bool) -> None:
    """List every change to people, keys, prices and settings, newest first."""
    first = midnight(since)
    with ledger(must_exist=True) as engine:
        found = audit.entries(engine, since=first, actor=actor)
    if as_json:
        for entry in found:
            about = {"id": entry.id, "at": entry.at, "actor": entry.actor, "action": entry.action}
            click.echo(json.dumps(about | {"detail": entry.detail}))
        return
    rows = [
        (utc_text(entry.at), entry.actor, entry.action, audit.in_words(entry.detail))
        for entry in found
    ]
    print_table(("WHEN", "WHO", "WHAT", "DETAIL"), rows)


COMMANDS = (retention_command, audit_command)
