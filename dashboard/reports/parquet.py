"""Parquet with types: timestamps in UTC, exact decimals, dictionaries for text; zstd."""

import io
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dashboard.reports.tables import DIGITS, Kind, Table

ROWS_IN_A_GROUP = 50_000

_TYPES: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "id": pa.string(),
    "whole": pa.int64(),
    "number": pa.float64(),
    "decimal": pa.decimal128(28, DIGITS),
    "moment": pa.timestamp("ms", tz="UTC"),
    "second": pa.timestamp("ms", tz="UTC"),
    "flag": pa.bool_(),
}


def parquet_chunks(table: Table) -> Iterator[bytes]:
    """The file, piece by piece: a row group at a time is kept in memory."""
    schema = pa.schema(
        [
            pa.field(column.name, _TYPES[column.kind], metadata={"about": column.about})
            for column in table.columns
        ]
    )
    texts = [column.name for column in table.columns if column.kind == "text"]
    pipe = _Pipe()
    with pq.ParquetWriter(pipe, schema, compression="zstd", use_dictionary=texts) as writer:
        waiting: list[pa.RecordBatch] = []
        for batch in table.batches:
            if batch.rows:
                waiting.append(_arrow(batch.rows, schema))
            if sum(part.num_rows for part in waiting) >= ROWS_IN_A_GROUP:
                _write(writer, waiting)
            yield pipe.taken()
        _write(writer, waiting)
        yield pipe.taken()
    yield pipe.taken()  # what closing the file has written: where its row groups are


def _arrow(rows: Any, schema: pa.Schema) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(cells, field.type) for cells, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _write(writer: pq.ParquetWriter, waiting: list[pa.RecordBatch]) -> None:
    """Write the batches as one row group, and forget them."""
    if waiting:
        group = pa.Table.from_batches(waiting).combine_chunks()
        writer.write_table(group, row_group_size=group.num_rows)
        waiting.clear()


class _Pipe(io.RawIOBase):
    """A file that hands on what is written to it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._position += len(part)
        return len(part)

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)
