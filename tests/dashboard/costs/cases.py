"""What the cost model must reproduce: expected, got, source.

`python -m tests.dashboard.costs.cases` prints the table.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from dashboard.costs import studies
from dashboard.costs.plan import Plan, plan
from dashboard.costs.queueing.formulas import mm1
from dashboard.costs.scenario import founding

ARGUMENT = "The founding argument, worked out by hand: 25,000 / (200 n − 90), without tax"
BY_HAND = "The founding argument, worked out by hand"
IRS = "IRS Publication 946, Table A-1: 5-year property, half-year convention"
KLEINROCK = "Kleinrock, Queueing Systems, volume 1 (1975): 1 / (μ − λ), less 1 / μ of service"
BY_CAPACITY = (
    "Worked out by hand from the catalogue: 8 × $35,000 + $70,000, and 10.2 kW × 720 h × "
    "$0.178571, over a life of 60 months"
)


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    expected: str
    got: str
    source: str


def cases() -> Iterator[Case]:
    yield from _electricity()
    yield from _months()
    yield from _tax()
    yield from _queue()
    yield from _sentences()
    yield from _study()


@cache
def founding_with(developers: int) -> Plan:
    return plan(founding().model_copy(update={"developers": developers}))


def _electricity() -> Iterator[Case]:
    month = founding_with(5)
    yield Case("kWh of 0.7 kW in 30 days", "504.000", str(month.electricity.kwh), BY_HAND)
    yield Case("dollars a month", "90.00", str(month.month.electricity), BY_HAND)
    yield Case("dollars per kWh", "0.1786", str(month.electricity.per_kwh), BY_HAND)
    year = month.month.electricity * 12
    yield Case("dollars of electricity a year", "1080.00", str(year), BY_HAND)


def _months() -> Iterator[Case]:
    expected = {1: "227.3", 2: "80.6", 5: "27.5", 10: "13.1"}
    for row in founding_with(5).break_even.by_developers:
        if row.developers in expected:
            name = f"months to break-even with a team of {row.developers}"
            yield Case(name, expected[row.developers], f"{row.months:.1f}", ARGUMENT)


def _tax() -> Iterator[Case]:
    owned = founding_with(5).ownership
    shield = str(owned.first_year_shield)
    yield Case("first year's tax shield", "1050.00", shield, "25,000 × 20% × 21%, by hand")
    rows = owned.tax_schedules_if_kept[0].rows
    expected = ("20.00", "32.00", "19.20", "11.52", "11.52", "5.76")
    for year, (percent, row) in enumerate(zip(expected, rows, strict=True), start=1):
        share = row.depreciation / Decimal(25_000) * 100
        yield Case(f"MACRS 5-year, year {year}, percent", percent, f"{share:.2f}", IRS)


def _queue() -> Iterator[Case]:
    queue = mm1(arrivals_per_s=0.8, services_per_s=1)
    yield Case("M/M/1 at ρ = 0.8, mean wait", "4.000", f"{queue.mean_wait_s:.3f}", KLEINROCK)
    in_system = f"{queue.mean_in_system_s:.3f}"
    yield Case("M/M/1 at ρ = 0.8, mean in system", "5.000", in_system, KLEINROCK)


def _sentences() -> Iterator[Case]:
    """What a manager is told of the founding card and Kimi K2."""
    fit = (
        "1 × H100 PCIe 80 GB does not hold Kimi K2: its weights are 594 GB in INT4, and the memory "
        "has 80 GB, of which a tenth is kept free; on paper $25,000 would have paid for itself "
        "after {} months with {}, but what serves them costs about $350,000 and {}."
    )
    for developers, months, team, instead in (
        (1, "227.3", "1 developer", "never pays for itself"),
        (5, "27.5", "5 developers", "never pays for itself"),
        # 10.2 kW × 720 h × $0.178571 = $1,311.43: 350,000 / (4,000 − 1,311.43), and of 20,000.
        (20, "6.4", "20 developers", "has paid for itself after 130.2 months, past its life"),
        (100, "1.3", "100 developers", "has paid for itself after 18.7 months"),
    ):
        expected = fit.format(months, team, instead)
        got = founding_with(developers).headline
        yield Case(f"Kimi K2 for {team}", expected, got, BY_CAPACITY)


def _study() -> Iterator[Case]:
    for cell in studies.reproduce():
        digits = -int(cell.printed.as_tuple().exponent)
        got = cell.from_tables
        if "rounded twice" in cell.explanation:
            got = got.quantize(Decimal("0.01")).quantize(Decimal("0.1"), ROUND_HALF_UP)
        yield Case(
            f"{cell.model} against {cell.api}, months",
            str(cell.printed),
            f"{got:.{digits}f}",
            f"{studies.SOURCE}. {cell.explanation}",
        )


def table() -> str:
    lines = []
    for case in cases():
        mark = "=" if case.expected == case.got else "≠"
        lines.append(f"{case.name}\n  {case.expected}\n  {mark} {case.got}\n  {case.source}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
