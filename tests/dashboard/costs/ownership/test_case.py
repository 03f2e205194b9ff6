"""Cases worked out whole, against hand calculations."""

import tomllib
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.costs.ownership.case import Case, Monthly
from dashboard.costs.ownership.evaluation import evaluate
from tests.dashboard.costs.ownership.things import asset, case

MACRS = {"method": "macrs"}
COLUMNS = (
    "hardware", "financing", "running", "baseline_avoided", "depreciation_shield",
    "expense_shield", "baseline_tax", "disposal", "disposal_tax",
)  # fmt: skip


@pytest.mark.parametrize(
    ("developers", "months"), [(1, "227.3"), (2, "80.6"), (5, "27.5"), (10, "13.1")]
)
def test_the_founding_case_without_tax_pays_back_as_by_hand(developers: int, months: str) -> None:
    seats = {"per_month": 200 * developers}
    found = evaluate(case(horizon_months=240, baseline=seats))
    assert found.payback.months is not None
    assert f"{found.payback.months:.1f}" == months
    assert found.payback == found.discounted_payback


def test_taxed_years_by_hand() -> None:
    # 2,400 over 24 months: 1,200 a year, at 25% 300. Running 120 a year: 30. Seats of 2,400 a year
    # are no longer deducted: −600. Before tax 190 a month.
    bought = asset(unit_price=2_400, life_months=24)
    result = evaluate(
        case(
            assets=(bought,),
            horizon_months=24,
            tax_percent=25,
            running={"per_month": 10},
            baseline={"per_month": 200},
        )
    )
    start, year_end = result.flows[0], result.flows[12]
    assert [start.hardware, start.net] == [-2_400, -2_400]
    assert (year_end.month, year_end.on) == (12, date(2027, 1, 1))
    assert [year_end.depreciation_shield, year_end.expense_shield] == [300, 30]
    assert [year_end.baseline_tax, year_end.net] == [-600, 190 + 300 + 30 - 600]
    assert result.flows[11].net == 190
    # After tax all counts at three quarters: (24 × 190 − 2,400) × 0.75.
    assert result.totals["net"] == result.flows[-1].cumulative == 1_620
    assert result.npv == 1_620


def test_the_founding_case_with_macrs_shields_1050_dollars_in_its_first_year() -> None:
    bought = asset(tax_depreciation=MACRS)
    result = evaluate(case(assets=(bought,), tax_percent=21))
    assert result.flows[12].depreciation_shield == 1_050
    # Sold for nothing after three years: half of the third year's 4,800 (504), and 9,600 are lost.
    assert result.flows[36].depreciation_shield == 504
    assert result.disposals[0].tax_gain == -9_600
    assert result.flows[36].disposal_tax == 2_016


def test_what_is_not_sold_counts_as_sold_for_its_book_value_at_the_end() -> None:
    result = evaluate(case(horizon_months=12, assets=(asset(residual={"amount": 3_080}),)))
    # 21,920 ÷ 1,096 days = 20 a day for 365 days.
    assert result.disposals[0].proceeds == 25_000 - 7_300
    assert result.flows[-1].disposal == 17_700
    assert any("book value, $17,700: an estimate" in words for words in result.assumptions)


def test_a_stated_sale_is_kept_and_one_after_the_horizon_is_not() -> None:
    sold = asset(disposal={"on": date(2026, 6, 30), "proceeds": 15_000})
    result = evaluate(case(assets=(sold,), tax_percent=20))
    assert result.flows[6].disposal == 15_000
    # 25,000 − 25,000 × 181 ÷ 1,096 days = 20,871.35; the loss of 5,871.35 saves 20% in December.
    assert result.flows[12].disposal_tax == Decimal("1174.27")
    assert not any("estimate" in words for words in result.assumptions)
    later = asset(disposal={"on": date(2029, 1, 1), "proceeds": 15_000})
    assert evaluate(case(assets=(later,))).flows[-1].disposal == 0


def test_a_loan_spreads_the_outlay_and_its_interest_is_deducted() -> None:
    loan = {"kind": "loan", "percent_per_year": 12, "months": 36, "principal": {"percent": 80}}
    result = evaluate(case(financing=loan, tax_percent=21))
    assert result.loan is not None
    assert result.flows[0].net == -5_000
    # 20,000 × 0.01 ÷ (1 − 1.01^−36) = 664.29
    assert result.flows[1].financing == Decimal("-664.29")
    assert result.totals["financing"] == -result.loan.total_interest
    deducted = result.loan.total_interest + 36 * 90
    assert result.totals["expense_shield"] == round(deducted * Decimal("0.21"), 2)


