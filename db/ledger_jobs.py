"""A call that waits until its change is durable, and how it is answered."""

import logging
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import DataError, IntegrityError

from db.errors import InvalidInput, LedgerUnavailable
from db.records import EnergyRecord, NewRequest, RequestOutcome

log = logging.getLogger(__name__)

Payload = NewRequest | RequestOutcome | EnergyRecord


@dataclass(slots=True)
class Job:
    payload: Payload
    future: "Future[Any] | None"  # None: nobody waits any more, but it has to be written


def begin(job: Job) -> Job | None:
    """Fix what becomes of a call whose caller has gone: an admission is dropped, the rest stays."""
    if job.future is None or job.future.set_running_or_notify_cancel():
        return job
    return None if isinstance(job.payload, NewRequest) else Job(job.payload, None)


def resolve(job: Job, result: Any) -> None:
    """Answer with a result or an exception; an answer that nobody waits for goes to the log."""
    future, job.future = job.future, None
    if future is None:
        if isinstance(result, Exception) and not isinstance(result, LedgerUnavailable):
            log.error("A write that was owed to the ledger is refused: %s", result)
    elif isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)


def for_people(error: Exception) -> Exception:
    """What a caller is told of an error."""
    if isinstance(error, IntegrityError | DataError):
        said = str(error.orig).splitlines()[0].rstrip(".")
        return InvalidInput("request", f"The ledger refuses this row: {said}.")
    return error
