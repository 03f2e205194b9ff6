"""`python -m db developer …` and `team …`: people, their teams and roles over time."""

import click
from sqlalchemy import Engine

from db import erase, memberships, people, teams
from db.errors import InvalidInput
from db.ids import now_ms
from db.schema import ROLES
from db.terminal import ACTOR, day, developer_named, ledger, midnight, print_table, sure


@click.group()
def developer() -> None:
    """The people who use the gateway."""


@developer.command("add")
@click.argument("name")
@click.option("--team", help="The team that they belong to.")
def developer_add(name: str, team: str | None) -> None:
    """Add a developer."""
    with ledger() as engine:
        person = people.add_developer(engine, name, team, actor=ACTOR)
    click.echo(f"{person.name} was added.")


@developer.command("list")
@click.option("--all", "everything", is_flag=True, help="Also the archived ones.")
def developer_list(everything: bool) -> None:
    """List developers."""
    with ledger() as engine:
        listed = people.list_developers(engine, archived=everything)
    rows = [
        (person.name, person.team or "", person.role, day(person.created_at),
         day(person.archived_at))
        for person in listed
    ]  # fmt: skip
    print_table(("NAME", "TEAM", "ROLE", "ADDED", "ARCHIVED"), rows)


@developer.command("archive")
@click.argument("name")
def developer_archive(name: str) -> None:
    """End a developer's access. Their keys stop working, their requests stay on the ledger."""
    with ledger() as engine:
        person = people.archive_developer(engine, developer_named(engine, name).id, actor=ACTOR)
    click.echo(f"{person.name} is archived.")


@developer.command("set-team")
@click.argument("name")
@click.argument("team")
@click.option("--from", "since", metavar="DATE", help="First day in it; default: from now on.")
def developer_set_team(name: str, team: str, since: str | None) -> None:
    """Move a developer to a team ("" for none). With a day in the past, what they used since then
    becomes the new team's."""
    valid_from = midnight(since)
    with ledger() as engine:
        person = developer_named(engine, name)
        people.set_team(engine, person.id, team, actor=ACTOR, valid_from=valid_from)
    click.echo(f"{person.name} is in {team or 'no team'} from {_from(valid_from)} on.")


@developer.command("set-role")
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
@click.option("--from", "since", metavar="DATE", help="First day with it; default: from now on.")
def developer_set_role(name: str, role: str, since: str | None) -> None:
    """Give a developer a role."""
    valid_from = midnight(since)
    with ledger() as engine:
        person = developer_named(engine, name)
        people.set_role(engine, person.id, role, actor=ACTOR, valid_from=valid_from)
    click.echo(f"{person.name} is {role} from {_from(valid_from)} on.")


@developer.command("history")
@click.argument("name")
def developer_history(name: str) -> None:
    """List a developer's teams and roles over time, newest first."""
    with ledger() as engine:
        changes = memberships.history(engine, developer_named(engine, name).id)
    rows = [
        (day(it.valid_from) if it.valid_from else "the beginning", it.team or "", it.role,
         day(it.recorded_at), "" if it.in_force else "replaced")
        for it in changes
    ]  # fmt: skip
    print_table(("FROM", "TEAM", "ROLE", "RECORDED", ""), rows)


@developer.command("erase")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def developer_erase(name: str, yes: bool) -> None:
    """Take a person's name out of the ledger for good. What they used stays, under a number."""
    with ledger() as engine:
        person = developer_named(engine, name)
        asks = erase.extent(engine, person.id)
        if not sure(
            f"{person.name} becomes “{erase.pseudonym(person.id)}” on {asks.requests:,} requests"
            f" and {asks.keys} keys, which stop working. This cannot be undone. Go on?",
            yes,
        ):
            return
        done = erase.erase_developer(engine, person.id, actor=ACTOR)
    click.echo(f"The name is erased. The totals are those of “{done.pseudonym}” now.")
    for left in done.left:
        click.echo(f"But: {left}")


@click.group()
def team() -> None:
    """Teams, whose costs are told together."""


@team.command("add")
@click.argument("name")
def team_add(name: str) -> None:
    """Add a team."""
    with ledger() as engine:
        added = teams.add_team(engine, name, actor=ACTOR)
    click.echo(f"The team {added.name} was added.")


@team.command("rename")
@click.argument("name")
@click.argument("new_name")
def team_rename(name: str, new_name: str) -> None:
    """Give a team another name, for the past too."""
    with ledger() as engine:
        renamed = teams.rename_team(engine, _team(engine, name).id, new_name, actor=ACTOR)
    click.echo(f"The team is called {renamed.name} now.")


@team.command("archive")
@click.argument("name")
def team_archive(name: str) -> None:
    """Take a team off the lists; what it used stays."""
    with ledger() as engine:
        archived = teams.archive_team(engine, _team(engine, name).id, actor=ACTOR)
    click.echo(f"The team {archived.name} is archived.")


@team.command("restore")
@click.argument("name")
def team_restore(name: str) -> None:
    """Bring an archived team back."""
    with ledger() as engine:
        restored = teams.restore_team(engine, _team(engine, name).id, actor=ACTOR)
    click.echo(f"The team {restored.name} is back.")


@team.command("list")
@click.option("--all", "everything", is_flag=True, help="Also the archived ones.")
def team_list(everything: bool) -> None:
    """List teams, and how many developers are in them now."""
    with ledger() as engine:
        listed = teams.list_teams(engine, archived=everything)
    rows = [(it.name, str(it.members), day(it.created_at), day(it.archived_at)) for it in listed]
    print_table(("TEAM", "DEVELOPERS", "ADDED", "ARCHIVED"), rows)


def _team(engine: Engine, name: str) -> teams.Group:
    group = teams.find_team(engine, name)
    if group is None:
        raise InvalidInput("team", f"There is no team named {name}.")
    return group


def _from(valid_from: int | None) -> str:
    return day(now_ms() if valid_from is None else valid_from)
