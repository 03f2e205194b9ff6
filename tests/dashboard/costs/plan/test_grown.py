"""What teams of 10 to 100,000 developers would take, on paper."""

from decimal import Decimal
from itertools import pairwise

from dashboard import charts_planner
from dashboard.costs.plan import plan
from dashboard.costs.scenario import founding
from dashboard.costs.summary import summary
from tests.dashboard.costs.plan.scenarios import TARIFF, varied

FOUNDING = founding().model_dump()["capacity"]


def test_it_goes_from_10_to_100_000_developers_and_never_gets_cheaper_in_all() -> None:
    capacity = plan(varied(capacity=FOUNDING)).capacity
    assert capacity is not None
    rows = capacity.grown
    assert (rows[0].developers, rows[-1].developers) == (10, 100_000)
    for smaller, larger in pairwise(rows):
        assert larger.cost_per_month >= smaller.cost_per_month
        assert larger.cost_per_developer <= smaller.cost_per_developer
        assert larger.replicas_if_fast <= larger.replicas <= larger.replicas_if_slow


def test_ten_developers_share_one_node_of_eight() -> None:
    # 8 × $35,000 and a host of $70,000, over 60 months; 10.2 kW × 720 h × $0.178571 a month.
    capacity = plan(varied(capacity=FOUNDING)).capacity
    assert capacity is not None
    first = capacity.grown[0]
    assert (first.accelerators, first.nodes, first.price) == (8, 1, Decimal(350_000))
    by_hand = Decimal(350_000) / 60 + Decimal("10.2") * 720 * Decimal("0.178571")
    assert abs(first.cost_per_month - by_hand) < 1
    assert first.cost_per_developer == (first.cost_per_month / 10).quantize(Decimal("0.01"))


def test_catalogue_prices_are_not_told_of_another_currency() -> None:
    euros = varied(
        currency="EUR",
        tariff=TARIFF | {"currency": "EUR"},
        operations={"currency": "EUR"},
        capacity=FOUNDING,
    )
    capacity = plan(euros).capacity
    assert capacity is not None
    assert capacity.grown == ()


def test_the_chart_and_the_terminal_show_every_team() -> None:
    found = plan(varied(capacity=FOUNDING))
    assert found.capacity is not None
    chart = charts_planner.scale_out(found.capacity, Decimal(200))
    (curve,) = chart.figure.data
    assert list(curve.x) == [row.developers for row in found.capacity.grown]
    assert list(chart.table["USD a developer and month"]) == list(curve.y)
    first = next(row for row in found.capacity.grown if row.cost_per_developer <= 200)
    assert f"{first.developers:,} developers are the first to pay less" in chart.title
    assert "100,000 developers" in summary(found)
