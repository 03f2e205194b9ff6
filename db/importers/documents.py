"""Reads JSON of any length record by record: lines, a list, or lists inside of documents."""

import codecs
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from db.importers.reading import (
    BROKEN,
    DAMAGED,
    LONGEST_LINE,
    MOST_BYTES,
    exact,
    lines,
    parsed,
)
from db.importers.record import Notes

# Names under which documents have their records: an API's pages, and what exports are wrapped in.
LISTS = ("data", "items", "logs", "records", "results", "rows", "spend_logs")
# What has one of these before its list is a record itself: a vendor's bucket, with its `results`.
_OF_RECORDS = frozenset(
    ("start_time", "end_time", "start_time_iso", "starting_at", "ending_at", "request_id")
)
_BLOCK = 2**18
_HEAD = 2**16
_MEMBER = re.compile(r'\s*[{,]\s*("(?:[^"\\]|\\.)*")\s*:\s*')
_NEXT_LIST = re.compile(rf'"(?:{"|".join(LISTS)})"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")
_decoder = json.JSONDecoder(parse_float=exact)


def objects(stream: BinaryIO, notes: Notes) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each object of a JSON document's list, or of its lists of one of the names `LISTS`, or of
    each line; and its number (of the object in a document, else of the line)."""
    text = _Text(stream, notes)
    head = text.peek()
    start = _first_list(head)
    if start is None and head.partition("\n")[0].strip() == "{":
        start = 0  # objects one after the other, each over several lines
    if start is not None:
        yield from _listed(text, start, notes)
        return
    stream.seek(0)
    for number, line in lines(stream, notes):
        if not line.strip():
            continue
        try:
            value = parsed(line)
        except ValueError:
            notes.skip(BROKEN, number)
            continue
        if isinstance(value, dict):
            yield number, value
        else:
            notes.skip("not a JSON object", number)


def _first_list(head: str) -> int | None:
    """Where the first item of a document's list is; None where it is none, but a record."""
    if head.startswith("["):
        return 1
    position, names = 0, set[str]()
    while member := _MEMBER.match(head, position):
        name, position = member[1].strip('"'), member.end()
        if head.startswith("[", position) and name in LISTS and not names & _OF_RECORDS:
            return position + 1
        try:
            _, position = _decoder.raw_decode(head, position)
        except (ValueError, ArithmeticError, RecursionError):
            return None
        names.add(name)
    return None


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
            self._notes.skip(DAMAGED)
            block = b""
        self._read += len(block)
        self._ended = not block or self._read > MOST_BYTES
        self.text += self._decode(block, final=not block)
        return not self._ended

    def drop(self, length: int) -> None:
        self.text = self.text[length:]


def _listed(buffered: _Text, start: int, notes: Notes) -> Iterator[tuple[int, dict[str, Any]]]:
    number, opened, position = 0, True, start
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
