"""The gateway's log: a line of JSON for each request that ended or was refused, and for each
warning of the product.

Lines hold counts, times and names of the product's own, never what a request or an answer says. A
thread of its own writes them, so a slow disk holds up no request.
"""

import copy
import logging
import sys
import threading
import traceback
from contextlib import suppress
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from db.ids import id_to_text
from db.records import NewRequest
from engine.api.answer import EnergyTally, Finished

LARGEST_FILE = 10_000_000
FILES = 5
STOPS_WITHIN_S = 0.5
_PRODUCT = ("engine", "db", "dashboard")  # whose warnings are written here, too


class GatewayLog:
    """Writes from `start` to `stop` to the file at `path`, which is renamed to `….1`, `….2` and so
    on as it grows. Entries before and after are dropped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # Not one of logging's named loggers: those are shared by all gateways of a process.
        self._entries = logging.Logger("gateway", logging.INFO)
        self._entries.addHandler(logging.NullHandler())
        self._listener: QueueListener | None = None
        self._for_warnings: list[logging.Handler] = []

    def start(self) -> None:
        file = _File(
            self._path,
            maxBytes=LARGEST_FILE,
            backupCount=FILES - 1,
            encoding="utf-8",
            delay=True,  # opened in the thread that writes
        )
        file.setFormatter(
            JsonFormatter(
                ["levelname", "message"],
                rename_fields={"levelname": "level"},
                timestamp="time",
                json_ensure_ascii=False,
            )
        )
        queue: SimpleQueue[logging.LogRecord] = SimpleQueue()
        self._listener = QueueListener(queue, file)
        self._listener.start()
        self._entries.addHandler(_Handover(queue))
        warnings = _Handover(queue)
        warnings.setLevel(logging.WARNING)
        self._for_warnings = [warnings]
        if logging.lastResort is not None and not logging.getLogger().handlers:
            # What has no handler is shown on stderr; having one now, it shall be still.
            self._for_warnings.append(logging.lastResort)
        for name in _PRODUCT:
            for handler in self._for_warnings:
                logging.getLogger(name).addHandler(handler)

    def stop(self) -> None:
        """Write what is waiting and close the file, if the disk lets us in time."""
        if self._listener is None:
            return
        for name in _PRODUCT:
            for handler in self._for_warnings:
                logging.getLogger(name).removeHandler(handler)
        self._entries.handlers = [logging.NullHandler()]
        closing = threading.Thread(target=_close, args=[self._listener], daemon=True)
        closing.start()
        closing.join(STOPS_WITHIN_S)
        self._listener = None

    def request_over(self, row: NewRequest, finished: Finished, energy: EnergyTally) -> None:
        failed, tally = finished.status == "error", finished.tally
        self._entries.log(
            logging.ERROR if failed else logging.INFO,
            "A request ended.",
            extra={
                "event": "request_ended",
                "request_id": id_to_text(row.id),
                "developer_id": row.developer_id,
                "model": row.model,
                "engine": row.engine,
                "endpoint": row.endpoint,
                "streamed": row.streamed,
                "client": row.client,
                "status": finished.status,
                "error_type": finished.error_type,
                "input_tokens": tally.input_tokens,
                "cached_input_tokens": tally.cached_input_tokens,
                "output_tokens": tally.output_tokens,
                "duration_ms": _rounded(finished.duration_ms),
                "ttft_ms": _rounded(finished.ttft_ms),
                "queue_ms": _rounded(tally.queue_ms),
                "energy_j": energy.joules,
                "energy_basis": energy.basis,
            },
        )

    def refused(self, *, status: int, **told: str | int | None) -> None:
        """`told`: the further fields, as `Observer.refused` has them."""
        self._entries.log(
            logging.WARNING if status >= 500 else logging.INFO,
            "A request was refused.",
            extra={"event": "request_refused", "status": status, **told},
        )


def _close(listener: QueueListener) -> None:
    listener.stop()
    for handler in listener.handlers:
        with suppress(OSError):  # what could not be written was told of
            handler.close()


class _File(RotatingFileHandler):
    """Where it cannot be written, that is told on stderr in one line, and again only after it was
    written meanwhile; it stops nothing."""

    _is_told = _failed = False

    def emit(self, record: logging.LogRecord) -> None:
        self._failed = False
        super().emit(record)
        self._is_told = self._failed

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        self._failed = True
        if not self._is_told:
            sys.stderr.write(
                f"The log {self.baseFilename} cannot be written: {sys.exc_info()[1]}\n"
            )


class _Handover(QueueHandler):
    """Passes records to the writing thread."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Of an exception its class and where it came from: what it says may quote a request."""
        passed = copy.copy(record)
        passed.msg, passed.args = record.getMessage(), None
        extra: dict[str, Any] = {}
        if not hasattr(record, "event"):
            extra = {"event": "message", "logger": record.name}
        if record.exc_info and record.exc_info[0] is not None:
            frames = traceback.extract_tb(record.exc_info[2])
            extra["exception"] = record.exc_info[0].__qualname__
            extra["traceback"] = [f"{at.filename}:{at.lineno} {at.name}" for at in frames]
        passed.exc_info = passed.exc_text = passed.stack_info = None
        passed.__dict__.update(extra)
        return passed


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 1)
