"""Knows a file's format by its content, whatever its name is."""

import zlib
from itertools import islice

from db.importers import anthropic, claude_code, codex, litellm, openai
from db.importers.documents import objects
from db.importers.reading import UsageFile, columns, unpacked
from db.importers.record import Notes

_RECORDS = 200
_HEAD = 2**16


def detect(file: UsageFile) -> str | None:
    """Its kind, one of `KINDS`; None where it is none of them."""
    if is_table(file):
        names = columns(_head(file).partition("\n")[0])
        for format_ in (litellm, openai, anthropic):
            if format_.recognises_table(names):
                return str(format_.NAME)
        return None
    with file.open() as raw:
        for _, record in islice(objects(unpacked(raw), Notes()), _RECORDS):
            for kind in (codex, claude_code, openai, anthropic, litellm):
                if kind.recognises(record):
                    return str(kind.NAME)
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
