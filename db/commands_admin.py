"""`python -m db admin …`: who may sign in to the dashboard."""

import click
from sqlalchemy import Engine

from db import accounts, people
from db.accounts import Account, Holder
from db.admins import enters_by_email
from db.errors import InvalidInput
from db.schema import OWN_ROLES, OwnRole
from db.terminal import ACTOR, day, developer_named, ledger, print_table

FIRST = "admin"


@click.group()
def admin() -> None:
    """Who may sign in to the dashboard."""


@admin.command("list")
def admin_list() -> None:
    """List accounts."""
    with ledger() as engine:
        listed = accounts.list_accounts(engine)
    rows = [
        (it.name, it.role, it.developer or "", day(it.created_at),
         "" if it.may_enter else "disabled" if it.disabled_at else "developer archived")
        for it in listed
    ]  # fmt: skip
    print_table(("NAME", "ROLE", "DEVELOPER", "ADDED", ""), rows)


@admin.command("add")
@click.argument("name")
@click.option("--developer", help="Whose account it is; it has their role.")
@click.option("--role", type=click.Choice(OWN_ROLES), help="Or its own role; default: admin.")
@click.option("--email", help="Enter by it through the organisation, without a password here.")
def admin_add(name: str, developer: str | None, role: OwnRole | None, email: str | None) -> None:
    """Add an account. Asks for its password where there is no e-mail."""
    if developer is not None and role is not None:
        raise InvalidInput("role", "A developer's role is set with `developer set-role`.")
    password = None if email else _ask()
    with ledger() as engine:
        holder = Holder(role=role or "admin")
        if developer is not None:
            holder = Holder(developer_named(engine, developer).id)
        added = accounts.add_account(
            engine, name, holder, password=password, email=email, actor=ACTOR
        )
    click.echo(f"{added.name} may sign in as {added.role}.")
    _warn_of_no_way_in(added)


def _warn_of_no_way_in(account: Account) -> None:
    if not account.has_password and not enters_by_email():
        click.echo(
            "The options here name no organisation's sign-in (BREAKEVEN_OIDC_…), without which"
            f" {account.name} cannot sign in: name it, or set a password.",
            err=True,
        )


@admin.command("set-password")
@click.argument("name", default=FIRST)
def admin_set_password(name: str) -> None:
    """Set an account's password (at least 10 characters), by default that of “admin”, which is
    added where there is none. It signs the account out everywhere."""
    password = _ask()
    with ledger() as engine:
        found = accounts.find_account(engine, name)
        if found is None and name == FIRST:
            holder = Holder(role="admin")
            accounts.add_account(engine, FIRST, holder, password=password, actor=ACTOR)
        else:
            account = _named(engine, name)
            accounts.set_password(engine, account.id, password, actor=ACTOR)
    click.echo(f"The password of {name} is set.")


@admin.command("set-email")
@click.argument("name")
@click.argument("email")
def admin_set_email(name: str, email: str) -> None:
    """Let an account be entered through the organisation, by this e-mail; "" ends that."""
    with ledger() as engine:
        account = _named(engine, name)
        changed = accounts.change_account(engine, account.id, account.holder, email, actor=ACTOR)
    click.echo(f"{changed.name} may be entered by {changed.email or 'no e-mail'}.")
    _warn_of_no_way_in(changed)


@admin.command("disable")
@click.argument("name")
def admin_disable(name: str) -> None:
    """End an account's access at once."""
    with ledger() as engine:
        account = accounts.disable_account(engine, _named(engine, name).id, actor=ACTOR)
    click.echo(f"{account.name} may not sign in any more.")


@admin.command("enable")
@click.argument("name")
def admin_enable(name: str) -> None:
    """Let a disabled account in again."""
    with ledger() as engine:
        account = accounts.enable_account(engine, _named(engine, name).id, actor=ACTOR)
        person = None
        if account.developer_id is not None:
            person = people.get_developer(engine, account.developer_id)
    click.echo(f"{account.name} may sign in again.")
    if person is not None and person.archived_at is not None:
        click.echo(f"But: {person.name} is archived; restore them on the People tab.", err=True)


def _ask() -> str:
    return str(click.prompt("New password", hide_input=True, confirmation_prompt=True))


def _named(engine: Engine, name: str) -> Account:
    account = accounts.find_account(engine, name)
    if account is None:
        raise InvalidInput("account", f"There is no account named {name}.")
    return account
