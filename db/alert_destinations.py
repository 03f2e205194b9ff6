"""Where alerts are sent: webhooks in Slack's format, and e-mail.

A webhook's address lets whoever has it write there, so it is shown to nobody once it is saved: the
page, the log and the audit trail have its host alone.
"""

from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Engine, insert, select, update

from db.alert_rules import read_rules
from db.audit import note
from db.connect import reading, writing
from db.errors import InvalidInput
from db.ids import now_ms
from db.schema import (
    AlertDelivery,
    AlertDestination,
    AlertFiring,
    AlertState,
    DestinationKind,
)
from db.writers import now_of

LONGEST_NAME = 80
LONGEST_URL = 2_000
MOST_RECIPIENTS = 50


@dataclass(frozen=True, slots=True)
class Destination:
    """`url` is secret (see above); `recipients` are e-mail addresses. `removed_at` None: in use."""

    id: int
    kind: DestinationKind
    name: str
    url: str | None = field(repr=False)
    recipients: tuple[str, ...]
    removed_at: int | None = None

    @property
    def shown(self) -> str:
        """Where it goes, as it may be shown."""
        if self.removed_at is not None:
            return "removed"
        return host_of(self.url) if self.url else ", ".join(self.recipients)


def list_destinations(engine: Engine, *, removed: bool = False) -> list[Destination]:
    """In the order in which they were added; with `removed` also those of before."""
    with reading(engine) as connection:
        found = read_destinations(connection)
    return [one for one in found if removed or one.removed_at is None]


def read_destinations(connection: Connection) -> list[Destination]:
    d = AlertDestination
    query = select(d.id, d.kind, d.name, d.url, d.recipients, d.removed_at).order_by(d.id)
    return [
        Destination(row.id, row.kind, row.name, row.url, _listed(row.recipients), row.removed_at)
        for row in connection.execute(query)
    ]


def add_webhook(engine: Engine, name: str, url: str, *, actor: str) -> int:
    """A web address that takes Slack's messages. InvalidInput where it cannot be one."""
    url = url.strip()
    require_url(url)
    values = {"kind": "webhook", "url": url, "recipients": None}
    return _add(engine, name, values, actor, {"host": host_of(url)})


def add_email(engine: Engine, name: str, recipients: str, *, actor: str) -> int:
    """One or more e-mail addresses, separated by commas. InvalidInput where one cannot be."""
    addresses = _listed(recipients)
    if not 1 <= len(addresses) <= MOST_RECIPIENTS:
        raise InvalidInput("recipients", f"Give 1 to {MOST_RECIPIENTS} e-mail addresses.")
    for address in addresses:
        if not _is_address(address):
            raise InvalidInput("recipients", f"{address!r} is no e-mail address.")
    values = {"kind": "email", "url": None, "recipients": ", ".join(addresses)}
    return _add(engine, name, values, actor, {"recipients": len(addresses)})


def remove_destination(engine: Engine, destination_id: int, *, actor: str) -> None:
    """Send nothing there any more, and forget its addresses. What waits to be sent is given up."""
    now = now_ms()
    with writing(engine) as connection:
        found = [one for one in read_destinations(connection) if one.id == destination_id]
        if not found or found[0].removed_at is not None:
            raise InvalidInput("destination", "This destination was removed already.")
        connection.execute(
            update(AlertDestination)
            .where(AlertDestination.id == destination_id)
            .values(removed_at=now, url=None, recipients=None)
        )
        waiting = AlertDelivery.delivered_at.is_(None) & AlertDelivery.failed_at.is_(None)
        connection.execute(
            update(AlertDelivery)
            .where(AlertDelivery.destination_id == destination_id, waiting)
            .values(failed_at=now, said="The destination was removed before it was sent.")
        )
        told = {"id": destination_id, "kind": found[0].kind, "name": found[0].name}
        note(connection, actor, "alert destination removed", **told)


def require_url(url: str) -> None:
    """InvalidInput where nothing can be posted to it. The message does not repeat it."""
    wrong = InvalidInput(
        "url", "A webhook's address begins with https:// or http:// and names a host."
    )
    if len(url) > LONGEST_URL or any(char.isspace() or not char.isprintable() for char in url):
        raise wrong
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise wrong from error
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        raise wrong


def host_of(url: str) -> str:
    """As much of a webhook's address as is no secret: `hooks.slack.com`."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def _add(
    engine: Engine, name: str, values: dict[str, Any], actor: str, told: dict[str, Any]
) -> int:
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME:
        raise InvalidInput("name", f"A destination's name has 1 to {LONGEST_NAME} characters.")
    with writing(engine) as connection:
        for one in read_destinations(connection):
            if one.removed_at is None and one.name.casefold() == name.casefold():
                raise InvalidInput("name", f"There is already a destination named {one.name}.")
        row = insert(AlertDestination).values(**values, name=name, created_at=now_ms())
        key = connection.execute(row).inserted_primary_key
        assert key is not None
        note(
            connection, actor, "alert destination added", id=key[0], kind=values["kind"],
            name=name, **told,
        )  # fmt: skip
        _tell_of_what_fires(connection, int(key[0]))
        return int(key[0])


def _tell_of_what_fires(connection: Connection, destination_id: int) -> None:
    """Others were told already, or nobody was there to be. What quiet hours still hold back comes
    to this one as to the others."""
    f, state, now = AlertFiring, AlertState, now_of(connection)
    rules = {saved.id: saved.rule for saved in read_rules(connection)}
    same = (f.rule_id == state.rule_id) & (f.subject == state.subject)
    query = (
        select(f.id, f.rule_id, state.value)
        .join(state, same)
        .where(f.cleared_at.is_(None), state.told_at.is_not(None))
        .order_by(f.id)
    )
    for row in connection.execute(query).all():
        values = {
            "firing_id": row.id,
            "destination_id": destination_id,
            "notice": "fired",
            "value": row.value,
            "made_at": now,
            "due_at": rules[row.rule_id].quiet_at(now) or now,
            "claimed_until": 0,
            "tries": 0,
        }
        connection.execute(insert(AlertDelivery).values(values))


def _listed(recipients: str | None) -> tuple[str, ...]:
    parts = (part.strip() for part in (recipients or "").split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


def _is_address(text: str) -> bool:
    """Nearly so: the mail server knows best."""
    local, _, host = text.rpartition("@")
    if not local or not text.isprintable() or any(char in ' <>"(),;:' for char in text):
        return False
    return parseaddr(text)[1] == text and ("." in host.strip(".") or host == "localhost")