def test_what_a_long_loan_still_owes_is_paid_at_the_horizons_end() -> None:
    loan = {"kind": "loan", "percent_per_year": 12, "months": 60}
    result = evaluate(case(financing=loan))
    assert result.loan is not None
    paid = sum((row.interest for row in result.loan.payments[:36]), Decimal(0))
    assert result.totals["financing"] == -paid
    # 25,000 at 1% a month: 556.11 a month, and after 36 payments 24 of them are still owed:
    # 556.11 × (1 − 1.01^−24) ÷ 0.01 = 11,813.66.
    assert result.flows[0].financing == 25_000
    assert float(-result.flows[36].financing) == pytest.approx(556.11 + 11_813.66, abs=0.15)
    assert any("paid back then" in words for words in result.assumptions)


def test_a_lease_has_payments_and_no_hardware() -> None:
    lease = {"kind": "lease", "payment_per_month": 800, "months": 36}
    result = evaluate(case(financing=lease, tax_percent=25))
    assert result.totals["hardware"] == 0
    assert result.hardware_cost == 25_000
    assert [result.flows[0].financing, result.flows[36].financing] == [-800, 0]
    # (36 × 800 + 36 × 90) × 25%
    assert result.totals["expense_shield"] == 8_010
    assert result.tax_schedules == ()


def test_hardware_bought_out_of_a_lease_depreciates_from_then_on() -> None:
    lease = {"kind": "lease", "payment_per_month": 800, "months": 24, "buyout": 3_660}
    result = evaluate(case(financing=lease))
    assert result.flows[24].hardware == -3_660
    # 12 of 36 months are left, the 366 days of 2028: 10 a day.
    assert [row.depreciation for row in result.book_schedules[0].rows] == [3_660]
    assert result.book_schedules[0].rows[0].first_day == date(2028, 1, 1)


def test_amounts_grow_once_a_year() -> None:
    result = evaluate(case(baseline={"per_month": 200, "growth_percent_per_year": 10}))
    avoided = [flow.baseline_avoided for flow in result.flows]
    assert avoided[1:13] == [200] * 12
    assert avoided[13:25] == [220] * 12
    assert avoided[25:] == [242] * 12


def test_a_tax_year_from_april_settles_at_the_end_of_march() -> None:
    result = evaluate(case(tax_percent=25, tax_year_starts_in_month=4))
    # Three months' seats at 25%; the last nine are settled at the horizon's end.
    taxes = {flow.month: flow.baseline_tax for flow in result.flows if flow.baseline_tax}
    assert taxes == {3: -150, 15: -600, 27: -600, 36: -450}


def test_hardware_bought_later_is_paid_for_in_its_month() -> None:
    two = (asset(), asset(name="second", purchase_date=date(2026, 6, 15)))
    result = evaluate(case(assets=two))
    paid = {flow.month: flow.hardware for flow in result.flows if flow.hardware}
    assert paid == {0: -25_000, 6: -25_000}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"assets": ()}, "at least 1 item"),
        ({"assets": (asset(purchase_date=date(2029, 1, 1)),)}, "before the horizon's end"),
        (
            {"financing": {"kind": "lease", "payment_per_month": 1, "months": 48}},
            "The lease outlasts the horizon",
        ),
    ],
)
def test_a_case_that_cannot_be_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        case(**changes)


def test_a_case_reads_from_toml_and_its_result_from_json() -> None:
    text = """
    start = 2026-01-01
    horizon_months = 36
    tax_percent = 21
    discount_percent_per_year = 8
    running = {per_month = 90}
    baseline = {per_month = 1_000, growth_percent_per_year = 5}
    financing = {kind = "loan", percent_per_year = 7.5, months = 24}
    [[assets]]
    name = "H100"
    unit_price = 25_000
    purchase_date = 2026-01-01
    in_service_date = 2026-01-01
    life_months = 36
    tax_depreciation = {method = "macrs", bonus = "by_law"}
    """
    result = evaluate(Case.model_validate(tomllib.loads(text)))
    assert type(result).model_validate_json(result.model_dump_json()) == result


