"""Section 179 and bonus depreciation: order, limits and dates."""

from datetime import date
from decimal import Decimal

import pytest

from dashboard.costs.ownership.depreciation import tax_schedules
from dashboard.costs.ownership.us_figures import bonus_by_law
from tests.dashboard.costs.ownership.things import asset, depreciations


def elected(portion: dict[str, object], **changes: object) -> dict[str, object]:
    return {"method": "macrs", "section_179": portion} | changes


def test_section_179_comes_first_then_bonus_then_the_table() -> None:
    rule = elected({"amount": 5_000}, bonus="by_law")
    day = date(2024, 3, 1)
    (schedule,) = tax_schedules([asset(purchase_date=day, tax_depreciation=rule)])
    # 25,000 less 5,000; 60% of 20,000 in 2024 = 12,000; the table on 8,000: 1,600, 2,560, 1,536…
    assert depreciations(schedule) == [
        "18600.00", "2560.00", "1536.00", "921.60", "921.60", "460.80",
    ]  # fmt: skip
    assert [(part.kind, part.amount) for part in schedule.expensed] == [
        ("Section 179", Decimal(5_000)),
        ("Bonus depreciation, 60%", Decimal(12_000)),
    ]


def test_a_schedule_names_the_table_and_the_laws_it_rests_on() -> None:
    plain, both = tax_schedules(
        [
            asset(tax_depreciation={"method": "macrs"}),
            asset(tax_depreciation=elected({"amount": 5_000}, bonus="by_law")),
        ]
    )
    assert [source.title[:19] for source in plain.sources] == ["IRS Publication 946"]
    assert [source.title[:17] for source in both.sources[1:]] == [
        "Rev. Proc. 2025-3",
        "IRS Notice 2026-1",
    ]


def test_a_hundred_percent_bonus_leaves_nothing_for_later() -> None:
    (schedule,) = tax_schedules([asset(tax_depreciation={"method": "macrs", "bonus": "by_law"})])
    assert depreciations(schedule) == ["25000.00"]


@pytest.mark.parametrize(
    ("acquired", "in_service", "percent"),
    [
        (date(2022, 5, 1), date(2022, 5, 1), 100),
        (date(2022, 5, 1), date(2023, 5, 1), 80),
        (date(2024, 5, 1), date(2024, 5, 1), 60),
        (date(2025, 1, 19), date(2025, 1, 19), 40),
        (date(2025, 1, 20), date(2025, 1, 20), 100),
        # A contract bound before 20 January 2025 keeps to the old shares, however late in service.
        (date(2025, 1, 19), date(2025, 6, 1), 40),
        (date(2025, 1, 19), date(2026, 6, 1), 20),
        (date(2025, 1, 19), date(2027, 6, 1), 0),
        (date(2026, 6, 1), date(2030, 1, 1), 100),
        (date(2017, 9, 1), date(2018, 5, 1), 0),
        (date(2017, 10, 1), date(2017, 11, 1), 100),
        (date(2017, 9, 27), date(2017, 11, 1), 0),
    ],
)
def test_the_bonus_share_follows_from_contract_and_service(
    acquired: date, in_service: date, percent: int
) -> None:
    # 26 USC 168(k) before and after Public Law 119-21, section 70301; Notice 2026-11.
    assert bonus_by_law(acquired, in_service) == percent


def test_a_stated_bonus_share_may_be_lower_than_the_law_allows_but_not_higher() -> None:
    day = date(2024, 3, 1)
    some = asset(purchase_date=day, tax_depreciation={"method": "macrs", "bonus": 30})
    # 30% of 25,000 = 7,500, and 20% of 17,500 = 3,500.
    assert depreciations(tax_schedules([some])[0])[0] == "11000.00"
    more = asset(purchase_date=day, tax_depreciation={"method": "macrs", "bonus": 80})
    with pytest.raises(ValueError, match="80% bonus depreciation is more than the 60%"):
        tax_schedules([more])


@pytest.mark.parametrize(
    ("year", "cost", "expensed"),
    [
        (2024, 1_500_000, 1_220_000),
        (2024, 3_200_000, 1_070_000),  # 1,220,000 − (3,200,000 − 3,050,000)
        (2024, 4_270_000, 0),
        (2025, 2_600_000, 2_500_000),
        (2025, 4_300_000, 2_200_000),  # 2,500,000 − 300,000, Midcoast Advisors' example
        (2026, 2_600_000, 2_560_000),
        (2026, 4_190_000, 2_460_000),  # 2,560,000 − (4,190,000 − 4,090,000)
    ],
)
def test_section_179_ends_at_the_years_limit_which_falls_with_the_total(
    year: int, cost: int, expensed: int
) -> None:
    rule = elected({"percent": 100})
    bought = asset(unit_price=cost, purchase_date=date(year, 2, 1), tax_depreciation=rule)
    (schedule,) = tax_schedules([bought])
    assert sum((part.amount for part in schedule.expensed), Decimal(0)) == expensed
    rest = cost - expensed
    assert schedule.rows[0].depreciation == expensed + rest * Decimal("0.2")
    assert schedule.total == cost


def test_all_of_a_years_hardware_shares_one_limit_in_the_order_of_the_list() -> None:
    rule = elected({"percent": 100})
    one, other, next_year = (
        asset(unit_price=900_000, purchase_date=day, tax_depreciation=rule)
        for day in (date(2024, 2, 1), date(2024, 3, 1), date(2025, 2, 1))
    )
    schedules = tax_schedules([one, other, next_year])
    shares = [sum((part.amount for part in s.expensed), Decimal(0)) for s in schedules]
    assert shares == [900_000, 320_000, 900_000]
    cut = "Section 179 is cut to what the year's limit leaves."
    assert [cut in schedule.notes for schedule in schedules] == [False, True, False]


def test_hardware_that_elects_nothing_still_counts_towards_the_phase_out() -> None:
    rule = elected({"amount": 1_000_000})
    one = asset(unit_price=1_000_000, purchase_date=date(2024, 2, 1), tax_depreciation=rule)
    plain = asset(
        unit_price=3_000_000, purchase_date=date(2024, 2, 1), tax_depreciation={"method": "macrs"}
    )
    # 1,220,000 − (4,000,000 − 3,050,000) = 270,000
    assert tax_schedules([one, plain])[0].expensed[0].amount == 270_000


def test_a_year_whose_limit_is_not_known_is_refused() -> None:
    rule = elected({"percent": 100})
    later = asset(purchase_date=date(2031, 2, 1), tax_depreciation=rule)
    with pytest.raises(ValueError, match="beginning in 2031 is not known here"):
        tax_schedules([later])
