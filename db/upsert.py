"""Insert rows, or add to those that are there: the one statement that SQL dialects write apart."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table, case
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
) -> None:
    """Insert each row. Where one with this `key` (default: the primary key) is there, add its
    columns `added` to it, replace those `replaced`, keep the smaller of `least` and the larger of
    `most`, and leave all others as they are. NULL plus anything is NULL.
    """
    if rows:
        key = key or tuple(column.name for column in table.primary_key)
        dialect = connection.dialect.name
        connection.execute(_statement(dialect, table, key, added, replaced, least, most), rows)


@lru_cache(maxsize=256)
def _statement(
    dialect: str, table: Table, key: Names, added: Names, replaced: Names, least: Names, most: Names
) -> Any:
    insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect](table)
    kept, new = table.c, insert.excluded
    changes = {name: kept[name] + new[name] for name in added}
    changes |= {name: new[name] for name in replaced}
    changes |= {name: case((new[name] < kept[name], new[name]), else_=kept[name]) for name in least}
    changes |= {name: case((new[name] > kept[name], new[name]), else_=kept[name]) for name in most}
    return insert.on_conflict_do_update(index_elements=list(key), set_=changes)
