"""Writes columns as rows, fast: nothing is looked at on the way."""

from typing import Any

from sqlalchemy import Connection, Index, Table

from db.sample.metered import Columns


def insert_columns(connection: Connection, table: Table, columns: Columns) -> None:
    """Insert a row for each place in the columns, which have to be of one length."""
    names = ", ".join(columns)
    marks = ", ".join("?" * len(columns))
    rows = list(zip(*columns.values(), strict=True))
    if rows:
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", rows)


def drop_indexes(connection: Connection, *tables: Table) -> list[Index]:
    """Drop the tables' indexes, so that millions of rows need not be sorted in one by one."""
    dropped: list[Any] = [index for table in tables for index in sorted(table.indexes, key=_name)]
    for index in dropped:
        index.drop(connection)
    return dropped


def _name(index: Index) -> str:
    return str(index.name)
