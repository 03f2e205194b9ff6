"""A file mapped read-only and shared: its pages are the page cache's, not the process's own.

Knows nothing of what is in it.
"""

import mmap
import struct
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.model.errors import ModelFileError


class MappedFile:
    """Bytes of a file, as arrays that read it where they are touched.

    When the last array over a range is gone, its pages leave the process (they stay in the page
    cache while there is room), so that reading a file in order to pack it never holds it whole.
    Raises ModelFileError where the file cannot be read or is empty.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is empty"
            raise ModelFileError(f"The weights file {path} cannot be read: {reason}.") from error

    def __len__(self) -> int:
        return len(self._map)

    def __getitem__(self, span: slice) -> bytes:
        return self._map[span]

    def unpack(self, form: str, start: int) -> tuple[Any, ...]:
        """The numbers at `start`, by a format of `struct`, which raises its error past the end."""
        return struct.unpack_from(form, self._map, start)

    def array(self, start: int, size: int) -> NDArray[np.uint8]:
        """`size` bytes from `start` on, not copied. The range must lie within the file."""
        view = np.frombuffer(self._map, np.uint8, size, start)
        # Whole pages only. Where an array over a neighbour lives on, its pages come back by
        # themselves: letting go costs time at worst, never a value.
        first = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
        length = (start + size) // mmap.PAGESIZE * mmap.PAGESIZE - first
        if length > 0 and hasattr(mmap, "MADV_DONTNEED"):
            gone = weakref.finalize(view, self._map.madvise, mmap.MADV_DONTNEED, first, length)
            gone.atexit = False
        return view
