"""The ledger from the command line: `python -m db`."""

import sys
from dataclasses import replace
from typing import Any

import click
from sqlalchemy.exc import DBAPIError

from db import (
    commands_admin,
    commands_file,
    commands_life,
    commands_people,
    keys,
    limits,
    people,
    queries,
)
from db.check import check as verify
from db.connect import connect
from db.copy import BATCH, copy_ledger
from db.errors import InvalidInput, LedgerUnavailable, unavailable
from db.ids import now_ms
from db.import_command import import_command
from db.months import month_of
from db.sample import DEVELOPERS, YEAR_DAYS, write_large_sample, write_sample
from db.settings import settings
from db.spans import DAY_MS
from db.terminal import ACTOR, day, developer_named, ledger, print_table

JOULES_PER_KWH = 3_600_000


@click.group()
def cli() -> None:
    """Keys, people and the ledger itself. BREAKEVEN_HOME says where the ledger is."""


cli.add_command(commands_admin.admin)
cli.add_command(commands_people.developer)
cli.add_command(commands_people.team)
for command in (*commands_life.COMMANDS, *commands_file.COMMANDS):
    cli.add_command(command)


@cli.group()
def key() -> None:
    """API keys: one for each developer and tool."""


@key.command("create")
@click.option("--developer", required=True, help="Whose key; added if there is no such developer.")
@click.option("--tool", default="default", show_default=True, help="The tool that will use it.")
@click.option(
    "--expires",
    "days",
    type=click.IntRange(1, 36_500),
    help="Days until it stops working; default: never.",
)
def key_create(developer: str, tool: str, days: int | None) -> None:
    """Make a key and print it. It is shown this once."""
    expires_at = None if days is None else now_ms() + days * DAY_MS
    with ledger() as engine:
        person = people.find_developer(engine, developer)
        if person is None:
            person = people.add_developer(engine, developer, actor=ACTOR)
            click.echo(f"{person.name} is new and was added as a developer.", err=True)
        _, plaintext = keys.create_key(engine, person.id, tool, actor=ACTOR, expires_at=expires_at)
    click.echo(f"Key of {person.name} for {tool}; keep it, it is not shown again:", err=True)
    click.echo(plaintext)


@key.command("list")
@click.option("--all", "everything", is_flag=True, help="Also the revoked ones.")
def key_list(everything: bool) -> None:
    """List keys by their first characters."""
    with ledger() as engine:
        listed = keys.list_keys(engine, revoked=everything)
    rows = [
        (str(item.id), item.developer_name, item.name, item.prefix + "…", day(item.created_at),
         day(item.last_used_at), day(item.expires_at), day(item.revoked_at))
        for item in listed
    ]  # fmt: skip
    print_table(
        ("ID", "DEVELOPER", "TOOL", "KEY", "CREATED", "LAST USED", "EXPIRES", "REVOKED"), rows
    )


@key.command("revoke")
@click.argument("key_id", type=int)
def key_revoke(key_id: int) -> None:
    """Stop the key with this ID (see `key list`)."""
    with ledger() as engine:
        revoked = keys.revoke_key(engine, key_id, actor=ACTOR)
    click.echo(f"Key {revoked.prefix}… of {revoked.developer_name} no longer works.")


@cli.group("limits")
def limits_group() -> None:
    """What developers and keys may use: per minute, at once, and in a month."""


@limits_group.command("set")
@click.option("--developer", help="Whose limits: a developer's, for all their keys together,")
@click.option("--key", "key_id", type=int, help="or those of the key with this ID.")
@click.option("--requests-per-minute", type=int, metavar="N")
@click.option("--tokens-per-minute", type=int, metavar="N", help="Of input and output together.")
@click.option("--concurrent", "concurrent_requests", type=int, metavar="N", help="At once.")
@click.option("--tokens-per-month", type=int, metavar="N", help="Of input and output together.")
@click.option("--kwh-per-month", type=float, metavar="X")
@click.option("--model", "models", multiple=True, help="A model that may be used; may be repeated.")
@click.option("--none", "start_over", is_flag=True, help="Lift all limits but those given here.")
def limits_set(
    developer: str | None,
    key_id: int | None,
    kwh_per_month: float | None,
    models: tuple[str, ...],
    start_over: bool,
    **counts: int | None,
) -> None:
    """Set the limits that are given and leave the others as they are."""
    changes: dict[str, Any] = {name: count for name, count in counts.items() if count is not None}
    if kwh_per_month is not None:
        changes["energy_j_per_month"] = kwh_per_month * JOULES_PER_KWH
    if models:
        changes["models"] = models
    if not changes and not start_over:
        raise InvalidInput("limits", "Say which limit to set, or --none to lift all of them.")
    with ledger() as engine:
        developer_id = None if developer is None else developer_named(engine, developer).id
        before = limits.get_limits(engine, developer_id=developer_id, api_key_id=key_id)
        limits.set_limits(
            engine,
            replace(limits.NO_LIMITS if start_over else before, **changes),
            developer_id=developer_id,
            api_key_id=key_id,
            actor=ACTOR,
        )
    click.echo("The limits are set." if changes else "The limits are lifted.")


@limits_group.command("show")
def limits_show() -> None:
    """List every limit, and what this month (UTC) has used of the budgets."""
    with ledger() as engine:
        holders = limits.list_limits(engine)
        use = queries.month_use(engine, month_of(now_ms()))
    rows = []
    for holder in holders:
        theirs = (
            use[use["developer_id"] == holder.developer_id]
            if holder.api_key_id is None
            else use[use["api_key_id"] == holder.api_key_id]
        )
        tokens = int(theirs["input_tokens"].sum() + theirs["output_tokens"].sum())
        rows.append(_limits_row(holder, tokens, float(theirs["energy_j"].sum())))
    print_table(
        ("DEVELOPER", "KEY", "REQUESTS/MIN", "TOKENS/MIN", "AT ONCE", "TOKENS THIS MONTH",
         "KWH THIS MONTH", "MODELS"),
        rows,
    )  # fmt: skip


