"""What holds for every baseline: cents add up, time adds up, tokens scale."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.costs.baselines import (
    TYPICAL,
    Baseline,
    BaselineCost,
    ModelUsage,
    TokenOverage,
    UsageRange,
    lines_of,
    priced,
)
from tests.dashboard.costs.baselines.figures import api, hosted, plan, seats, used

START = datetime(2026, 1, 31, 7, 30, tzinfo=UTC)
MODELS = ("claude-opus-5", "gpt-5", "gpt-oss-120b", "claude-sonnet-4-5", "nobody-knows", None)
OVERAGE = TokenOverage(kind="tokens", included_per_month=50_000, price_per_million="9.99")
WITHOUT_OVERAGE: list[Baseline] = [
    api(),
    api(model="claude-opus-5"),
    hosted(),
    seats(plan("33.33", 2), plan("19.99", 3, annual_discount_percent=17)),
    TYPICAL[3].rented(3),
    TYPICAL[7].rented(1, Decimal(100)),
]
ALL: list[Baseline] = [*WITHOUT_OVERAGE, seats(plan("33.33", 3, overage=OVERAGE))]


@st.composite
def rows(draw: st.DrawFn) -> ModelUsage:
    whole = draw(st.integers(0, 10**7))
    return used(
        draw(st.sampled_from((1, 2, 3, 4, None))),
        draw(st.sampled_from(MODELS)),
        (whole, draw(st.integers(0, whole)), draw(st.none() | st.integers(0, 10**6))),
    )


def over(rows: Sequence[ModelUsage], start: datetime, end: datetime) -> UsageRange:
    return UsageRange(start=start, end=end, rows=tuple(rows))


def total(usage: UsageRange, baseline: Baseline) -> Fraction:
    amounts = [line.amount for line in lines_of(usage, baseline).lines]
    return sum((amount for amount in amounts if amount is not None), Fraction(0))


days = st.integers(0, 400 * 24).map(lambda hours: timedelta(hours=hours))


@settings(deadline=None)
@given(st.lists(rows(), max_size=8), days, st.sampled_from(ALL))
def test_cents_are_conserved_over_developers_and_items(
    used_rows: list[ModelUsage], length: timedelta, baseline: Baseline
) -> None:
    usage = over(used_rows, START, START + length)
    found: BaselineCost = priced(usage, baseline)
    assert sum(row.known for row in found.rows) == found.known
    assert sum(item.known for item in found.items) == found.known
    assert abs(Fraction(found.known) - total(usage, baseline)) <= Fraction(1, 200)
    assert found.known >= 0
    assert (found.cost is None) == any(row.cost is None for row in found.rows)
    assert found.cost in (None, found.known)


@settings(deadline=None)
@given(st.lists(rows(), max_size=5), st.lists(rows(), max_size=5), days, days,
       st.sampled_from(WITHOUT_OVERAGE))  # fmt: skip
def test_two_ranges_cost_what_they_cost_together(
    first: list[ModelUsage],
    second: list[ModelUsage],
    one: timedelta,
    other: timedelta,
    baseline: Baseline,
) -> None:
    """Exactly, before cents. (What a seat includes is used up within its own month.)"""
    if baseline.kind == "seats":  # who is without a seat depends on everybody in the range
        first, second = [], []
    middle, end = START + one, START + one + other
    apart = total(over(first, START, middle), baseline) + total(over(second, middle, end), baseline)
    assert total(over([*first, *second], START, end), baseline) == apart


@settings(deadline=None)
@given(st.lists(rows(), max_size=5), st.integers(0, 50), st.sampled_from([api(), hosted()]))
def test_costs_by_the_token_scale_with_the_tokens(
    used_rows: list[ModelUsage], times: int, baseline: Baseline
) -> None:
    def many(row: ModelUsage) -> ModelUsage:
        names = ("requests", "input_tokens", "cached_input_tokens", "output_tokens")
        counts = {name: getattr(row, name) for name in names}
        more = {name: None if count is None else count * times for name, count in counts.items()}
        return row.model_copy(update=more)

    end = START + timedelta(days=1)
    once = total(over(used_rows, START, end), baseline)
    assert total(over([many(row) for row in used_rows], START, end), baseline) == once * times


@settings(deadline=None)
@given(st.integers(0, 10**7), st.integers(0, 10**7), st.sampled_from(["claude-opus-5", "gpt-5"]))
def test_cached_tokens_never_cost_more_than_others(fresh: int, cached: int, model: str) -> None:
    end = START + timedelta(days=1)
    hit = over([used(model=model, tokens=(fresh + cached, cached, 0))], START, end)
    missed = over([used(model=model, tokens=(fresh + cached, 0, 0))], START, end)
    assert total(hit, api()) <= total(missed, api())
