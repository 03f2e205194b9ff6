"""Apple's processors through macOS's `powermetrics`: cores, graphics and neural engine together.

It writes a property list every second with the average power of that second (manual page
powermetrics(1)), which is summed up here by its own measure of time. It needs root. Written after
its manual page and tested against a program that writes the same; not yet run on a Mac.
"""

import contextlib
import math
import os
import plistlib
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from typing import IO, Any
from xml.parsers.expat import ExpatError

from engine.energy.gauges import MAX_DEVICE_W
from engine.energy.meters import Accuracy, Basis, Count, Kind, MeterError

SAMPLE_EVERY_MS = 1000
_FIRST_SAMPLE_S = 5.0
_SILENT_S = 5.0
_END = b"</plist>"
_ARGUMENTS = f"--samplers cpu_power -i {SAMPLE_EVERY_MS} -f plist --buffer-size 0"
# With arguments in sudoers(5), the command is allowed with exactly these. None of them holds a
# character that must be escaped there (comma, colon, equals sign, backslash).
_PERMIT = (
    "powermetrics needs root. This lets your user, and so Breakeven, start it with these arguments "
    f'only: echo "$USER ALL=(root) NOPASSWD: /usr/bin/powermetrics {_ARGUMENTS}" | '
    "sudo tee /etc/sudoers.d/powermetrics"
)


class AppleMeter:
    """Starts powermetrics and adds up what it writes, in a thread, until `close`.

    Raises MeterError where it does not start. Apple calls its figures estimates, and so does this.
    """

    source = "powermetrics"
    basis: Basis = "estimated"
    kind: Kind = "processor"
    settle_s = 2 * SAMPLE_EVERY_MS / 1e3
    floor_w: float | None = None
    accuracy = Accuracy(
        0.2,
        "Assumed: powermetrics(1) calls its power estimated and possibly inaccurate, without a "
        "figure.",
    )

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._joules, self._epoch = 0.0, 0
        self._heard_at: float | None = None
        self._heard = threading.Event()
        # Not a pipe, which would fill up. Closed with this meter.
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                _command(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
            )
        except OSError as error:
            raise MeterError(f"powermetrics does not start: {error}.") from None
        assert self._process.stdout
        threading.Thread(
            target=self._listen, args=(self._process.stdout,), name="powermetrics", daemon=True
        ).start()
        self._heard.wait(_FIRST_SAMPLE_S)
        if self._heard_at is None:
            raise MeterError(self._why_silent())

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._process.terminate()
        self._process.wait()

    def read(self) -> dict[str, Count]:
        if self._process.poll() is not None:
            raise MeterError("powermetrics has ended.")
        if self._heard_at is None or self._clock() - self._heard_at > _SILENT_S:
            raise MeterError("powermetrics is silent.")
        return {"processor": Count(self._joules, self._epoch)}

    def detail(self) -> str:
        return "powermetrics: cores, graphics and neural engine, as Apple estimates them"

    def _listen(self, output: IO[bytes]) -> None:
        waiting = b""
        while chunk := os.read(output.fileno(), 1 << 16):
            # A list ends with its last tag; the NUL that parts it from the next comes later.
            *lists, waiting = (waiting + chunk).split(_END)
            for text in lists:
                self._add(text.strip(b"\0 \n") + _END)
        self._heard.set()

    def _add(self, text: bytes) -> None:
        try:
            joules = _joules(plistlib.loads(text))
        except (
            ExpatError,
            plistlib.InvalidFileException,
            ArithmeticError,
            LookupError,
            TypeError,
            ValueError,
        ):
            self._epoch += 1  # what its second took is unknown
            return
        if self._heard_at is not None:  # the first tells of the time before this meter
            self._joules += joules
        self._heard_at = self._clock()
        self._heard.set()

    def _why_silent(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_FIRST_SAMPLE_S if self._heard.is_set() else 0)
        ended = self._process.returncode is not None
        self.close()
        if not ended:
            return "powermetrics tells no power of the processor."
        self._complaints.seek(0)
        said = self._complaints.read().decode(errors="replace").strip().splitlines()
        return f"powermetrics ended at once ({said[-1] if said else 'without a word'}). {_PERMIT}"


def _command() -> list[str]:
    command = ["powermetrics", *_ARGUMENTS.split()]
    return command if os.geteuid() == 0 else ["sudo", "-n", *command]


def _joules(sample: dict[str, Any]) -> float:
    """Raises ValueError where no processor draws as much, and what a list of another shape does."""
    watts, duration_s = _power_w(sample["processor"]), float(sample["elapsed_ns"]) / 1e9
    if not (0 <= watts <= MAX_DEVICE_W and 0 <= duration_s < math.inf):
        raise ValueError(f"{watts} W for {duration_s} s")
    return watts * duration_s


def _power_w(processor: dict[str, Any]) -> float:
    """The powers are in milliwatts. Raises KeyError where there is none."""
    if "combined_power" in processor:
        return float(processor["combined_power"]) / 1e3
    return sum(float(processor[f"{part}_power"]) for part in ("cpu", "gpu", "ane")) / 1e3