def _limits_row(holder: limits.Holder, tokens: int, joules: float) -> tuple[str, ...]:
    """A holder's limits, each budget behind what is used of it."""
    its = holder.limits
    tokens_used, kwh_used = f"{tokens:,}", f"{joules / JOULES_PER_KWH:,.4g}"
    if its.tokens_per_month is not None:
        tokens_used += f" of {its.tokens_per_month:,}"
    if its.energy_j_per_month is not None:
        kwh_used += f" of {its.energy_j_per_month / JOULES_PER_KWH:,.4g}"
    per_minute = (its.requests_per_minute, its.tokens_per_minute, its.concurrent_requests)
    return (
        holder.developer_name,
        "" if holder.api_key_id is None else f"{holder.api_key_id} ({holder.key_name})",
        *("" if limit is None else f"{limit:,}" for limit in per_minute),
        tokens_used,
        kwh_used,
        ", ".join(its.models or ()),
    )


@cli.command("check")
@click.option("--database", help="The ledger's URL; default: the one in BREAKEVEN_HOME.")
def check_command(database: str | None) -> None:
    """Verify every rule of the ledger. Changes nothing; exits with 1 where a rule is broken."""
    engine = connect(database or settings().ledger_url, read_only=True)
    report = verify(engine)
    for violation in report.violations:
        click.echo(f"BROKEN, {violation.count} times: {violation.rule}")
        for row in violation.rows:
            click.echo(f"  {row}")
        if violation.count > len(violation.rows):
            click.echo("  …")
    verdict = f"{len(report.violations)} rules broken" if report.violations else "all rules hold"
    click.echo(f"{report.requests:,} requests, {report.intervals:,} energy intervals: {verdict}.")
    sys.exit(1 if report.violations else 0)


@cli.command("copy")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option(
    "--batch",
    default=BATCH,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="Rows that are written together.",
)
def copy_command(source: str, target: str, batch: int) -> None:
    """Copy a ledger from one URL to another, and compare both. Stop the gateway first.

    TO has to be empty. A copy that was interrupted goes on when it is run again. Exits with 1 where
    the copy differs.
    """
    with _Bars() as bars:
        compared = copy_ledger(
            source, target, batch=batch, begin=bars.begin, progress=bars.progress
        )
    rows = [
        (table.table, f"{table.rows:,}", f"{table.copied:,}", table.checksum[:16],
         table.copied_checksum[:16], "" if table.equal else "DIFFERS")
        for table in compared
    ]  # fmt: skip
    print_table(("TABLE", "ROWS", "COPIED", "CHECKSUM", "OF THE COPY", ""), rows)
    different = [table.table for table in compared if not table.equal]
    if different:
        click.echo(
            f"The copy differs in {', '.join(different)}: somebody changed one of both meanwhile."
            " Copy again into an empty database."
        )
        sys.exit(1)
    click.echo(f"{sum(table.rows for table in compared):,} rows are copied, and equal.")


class _Bars:
    """A progress bar on the terminal for each part of a long task."""

    def __enter__(self) -> "_Bars":
        self._bar: Any = None
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.render_finish()

    def begin(self, what: str, rows: int) -> None:
        self.__exit__()
        self._bar = click.progressbar(
            length=rows, label=what, file=sys.stderr, update_min_steps=5_000
        )
        self._bar.render_progress()

    def progress(self, rows: int) -> None:
        self._bar.update(rows)


@cli.command("sample")
@click.option("--seed", default=7, show_default=True, help="Another seed, another team's use.")
@click.option("--database", help="The sample's URL; default: sample.db in BREAKEVEN_HOME.")
@click.option(
    "--requests",
    type=click.IntRange(min=1),
    help="Instead of a team of eight's 90 days: an organisation's, with this many requests.",
)
@click.option("--developers", type=click.IntRange(min=1), help="Of it; default: 500.")
@click.option("--days", type=click.IntRange(min=1), help="That it covers; default: 365.")
def sample_command(
    seed: int,
    database: str | None,
    requests: int | None,
    developers: int | None,
    days: int | None,
) -> None:
    """Write made-up rows into sample.db, beside the ledger: a team of eight's 90 days, or with
    --requests an organisation's year."""
    url = database or settings().sample_url
    if requests is not None:
        with click.progressbar(length=requests, label="Requests", file=sys.stderr) as bar:
            written = write_large_sample(
                url,
                requests,
                developers=developers or DEVELOPERS,
                days=days or YEAR_DAYS,
                seed=seed,
                progress=bar.update,
            )
    elif developers or days:
        raise InvalidInput("requests", "How large a sample? Say it with --requests.")
    else:
        written = write_sample(url, seed=seed)
    click.echo(
        f"{written.requests:,} requests of {written.developers:,} developers over {written.days:,}"
        f" days are in {url.removeprefix('sqlite:///')}."
    )


cli.add_command(import_command)


def main() -> None:
    """Run a command; an error is one line, not a trace."""
    try:
        cli(prog_name="python -m db")
    except (InvalidInput, LedgerUnavailable) as error:
        _fail(error)
    except DBAPIError as error:
        _fail(unavailable(error) or error)
    except OSError as error:
        _fail(error)


def _fail(error: Exception) -> None:
    click.echo(f"Error: {error}", err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
