"""What a baseline's calculation is made of, before cents."""

from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Line:
    """A part of the cost: whose, for what, how much. `amount` None: unknown, and `reason` says why.

    `item` is a model, a plan or a GPU; `name` stands for people who have no `developer_id`.
    """

    developer_id: int | None
    name: str
    item: str
    amount: Fraction | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Lines:
    """All parts, and sentences on what they rest on."""

    lines: list[Line]
    notes: list[str] = field(default_factory=list)
