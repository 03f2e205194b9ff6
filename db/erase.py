"""Takes a person's name out of the ledger for good. What they used stays, under a number.

Counts, tokens, joules and money hang on the developer's id, so no total changes. The name goes from
the developer, their account and keys, their requests and the audit trail, in small transactions: a
run that was cut short is gone through again with the same command. Backups that were made before
keep the name. The entry about it has marks of the names, by which an import knows them later
(`db.marks`).

SQLite's `secure_delete` overwrites what these transactions delete, and the write-ahead log is
emptied. What earlier writes left in unused space goes when the file is written anew, which is done
here if no gateway is running. (SQLite's documentation: "PRAGMA secure_delete", "VACUUM".)
"""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, delete, event, func, insert, or_, select, tuple_, update
from sqlalchemy.orm import InstrumentedAttribute

from db import traces
from db.accounts import LOCKED, key_of
from db.admins import keeping_an_admin
from db.audit import note
from db.connect import connect, reading, writing
from db.errors import InvalidInput
from db.ids import now_ms
from db.marks import ERASED, mark
from db.schema import (
    ROLES,
    Account,
    ApiKey,
    Audit,
    Developer,
    Erasing,
    Import,
    ImportedUsage,
    Limit,
    Request,
)
from db.sessions import close_sessions_of

BATCH = 500
PAUSE_S = 0.02
# Columns of other tables whose text is a person's name.
LABELS: tuple[InstrumentedAttribute[Any], ...] = (ImportedUsage.person,)


@dataclass(frozen=True, slots=True)
class Extent:
    """What carries a person's name."""

    requests: int
    keys: int


@dataclass(frozen=True, slots=True)
class Erased:
    """`left` says in sentences where the name may still be found; empty: nowhere."""

    pseudonym: str
    requests: int
    entries: int
    left: list[str]


def pseudonym(developer_id: int) -> str:
    return f"Former developer {developer_id}"


def extent(engine: Engine, developer_id: int) -> Extent:
    """How much would change."""
    counts = [
        select(func.count()).select_from(table).where(table.developer_id == developer_id)
        for table in (Request, ApiKey)
    ]
    with reading(engine) as connection:
        return Extent(*[connection.execute(count).scalar_one() for count in counts])


def erase_developer(engine: Engine, developer_id: int, *, actor: str) -> Erased:
    """Erase a person's name; their access ends. InvalidInput where there is no such developer."""
    label = pseudonym(developer_id)
    with _wiping(engine) as database:
        names = _names(database, developer_id)
        if names == {label}:
            raise InvalidInput("developer", f"The name of {label} is erased already.")
        actor = label if actor in names else actor
        _end_access(database, developer_id, actor)
        requests = _erase_from_requests(database, developer_id, label)
        entries = _erase_from_audit(database, developer_id, names, label)
        marks = _marks(database, developer_id, names, label)
        with writing(database) as connection:
            _erase_from_person(connection, developer_id, names, label)
            counts = {"requests": requests, "audit_entries": entries}
            note(connection, actor, ERASED, id=developer_id, **counts, marks=marks)
    names.discard(label)
    return Erased(label, requests, entries, traces.wipe(engine, names))


