"""Text in UTF-16 as UTF-8: Excel saves "Unicode text" so, and PowerShell what `>` writes."""

import codecs
import io
from typing import Any, BinaryIO

_BLOCK = 2**18
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def is_utf16(head: bytes) -> bool:
    """Whether a file that begins so says by its byte order mark that it is in UTF-16."""
    return head.startswith(_MARKS)


def in_utf8(stream: BinaryIO) -> BinaryIO:
    """The same text in UTF-8, without the mark. It can be read again from its beginning."""
    return io.BufferedReader(_Recoded(stream), _BLOCK)


class _Recoded(io.RawIOBase):
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._begin()

    def _begin(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-16")("replace").decode
        self._left = b""
        self._at = 0
        self._ended = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if (offset, whence) == (0, io.SEEK_CUR):
            return self._at
        if (offset, whence) != (0, io.SEEK_SET):
            raise io.UnsupportedOperation("it can only be read from its beginning")
        self._stream.seek(0)
        self._begin()
        return 0

    def readinto(self, buffer: Any) -> int:
        while not self._left and not self._ended:
            block = self._stream.read(_BLOCK)
            self._ended = not block
            self._left = self._decode(block, final=not block).encode("utf-8", "replace")
        part, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)
