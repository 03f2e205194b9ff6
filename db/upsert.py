"""Insert rows, or add to those that are there: the one statement that SQL dialects write apart."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table, case, func
from sqlalchemy.dialects import postgresql, sqlite

Names = tuple[str, ...]


def upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[dict[str, Any]],
    *,
    key: Names | None = None,
    added: Names = (),
    replaced: Names = (),
    least: Names = (),
    most: Names = (),
    known: Names = (),
    newest: Names = (),
    newest_by: str = "",
) -> None:
    """Insert each row. Where one with this `key` (default: the primary key) is there, add its
    columns `added` to it, replace those `replaced`, keep the smaller of `least` and the larger of
    `most`, and leave all others as they are. NULL plus anything is NULL.

    `known` are added too, but NULL counts as nothing; `newest` replaced where the row's `newest_by`
    is not smaller.
    """
    if rows:
        key = key or tuple(column.name for column in table.primary_key)
        dialect = connection.dialect.name
        statement = _statement(
            dialect, table, key, added, replaced, least, most, known, newest, newest_by
        )
        connection.execute(statement, rows)


@lru_cache(maxsize=256)
def _statement(
    dialect: str,
    table: Table,
    key: Names,
    added: Names,
    replaced: Names,
    least: Names,
    most: Names,
    known: Names,
    newest: Names,
    newest_by: str,
) -> Any:
    insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect](table)
    kept, new = table.c, insert.excluded
    changes = {name: kept[name] + new[name] for name in added}
    changes |= {name: new[name] for name in replaced}
    changes |= {name: case((new[name] < kept[name], new[name]), else_=kept[name]) for name in least}
    changes |= {name: case((new[name] > kept[name], new[name]), else_=kept[name]) for name in most}
    changes |= {
        name: func.coalesce(kept[name] + new[name], kept[name], new[name]) for name in known
    }
    changes |= {
        name: case((new[newest_by] >= kept[newest_by], new[name]), else_=kept[name])
        for name in newest
    }
    return insert.on_conflict_do_update(index_elements=list(key), set_=changes)
