"""Reads what a model says and what it calls out of its text, as the text comes."""

from collections.abc import Callable, Iterator
from typing import Protocol

from engine.text import overlap
from engine.tools.json_scan import ObjectScan
from engine.tools.layouts import Layout
from engine.tools.tool import Argued, Called, Part, Said


class Reader(Protocol):
    def add(self, text: str) -> list[Part]:
        """What more text completes."""
        ...

    def finish(self) -> list[Part]:
        """What was held back, when no text follows."""
        ...


class TextReader:
    """For answers that are text and nothing else."""

    def add(self, text: str) -> list[Part]:
        return [Said(text)] if text else []

    def finish(self) -> list[Part]:
        return []


class CallReader:
    """For answers in a layout. What does not follow it is text: nothing is lost.

    White space before the first call is dropped; it belongs to the layout in the models' eyes.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._first = layout.opening + layout.before
        self._next = layout.after + layout.separator + layout.before
        self._last = layout.after + layout.closing
        self._held = ""
        self._scan = ObjectScan()
        self._read: Callable[[], Part | None] = self._read_text

    def add(self, text: str) -> list[Part]:
        self._held += text
        return list(self._parts())

    def finish(self) -> list[Part]:
        rest, self._held = self._held, ""
        if self._read == self._read_after and self._last.startswith(rest):
            return []
        if self._read == self._read_name:
            rest = self._first + rest  # the call was cut off before its tool was known
        return [Said(rest)] if rest.strip() else []

    def _parts(self) -> Iterator[Part]:
        while (before := (self._held, self._read)) and self._held:
            part = self._read()
            if part is not None:
                yield part
            if before == (self._held, self._read):
                return

    def _read_text(self) -> Part | None:
        at = self._held.find(self._first)
        if at >= 0:
            text = self._held[:at].rstrip()
            self._held = self._held[at + len(self._first) :]
            self._read = self._read_name
            return Said(text) if text else None
        # White space at the end stays until it is clear that no call follows.
        keep = overlap(self._held, self._first)
        end = len(self._held[: len(self._held) - keep].rstrip())
        text, self._held = self._held[:end], self._held[end:]
        return Said(text) if text else None

    def _read_name(self) -> Part | None:
        name, found, rest = self._held.partition(self._layout.between)
        if not found:
            return None
        self._held, self._read = rest, self._read_arguments
        self._scan = ObjectScan()
        return Called(name.rpartition(":")[0] if self._layout.numbered else name)

    def _read_arguments(self) -> Part | None:
        length = self._scan.length_in(self._held)
        text, self._held = self._held[:length], self._held[length:]
        if self._scan.complete:
            self._read = self._read_after
        return Argued(text) if text else None

    def _read_after(self) -> Part | None:
        if self._held.startswith(self._next):
            self._held, self._read = self._held[len(self._next) :], self._read_name
        elif not self._next.startswith(self._held) and not self._last.startswith(self._held):
            self._held = self._held.removeprefix(self._last)
            self._read = self._read_text
        return None
