"""Reads files that nobody vouches for, in memory that does not grow with them.

Plain or gzip, with or without a byte order mark. What cannot be read is noted and passed over: no
file makes an importer fail.
"""

import codecs
import csv
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from db.importers.record import Notes

LONGEST_LINE = 16 * 2**20  # a line of a session may hold an image
MOST_BYTES = 64 * 2**30  # of one file, unpacked: a gzip bomb ends here
_BLOCK = 2**18
_HEAD = 2**16
_BROKEN = "not valid JSON"
_DAMAGED = "the file is damaged or cut off from here on"
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
    """What is in the file, whether it is packed with gzip or not."""
    packed = raw.read(2) == _GZIP
    raw.seek(0)
    return gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[return-value]


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
            notes.skip(_DAMAGED, number + 1)
            return
        if not line:
            return
        if read > MOST_BYTES:
            notes.skip("more than 64 GB of one file; the rest was not read", number)
            return
        yield number, line.removeprefix(codecs.BOM_UTF8) if number == 1 else line


def parsed(text: bytes | str) -> Any:
    """The JSON value, with exact decimals; ValueError for anything else, whatever it is."""
    try:
        return json.loads(text, parse_float=_exact)
    except (ValueError, RecursionError) as error:
        raise ValueError(_BROKEN) from error


def _exact(digits: str) -> Decimal:
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


def objects(stream: BinaryIO, notes: Notes) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each object of a JSON document's list, or of its lists `data` (an API's pages), or of each
    line; and its number (of the object in a document, else of the line)."""
    text = _Text(stream, notes)
    head = text.peek()
    if head.startswith("[") or _DATA.match(head):
        yield from _listed(text, notes)
        return
    stream.seek(0)
    for number, line in lines(stream, notes):
        if not line.strip():
            continue
        try:
            value = parsed(line)
        except ValueError:
            notes.skip(_BROKEN, number)
            continue
        if isinstance(value, dict):
            yield number, value
        else:
            notes.skip("not a JSON object", number)


_DATA = re.compile(r'\s*\{[^{}\[\]]*"data"\s*:\s*\[')
_NEXT_LIST = re.compile(r'"data"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")
_decoder = json.JSONDecoder(parse_float=_exact)


class _Text:
    """A stream's text from where one has come to, which grows by blocks as more is asked for."""

    def __init__(self, stream: BinaryIO, notes: Notes) -> None:
        self.text = ""
        self._stream, self._notes = stream, notes
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
        self._read = 0
        self._ended = False

    def peek(self) -> str:
        self.more(_HEAD)
        self.text = self.text.lstrip()
        return self.text

    def more(self, size: int = _BLOCK) -> bool:
        """Read on; False at the end."""
        if self._ended:
            return False
        try:
            block = self._stream.read(size)
        except (OSError, EOFError, zlib.error):
            self._notes.skip(_DAMAGED)
            block = b""
        self._read += len(block)
        self._ended = not block or self._read > MOST_BYTES
        self.text += self._decode(block, final=not block)
        return not self._ended

    def drop(self, length: int) -> None:
        self.text = self.text[length:]


def _listed(buffered: _Text, notes: Notes) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    opened = buffered.text.startswith("[")
    position = 1 if opened else 0
    while True:
        if not opened:  # the next page's list, if there is one
            match = _NEXT_LIST.search(buffered.text, position)
            if match is None:
                buffered.text = buffered.text[position:][-64:]
                position = 0
                if not buffered.more():
                    return
                continue
            opened, position = True, match.end()
        between = _BETWEEN.match(buffered.text, position)
        position = position if between is None else between.end()
        if buffered.text.startswith("]", position):
            opened, position = False, position + 1
            continue
        try:
            value, end = _decoder.raw_decode(buffered.text, position)
            complete = isinstance(value, dict)
        except (ValueError, ArithmeticError, RecursionError):
            complete = False
        if not complete:
            buffered.drop(position)
            position = 0
            if len(buffered.text) > LONGEST_LINE or not buffered.more(
                max(_BLOCK, len(buffered.text))
            ):
                if buffered.text.strip():
                    notes.skip("the JSON is broken from here on", number + 1)
                return
            continue
        number += 1
        yield number, value
        position = end
        if position > _BLOCK:
            buffered.drop(position)
            position = 0