def test_the_tax_method_changes_when_tax_is_saved_and_not_how_much() -> None:
    totals = {
        str(tax): evaluate(
            case(
                assets=(asset(tax_depreciation=tax),),
                baseline={"per_month": 1_000},
                tax_percent=21,
            )
        ).totals["net"]
        for tax in (MACRS, {"method": "macrs", "bonus": 100}, {"method": "german_linear"})
    }
    # (36 × 910 − 25,000) × 0.79
    assert set(totals.values()) == {Decimal("6130.40")}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    tax = [MACRS, {"method": "macrs", "bonus": 100}, {"method": "straight_line"}]
    money = st.decimals(0, 5_000, places=2)
    bought = asset(
        unit_price=draw(st.decimals(0, 10**5, places=2)),
        purchase_date=draw(st.dates(date(2026, 1, 1), date(2026, 12, 31))),
        life_months=draw(st.integers(1, 60)),
        tax_depreciation=draw(st.sampled_from(tax)),
    )
    return case(
        horizon_months=draw(st.integers(12, 72)),
        assets=(bought,),
        tax_percent=draw(st.decimals(0, 50, places=2)),
        tax_year_starts_in_month=draw(st.integers(1, 12)),
        discount_percent_per_year=draw(st.integers(0, 30)),
        running={"per_month": draw(money)},
        baseline={"per_month": draw(money), "growth_percent_per_year": draw(st.integers(-10, 10))},
        financing=draw(
            st.sampled_from(
                [{"kind": "cash"}, {"kind": "loan", "percent_per_year": 9, "months": 24}]
            )
        ),
    )


@settings(max_examples=40, deadline=None)
@given(cases())
def test_columns_rows_and_totals_add_up_to_the_cent(one: Case) -> None:
    result = evaluate(one)
    for flow in result.flows:
        assert flow.net == sum(getattr(flow, name) for name in COLUMNS)
    for name in (*COLUMNS, "net"):
        assert result.totals[name] == sum(getattr(flow, name) for flow in result.flows)
    assert result.flows[-1].cumulative == result.totals["net"]
    assert result.flows[-1].cumulative_present_value == result.npv


@settings(max_examples=40, deadline=None)
@given(cases())
def test_tax_takes_its_share_of_the_gain_before_tax_whenever_it_is_settled(one: Case) -> None:
    result = evaluate(one)
    before = sum(
        (result.totals[name] for name in COLUMNS if "tax" not in name and "shield" not in name),
        Decimal(0),
    )
    expected = before * (1 - one.tax_percent / 100)
    # Four tax columns, each rounded to half a cent.
    assert abs(result.totals["net"] - expected) <= Decimal("0.02")


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1_000, 50_000), st.integers(0, 200), st.integers(0, 3_000), st.integers(2, 1_000)
)
def test_another_unit_of_money_changes_the_amounts_alone(
    price: int, running: int, seats: int, factor: int
) -> None:
    one, other = (
        evaluate(
            case(
                assets=(asset(unit_price=price * times, tax_depreciation=MACRS),),
                running={"per_month": running * times},
                baseline={"per_month": seats * times},
                tax_percent=21,
                discount_percent_per_year=8,
            )
        )
        for times in (1, factor)
    )
    # Nine columns and the sum are each rounded to half a cent.
    assert abs(one.npv * factor - other.npv) <= Decimal("0.05") * factor
    assert (one.payback.months is None) == (other.payback.months is None)
    if one.payback.months is not None and other.payback.months is not None:
        assert abs(one.payback.months - other.payback.months) <= Decimal("0.01")


@settings(max_examples=25, deadline=None)
@given(cases(), st.decimals(0, 1_000, places=2))
def test_cheaper_running_never_delays_payback_nor_lowers_the_value(
    one: Case, more: Decimal
) -> None:
    running = Monthly(per_month=one.running.per_month + more)
    dearer = one.model_copy(update={"running": running})
    cheap, dear = evaluate(one), evaluate(dearer)
    assert cheap.npv >= dear.npv - Decimal("0.02")
    if dear.payback.months is not None:
        assert cheap.payback.months is not None
        assert cheap.payback.months <= dear.payback.months + Decimal("0.01")
