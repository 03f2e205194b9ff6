"""What rules ask of the ledger that no page does."""

import math
from decimal import Decimal

from sqlalchemy import Engine, func, select

from db.connect import reading
from db.schema import Request


def first_token_s(engine: Engine, start_ms: int, end_ms: int, part: Decimal) -> Decimal | None:
    """The time to the first token that this part of the answered requests, which started in the
    range, had at most (the nearest rank); None: there were none."""
    r = Request
    within = (r.started_at >= start_ms) & (r.started_at < end_ms)
    answered = within & (r.status == "ok") & r.ttft_ms.is_not(None)
    with reading(engine) as connection:
        count = connection.execute(select(func.count()).select_from(r).where(answered)).scalar_one()
        if not count:
            return None
        ranked = select(r.ttft_ms).where(answered).order_by(r.ttft_ms)
        rank = math.ceil(part * count)
        found = connection.execute(ranked.offset(rank - 1).limit(1)).scalar_one()
    return Decimal(int(found or 0)) / 1000