@contextmanager
def _wiping(engine: Engine) -> Iterator[Engine]:
    """The database, over connections that overwrite what they delete."""
    if engine.dialect.name != "sqlite":
        yield engine
        return

    def overwrite(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA secure_delete=ON").fetchall()

    wiping = connect(engine.url.render_as_string(hide_password=False))
    event.listen(wiping, "connect", overwrite)
    try:
        yield wiping
    finally:
        wiping.dispose()


def _names(engine: Engine, developer_id: int) -> set[str]:
    """Every name that they have had."""
    of_requests = select(Request.developer_name).where(Request.developer_id == developer_id)
    renames = select(Audit.detail).where(Audit.action == "developer renamed")
    with reading(engine) as connection:
        query = select(Developer.name).where(Developer.id == developer_id)
        name = connection.execute(query).scalar()
        if name is None:
            raise InvalidInput("developer", f"There is no developer with id {developer_id}.")
        names = {name, *connection.execute(of_requests.distinct()).scalars()}
        for text in connection.execute(renames).scalars():
            detail = json.loads(text)
            if detail.get("id") == developer_id:
                names |= {detail["was"]["name"], detail["now"]["name"]}
        account = select(Account.id, Account.name, Account.email).where(
            Account.developer_id == developer_id
        )
        for account_id, *present in connection.execute(account).all():
            names |= {text for text in present if text is not None}
            names |= _once_called(connection, account_id, names)
    return names


def _once_called(connection: Connection, account_id: int, names: set[str]) -> set[str]:
    """The names and e-mails that the audit trail has of an account, but for those of a time when it
    was another developer's."""
    found = set()
    entries = select(Audit.detail).where(Audit.action.startswith("account"))
    for text in connection.execute(entries).scalars():
        detail = json.loads(text)
        if detail.get("id") != account_id:
            continue
        for side in (detail, detail.get("was", {}), detail.get("now", {})):
            if side.get("developer") in {None, *names}:
                found |= {side.get("name"), side.get("email")} - {None}
    return found


def _end_access(engine: Engine, developer_id: int, actor: str) -> None:
    now = now_ms()
    with writing(engine) as connection, keeping_an_admin(connection):
        close_sessions_of(connection, developer_id)
        connection.execute(
            update(Developer)
            .where(Developer.id == developer_id)
            .values(archived_at=func.coalesce(Developer.archived_at, now))
        )
        connection.execute(
            update(ApiKey)
            .where(ApiKey.developer_id == developer_id)
            .values(revoked_at=func.coalesce(ApiKey.revoked_at, now))
        )
        note(connection, actor, "developer's erasure begun", id=developer_id)


def _erase_from_requests(engine: Engine, developer_id: int, label: str) -> int:
    r = Request
    erased, last = 0, (-1, -1)
    while True:
        with writing(engine) as connection:
            found = connection.execute(
                select(r.id, r.started_at)
                .where(
                    r.developer_id == developer_id,
                    r.developer_name != label,
                    tuple_(r.started_at, r.id) > tuple_(*last),
                )
                .order_by(r.started_at, r.id)
                .limit(BATCH)
            ).all()
            if not found:
                return erased
            rows = update(r).where(r.id.in_([row.id for row in found]))
            connection.execute(rows.values(developer_name=label))
        erased += len(found)
        last = (found[-1].started_at, found[-1].id)
        time.sleep(PAUSE_S)


def _erase_from_audit(engine: Engine, developer_id: int, names: set[str], label: str) -> int:
    """Replace the names in who did what, and what the person called their keys."""
    with reading(engine) as connection:
        owned = select(ApiKey.id).where(ApiKey.developer_id == developer_id)
        keys = set(connection.execute(owned).scalars())
        namesakes = select(Developer.name).where(Developer.id != developer_id)
        accounts = select(Account.name).where(
            or_(Account.developer_id.is_(None), Account.developer_id != developer_id)
        )
        own = select(Account.name_key).where(Account.developer_id == developer_id)
        locked = {f"account {key}" for key in connection.execute(own).scalars()}
        others = frozenset(connection.execute(namesakes.union(accounts)).scalars()) | set(ROLES)
    pattern = traces.pattern_of(names)
    erased, last = 0, 0
    while True:
        with writing(engine) as connection:
            page = select(Audit).where(Audit.id > last).order_by(Audit.id).limit(BATCH)
            rows = connection.execute(page).all()
            if not rows:
                return erased
            changes = []
            for row in rows:
                detail = _replaced(json.loads(row.detail), pattern, label, others)
                if row.action.startswith("key ") and detail.get("id") in keys and "name" in detail:
                    detail["name"] = _key_name(detail["id"])
                if row.action == LOCKED and detail.get("what") in locked:  # of old
                    detail["what"] = f"account {label}"
                change = (label if row.actor in names else row.actor, json.dumps(detail))
                if change != (row.actor, row.detail):
                    changes.append((row.id, *change))
            if changes:
                _change_audit(connection, developer_id, changes)
        erased += len(changes)
        last = rows[-1].id
        time.sleep(PAUSE_S)


def _change_audit(
    connection: Connection, developer_id: int, changes: list[tuple[int, str, str]]
) -> None:
    """The one place where the trail is changed; its triggers allow it while the row is there."""
    connection.execute(insert(Erasing).values(developer_id=developer_id))
    for entry_id, actor, detail in changes:
        connection.execute(
            update(Audit).where(Audit.id == entry_id).values(actor=actor, detail=detail)
        )
    connection.execute(delete(Erasing))


def _marks(engine: Engine, developer_id: int, names: set[str], label: str) -> list[str]:
    """By which an import knows their names later, and what its sources called them."""
    called = select(ImportedUsage.person).where(
        ImportedUsage.developer_id == developer_id, ImportedUsage.person.is_not(None)
    )
    with reading(engine) as connection:
        known = names.union(connection.execute(called.distinct()).scalars()) - {label}
    return sorted({mark(name) for name in known})


def _erase_from_person(
    connection: Connection, developer_id: int, names: set[str], label: str
) -> None:
    """Last, because the name is what an erasure that was cut short is found by."""
    keys = select(ApiKey.id).where(ApiKey.developer_id == developer_id)
    for key_id in connection.execute(keys).scalars().all():
        renamed = update(ApiKey).where(ApiKey.id == key_id).values(name=_key_name(key_id))
        connection.execute(renamed)
    connection.execute(
        delete(Limit).where(or_(Limit.developer_id == developer_id, Limit.api_key_id.in_(keys)))
    )
    for column in LABELS:
        labelled = update(column.class_).where(column.in_(names))
        connection.execute(labelled.values({column: label}))
    imported = update(ImportedUsage).where(ImportedUsage.developer_id == developer_id)
    connection.execute(imported.values(person=label))
    _erase_from_imports(connection, names, label)
    account = update(Account).where(Account.developer_id == developer_id)
    connection.execute(
        account.values(
            name=label, name_key=key_of(label), email=None, password_hash=None, disabled_at=now_ms()
        )
    )
    named = update(Developer).where(Developer.id == developer_id)
    connection.execute(named.values(name=label))


def _erase_from_imports(connection: Connection, names: set[str], label: str) -> None:
    """Names of files, and the places in them that an import tells of."""
    pattern = traces.pattern_of(names)
    told = select(Import.id, Import.files, Import.detail)
    for import_id, files, detail in connection.execute(told).all():
        changed = {"files": pattern.sub(label, files), "detail": pattern.sub(label, detail)}
        if changed != {"files": files, "detail": detail}:
            connection.execute(update(Import).where(Import.id == import_id).values(**changed))


def _key_name(key_id: int) -> str:
    return f"key {key_id}"


def _replaced(value: Any, pattern: re.Pattern[str], label: str, others: frozenset[str]) -> Any:
    """The value with the label for each name; another person's whole name stays."""
    match value:
        case str():
            return value if value in others else pattern.sub(label, value)
        case dict():
            return {key: _replaced(each, pattern, label, others) for key, each in value.items()}
        case list():
            return [_replaced(each, pattern, label, others) for each in value]
        case _:
            return value
