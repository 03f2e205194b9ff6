"""What a baseline would have cost for the same use, in cents that add up."""

from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from dashboard.costs import money
from dashboard.costs.baselines.lines import Line, Lines
from dashboard.costs.baselines.models import Api, Baseline, Hosted, Rented, Seats
from dashboard.costs.baselines.per_token import token_lines
from dashboard.costs.baselines.rented import rented_lines
from dashboard.costs.baselines.seats import seat_lines
from dashboard.costs.baselines.usage import ModelUsage, UsageRange
from dashboard.costs.strict import Strict

NOTHING = Decimal("0.00")


class BaselineRow(Strict):
    """A developer's part. `known` is what could be priced; `cost` None: not all of it could, and
    `reasons` say why. No `developer_id`: somebody unknown here, or what nobody used."""

    developer_id: int | None
    name: str
    requests: int | None
    input_tokens: int | None
    cached_input_tokens: int | None
    output_tokens: int | None
    known: Decimal
    cost: Decimal | None
    reasons: tuple[str, ...]


class BaselineItem(Strict):
    """A model's, a plan's or a GPU's part of the cost."""

    name: str
    known: Decimal
    cost: Decimal | None
    reasons: tuple[str, ...]


class BaselineCost(Strict):
    """Σ of the rows' `known` = Σ of the items' `known` = `known`, to the cent.

    `cost` is the same where all could be priced, else None: `known` is then a bound from below.
    """

    kind: Literal["seats", "api", "hosted", "rented"]
    name: str
    valid_from: date
    source: str
    origin: Literal["ledger", "imported"]
    start: datetime
    end: datetime
    currency: str
    known: Decimal
    cost: Decimal | None
    reasons: tuple[str, ...]
    rows: tuple[BaselineRow, ...]
    items: tuple[BaselineItem, ...]
    notes: tuple[str, ...]
    """Whole sentences: what the figures rest on."""


def priced(usage: UsageRange, baseline: Baseline, zone: tzinfo = UTC) -> BaselineCost:
    """What the usage would have cost under the baseline. `zone` is whose calendar months count."""
    found = lines_of(usage, baseline, zone)
    lines = found.lines
    total = sum((line.amount for line in lines if line.amount is not None), Fraction(0))
    known, reasons = money.cents(total), _reasons(lines)
    return BaselineCost(
        kind=baseline.kind,
        name=baseline.name,
        valid_from=baseline.valid_from,
        source=baseline.source,
        origin=usage.origin,
        start=usage.start,
        end=usage.end,
        currency=baseline.currency,
        known=known,
        cost=None if reasons else known,
        reasons=reasons,
        rows=_rows(known, lines, usage),
        items=_items(known, lines),
        notes=tuple(found.notes),
    )


def lines_of(usage: UsageRange, baseline: Baseline, zone: tzinfo = UTC) -> Lines:
    """The same before cents: exact, by developer and model, plan or GPU."""
    match baseline:
        case Seats():
            return seat_lines(usage, baseline, zone)
        case Api() | Hosted():
            return token_lines(usage, baseline)
        case Rented():
            return rented_lines(usage, baseline, zone)


def _rows(known: Decimal, lines: Sequence[Line], usage: UsageRange) -> tuple[BaselineRow, ...]:
    groups = _grouped(lines, lambda line: _who(line.developer_id, line.name))
    usages: dict[Hashable, list[ModelUsage]] = {}
    for row in usage.rows:
        usages.setdefault(_who(row.developer_id, row.name), []).append(row)
    rows = []
    for (who, theirs), part in zip(groups.items(), _parts(known, groups), strict=True):
        used = usages.get(who, [])
        reasons = _reasons(theirs)
        rows.append(
            BaselineRow(
                developer_id=theirs[0].developer_id,
                name=theirs[0].name,
                requests=_sum([row.requests for row in used]),
                input_tokens=_sum([row.input_tokens for row in used]),
                cached_input_tokens=_sum([row.cached_input_tokens for row in used]),
                output_tokens=_sum([row.output_tokens for row in used]),
                known=part,
                cost=None if reasons else part,
                reasons=reasons,
            )
        )
    return tuple(sorted(rows, key=lambda row: (row.developer_id is None, row.name.lower())))


def _items(known: Decimal, lines: Sequence[Line]) -> tuple[BaselineItem, ...]:
    groups = _grouped(lines, lambda line: line.item)
    items = []
    for (_, its), part in zip(groups.items(), _parts(known, groups), strict=True):
        reasons = _reasons(its)
        cost = None if reasons else part
        items.append(BaselineItem(name=its[0].item, known=part, cost=cost, reasons=reasons))
    return tuple(sorted(items, key=lambda item: (-item.known, item.name)))


def _who(developer_id: int | None, name: str) -> Hashable:
    """People are told apart by their id, those without one by their name."""
    return name if developer_id is None else developer_id


def _grouped(lines: Sequence[Line], key: Callable[[Line], Hashable]) -> dict[Hashable, list[Line]]:
    groups: dict[Hashable, list[Line]] = {}
    for line in lines:
        groups.setdefault(key(line), []).append(line)
    return groups


def _parts(known: Decimal, groups: dict[Hashable, list[Line]]) -> list[Decimal]:
    """Each group's cents; those that are left over by rounding go by largest remainder."""
    if not known:
        return [NOTHING] * len(groups)
    weights = [
        sum((line.amount for line in lines if line.amount is not None), Fraction(0))
        for lines in groups.values()
    ]
    return money.split(known, weights)


def _reasons(lines: Sequence[Line]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.reason for line in lines if line.reason is not None))


def _sum(values: Sequence[int | None]) -> int | None:
    """None where any is unknown."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
