"""What a batch of calls changes on the ledger, in one transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from db import admission, months, usage, writes
from db.energy_writes import book_energy
from db.errors import BudgetExceeded, KeyRevoked
from db.ledger_jobs import Payload
from db.records import EnergyRecord, NewRequest, RequestOutcome


class BatchWriter:
    """Writes batches for the writer of a number. It remembers when keys were last noted as used:
    that is noted once a minute."""

    def __init__(self, writer_id: int) -> None:
        self._writer_id = writer_id
        self._keys_used: dict[int, int] = {}

    def forget(self) -> None:
        """What was noted may not have come to be durable."""
        self._keys_used.clear()

    def apply(self, connection: Connection, payloads: Sequence[Payload]) -> list[Any]:
        """The result of each. Admissions first: whatever else is in the batch may be about them."""
        admissions = [payload for payload in payloads if isinstance(payload, NewRequest)]
        energy = [payload for payload in payloads if isinstance(payload, EnergyRecord)]
        outcomes = [payload for payload in payloads if isinstance(payload, RequestOutcome)]
        admitted = iter(self._admit(connection, admissions) if admissions else [])
        used = months.tally()
        touched = {outcome.request_id for outcome in outcomes}
        touched.update(key for record in energy for key in record.shares)
        with usage.changing(connection, touched):
            booked = iter(book_energy(connection, energy, used) if energy else [])
            finished = iter(writes.finish(connection, outcomes, used) if outcomes else [])
        months.add(connection, used)
        results: list[Any] = []
        for payload in payloads:
            match payload:
                case NewRequest():
                    results.append(next(admitted))
                case EnergyRecord():
                    results.append(next(booked))
                case RequestOutcome():
                    results.append(next(finished))
        return results

    def _admit(
        self, connection: Connection, admissions: list[NewRequest]
    ) -> list[KeyRevoked | BudgetExceeded | None]:
        """Why each is refused; None where it is on the ledger now."""
        refusals = admission.refusals(connection, admissions)
        admitted = [
            request
            for request, refusal in zip(admissions, refusals, strict=True)
            if refusal is None
        ]
        if admitted:
            writes.admit(connection, admitted, self._writer_id)
            self._touch_keys(connection, admitted)
        return refusals

    def _touch_keys(self, connection: Connection, admissions: list[NewRequest]) -> None:
        used = {
            request.api_key_id: request.started_at
            for request in admissions
            if request.api_key_id is not None
            and request.started_at - self._keys_used.get(request.api_key_id, 0) > writes.MINUTE_MS
        }
        if used:
            writes.touch_keys(connection, used)
            self._keys_used.update(used)
