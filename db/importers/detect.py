"""Knows a file's format by its content, whatever its name is."""

import zlib
from itertools import islice

from db.importers import anthropic, claude_code, codex, litellm, openai
from db.importers.reading import UsageFile, columns, lines, parsed, unpacked
from db.importers.record import Notes

_LINES = 200
_HEAD = 2**16


def detect(file: UsageFile) -> str | None:
    """Its kind, one of `KINDS`; None where it is none of them."""
    table = is_table(file)
    head = _head(file)
    if table:
        names = columns(head.partition("\n")[0])
        for format_ in (litellm, openai, anthropic):
            if format_.recognises_table(names):
                return str(format_.NAME)
        return None
    with file.open() as raw:
        for _, line in islice(lines(unpacked(raw), Notes()), _LINES):
            try:
                event = parsed(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                for log in (codex, claude_code):
                    if log.recognises(event):
                        return str(log.NAME)
    for format_ in (openai, anthropic, litellm):
        if format_.recognises(head):
            return str(format_.NAME)
    return None


def is_table(file: UsageFile) -> bool:
    """Whether it is separated values, not JSON."""
    return not _head(file).lstrip().startswith(("{", "["))


def _head(file: UsageFile) -> str:
    try:
        with file.open() as raw:
            return unpacked(raw).read(_HEAD).decode("utf-8-sig", "replace")
    except (OSError, EOFError, zlib.error):
        return ""
