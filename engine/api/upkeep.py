"""What the gateway does to its ledger by itself: once an hour it deletes rows that are too old."""

import logging
import threading
from collections.abc import Callable

from sqlalchemy import Engine

from db.errors import LedgerUnavailable
from db.expiry import expire

log = logging.getLogger(__name__)

FIRST_AFTER_S = 60.0  # a gateway that starts has other things to do
EVERY_S = 3_600.0


class Upkeep:
    """A thread of its own; `stop` may block for as long as a batch of rows takes to delete."""

    def __init__(
        self,
        database: Callable[[], Engine],
        *,
        first_after_s: float = FIRST_AFTER_S,
        every_s: float = EVERY_S,
    ) -> None:
        self._database = database
        self._waits_s = (first_after_s, every_s)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger-upkeep", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        wait_s, every_s = self._waits_s
        while not self._stop.wait(wait_s):
            wait_s = every_s
            try:
                expire(self._database(), stop=self._stop)
            except LedgerUnavailable as error:
                log.warning("Old rows are deleted later: %s", error)
            except Exception:  # it is tried again in an hour
                log.exception("Old rows could not be deleted.")
