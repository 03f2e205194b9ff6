"""What break-even hangs on: each input from its low to its high, the others as in the case."""

from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from dashboard.costs import money
from dashboard.costs.break_even import formulas as f
from dashboard.costs.break_even.case import Against
from dashboard.costs.break_even.distributions import stated_range
from dashboard.costs.break_even.uncertainty import UncertainCase, months_of


class TornadoRow(BaseModel):
    """Months to break-even with this input at its low and at its high; None: never."""

    model_config = ConfigDict(frozen=True)

    input: str
    low: Decimal
    high: Decimal
    result_at_low: Decimal | None
    result_at_high: Decimal | None


class Tornado(BaseModel):
    """The case's own break-even in months (None: never), and the inputs, what moves it most
    first: an input that decides whether it breaks even at all comes before all others."""

    model_config = ConfigDict(frozen=True)

    against: Against
    base: Decimal | None
    rows: tuple[TornadoRow, ...]


def tornado(case: UncertainCase, against: Against = "seats") -> Tornado:
    """Inputs that are certain are left out. ValueError: prices are missing."""
    f.require(case.base, against)
    rows = []
    for name, distribution in case.inputs.items():
        low, high = stated_range(distribution)
        if low < high:
            rows.append(
                TornadoRow(
                    input=name,
                    low=low,
                    high=high,
                    result_at_low=_months(case, name, low, against),
                    result_at_high=_months(case, name, high, against),
                )
            )
    rows.sort(key=lambda row: (-_swing(row), row.input))
    base = months_of(case.base, {}, against)
    return Tornado(
        against=against, base=None if base is None else money.rounded(base, 4), rows=tuple(rows)
    )


def _months(case: UncertainCase, name: str, value: Decimal, against: Against) -> Decimal | None:
    months = months_of(case.base, {name: value}, against)
    return None if months is None else money.rounded(months, 4)


def _swing(row: TornadoRow) -> Decimal:
    ends = [row.result_at_low, row.result_at_high]
    if ends[0] is None and ends[1] is None:
        return Decimal(0)
    if ends[0] is None or ends[1] is None:
        return Decimal("Infinity")
    return abs(ends[1] - ends[0])
