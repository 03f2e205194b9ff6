"""A file that is there when it is whole, and not before."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from db.errors import InvalidInput


def write_whole(path: Path, chunks: Iterable[bytes], *, replace: bool) -> int:
    """Write the file under another name beside it, and give it its own once it is complete and on
    the disk. Returns its bytes. InvalidInput where it exists and may not be replaced."""
    _require_free(path, replace)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        part.chmod(0o666 & ~_umask())
        _require_free(path, replace)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return size


def _require_free(path: Path, replace: bool) -> None:
    if path.is_dir():
        raise InvalidInput("output", f"{path} is a folder; name a file.")
    if path.exists() and not replace:
        raise InvalidInput(
            "output", f"{path} exists already; name another file, or add --force to replace it."
        )


def _umask() -> int:
    """Which rights new files lack. It can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
