"""Reads files that nobody vouches for, in memory that does not grow with them.

Plain or gzip, in UTF-8 or, where a byte order mark says so, UTF-16. What cannot be read is noted
and passed over: no file makes an importer fail.
"""

import codecs
import csv
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from db.importers.encoding import in_utf8, is_utf16
from db.importers.record import Notes

LONGEST_LINE = 16 * 2**20  # a line of a session may hold an image
MOST_BYTES = 64 * 2**30  # of one file, unpacked: a gzip bomb ends here
BROKEN = "not valid JSON"
DAMAGED = "the file is damaged or cut off from here on"
_GZIP = b"\x1f\x8b"

csv.field_size_limit(LONGEST_LINE)  # LiteLLM's rows can hold whole conversations


@dataclass(frozen=True, slots=True)
class UsageFile:
    """A file to import: its base name, its bytes, how to open it."""

    name: str
    size: int
    open: Callable[[], BinaryIO]

    @classmethod
    def at(cls, path: Path) -> "UsageFile":
        return cls(path.name, path.stat().st_size, lambda: path.open("rb"))


def unpacked(raw: BinaryIO) -> BinaryIO:
    """What is in the file in UTF-8, whether it is packed with gzip or not."""
    packed = raw.read(2) == _GZIP
    raw.seek(0)
    stream: BinaryIO = gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[assignment]
    try:
        head = stream.read(2)
    except (OSError, EOFError, zlib.error):  # who reads on meets it again, and notes it
        head = b""
    stream.seek(0)
    return in_utf8(stream) if is_utf16(head) else stream


def lines(stream: BinaryIO, notes: Notes) -> Iterator[tuple[int, bytes]]:
    """Each line and its number, from 1. One that is too long is noted and passed over."""
    number = read = 0
    while True:
        try:
            line = stream.readline(LONGEST_LINE + 1)
            number += bool(line)
            read += len(line)
            if len(line) > LONGEST_LINE and not line.endswith(b"\n"):
                notes.skip("a line of more than 16 MB", number)
                while rest := stream.readline(LONGEST_LINE):
                    read += len(rest)
                    if rest.endswith(b"\n"):
                        break
                continue
        except (OSError, EOFError, zlib.error):
            notes.skip(DAMAGED, number + 1)
            return
        if not line:
            return
        if read > MOST_BYTES:
            notes.skip("more than 64 GB of one file; the rest was not read", number)
            return
        yield number, line.removeprefix(codecs.BOM_UTF8) if number == 1 else line


def parsed(text: bytes | str) -> Any:
    """The JSON value, with exact decimals; ValueError for anything else, whatever it is. Bytes that
    are not UTF-8 are in what people wrote, not in the figures: they cost no record."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    try:
        return json.loads(text, parse_float=exact)
    except (ValueError, RecursionError) as error:
        raise ValueError(BROKEN) from error


def exact(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except ArithmeticError:  # an exponent beyond all bounds; who needs a number refuses this one
        return Decimal("nan")


def rows(stream: BinaryIO, notes: Notes) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row of a table by its header's names (lower case, `_` for spaces), and the number of the
    line it ends on. Separated by commas, semicolons or tabs."""
    text = (line.decode("utf-8", "replace") for _, line in lines(stream, notes))
    first = next(text, "")
    separator = max(",;\t", key=first.count)
    names = columns(first)
    reader = csv.reader(text, delimiter=separator)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            notes.skip("not a readable row", reader.line_num + 1)
            continue
        if not any(cells):
            continue
        if len(cells) != len(names):
            notes.skip("a row with more or fewer cells than the header", reader.line_num + 1)
            continue
        yield reader.line_num + 1, dict(zip(names, cells, strict=True))


def columns(header: str) -> list[str]:
    """The names in a table's first line."""
    separator = max(",;\t", key=header.count)
    try:
        cells = next(csv.reader([header], delimiter=separator), [])
    except csv.Error:
        return []
    return ["_".join(cell.strip().lower().split()) for cell in cells]
