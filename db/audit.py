"""The trail of every change to people, keys, prices and passwords."""

import json
from typing import Any

from sqlalchemy import Connection, insert

from db.ids import now_ms
from db.schema import Audit


def note(connection: Connection, actor: str, action: str, **detail: Any) -> None:
    """Write who did what, in the transaction of the change itself."""
    connection.execute(
        insert(Audit).values(
            at=now_ms(), actor=actor, action=action, detail=json.dumps(detail, default=str)
        )
    )
