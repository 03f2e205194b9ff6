"""Compiles the C++ sources on first use and keeps the result. Knows nothing of models."""

import ctypes
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

_FOLDER = Path(__file__).parent
_FLAGS = "-std=c++20 -O3 -fopenmp-simd -fno-math-errno -fno-trapping-math -w -fPIC -shared -pthread"
_SOURCES = {".cpp", ".h"}
_log = logging.getLogger(__name__)


class NoKernel(Exception):  # noqa: N818 - a fact to fall back from, not an error of the user's
    """There is no compiled kernel on this machine; the message is the reason."""


def library(folder: Path, target: str = "native") -> ctypes.CDLL:
    """The loaded kernel, compiled for `target` (-march) into `folder` unless it is there already.

    Raises NoKernel where there is no compiler, or it fails.
    """
    compiler = next(filter(None, map(shutil.which, ("g++", "clang++", "c++"))), None)
    if compiler is None:
        raise NoKernel("no C++ compiler was found (g++ or clang++)")
    path = folder / f"decoder-{_fingerprint(compiler, target)}.so"
    try:
        if not path.exists():
            _compile(compiler, target, path)
        return ctypes.CDLL(str(path))
    except (OSError, subprocess.SubprocessError) as error:
        detail = getattr(error, "stderr", None) or str(error)
        raise NoKernel(f"compiling it failed: {detail.strip().splitlines()[0]}") from error


def instructions(kernel: ctypes.CDLL) -> str:
    """Which of the processor's instructions the products use, in words."""
    kernel.breakeven_instructions.restype = ctypes.c_char_p
    return str(kernel.breakeven_instructions().decode())


def _compile(compiler: str, target: str, path: Path) -> None:
    _log.info("Compiling the kernel with %s; this is done once.", compiler)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Renamed when complete: another worker never loads half a file.
    with tempfile.TemporaryDirectory(dir=path.parent) as work:
        made = Path(work) / "decoder.so"
        command = [compiler, *_FLAGS.split(), f"-march={target}", str(_FOLDER / "decoder.cpp")]
        subprocess.run(
            [*command, "-o", str(made)], check=True, capture_output=True, text=True, timeout=300
        )
        made.replace(path)


def _fingerprint(compiler: str, target: str) -> str:
    """Of everything that the machine code depends on."""
    sources = [file.read_bytes() for file in sorted(_FOLDER.iterdir()) if file.suffix in _SOURCES]
    version = subprocess.run([compiler, "--version"], capture_output=True, check=False).stdout
    parts = [*sources, version, _FLAGS.encode(), target.encode(), _processor()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:20]


def _processor() -> bytes:
    """What tells processors apart whose machine code differs."""
    if os.path.exists("/proc/cpuinfo"):  # noqa: PTH110
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
        found = {line for line in lines if line.startswith(("flags", "Features", "model name"))}
        return "\n".join(sorted(found)).encode()
    return f"{platform.machine()} {platform.processor()}".encode()
