"""The report's figures: those of the pages for the same range, adding up to the cent."""

from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from dashboard import energy as energy_figures
from dashboard.costs.models import Point
from dashboard.overview import View, compute
from dashboard.overview_figures import figures
from dashboard.reports.month.contents import crossing
from dashboard.reports.month.months import months_with_data
from dashboard.reports.month.pdf import month_pdf
from dashboard.reports.month.spreadsheet import month_xlsx
from db import memberships, people, prices
from db.connect import writing
from db.errors import InvalidInput
from tests.dashboard.reports.books import add, at, meter, person, request
from tests.dashboard.reports.month.reports import (
    MOMENT,
    book_of,
    report_on,
    team_of_three,
    text_of,
)
from tests.db.importers.rows import import_texts

BERLIN = "Europe/Berlin"


def test_a_month_costs_what_is_worked_out_by_hand(ledger: Engine) -> None:
    team_of_three(ledger)
    cost = report_on(ledger).comparison
    # $25,000 over 36 months from 1 September 2025 to 1 September 2028: 1,096 days, 31 of them
    # October. By cents: 25,000 × 61/1,096 = 1,391.42 less 25,000 × 30/1,096 = 684.31.
    assert cost.depreciation == Decimal("707.11")
    # 0.7 kW × 744 h × $0.18 = $93.744
    assert cost.electricity == Decimal("93.74")
    assert cost.self_hosted_total == Decimal("800.85")
    assert cost.baseline_total == 3 * Decimal(200)


def test_a_past_month_is_what_the_pages_showed_at_its_last_millisecond(ledger: Engine) -> None:
    team_of_three(ledger)
    meter(ledger, at(5), 6_000.0, minutes=600)
    report = report_on(ledger, zone=BERLIN)
    last_moment = at(31, 23) - 1  # Berlin's November begins at 23:00 UTC
    page = compute(ledger, View("own", "month", BERLIN), last_moment)
    assert report.complete
    assert report.comparison == page.chosen == page.month
    assert list(report.curve) == page.curve
    assert report.break_even == page.break_even
    assert [(one.label, one.value, one.note) for one in report.figures] == [
        (one["label"], one["value"], one["note"]) for one in figures(page)
    ]
    uses = energy_figures.compute(ledger, View("own", "month", BERLIN), last_moment).uses
    assert uses.total is not None
    assert report.energy.total_j == uses.total.joules == 600 * 6_000.0
    assert {part.joules for part in report.energy.uses} == set(uses.parts.values())


def test_the_month_that_is_not_over_is_what_the_pages_show_now(ledger: Engine) -> None:
    team_of_three(ledger)
    now = at(20, 15, 30)
    report = report_on(ledger, now_ms=now)
    page = compute(ledger, View("own", "month", "UTC"), now)
    assert not report.complete
    assert report.comparison == page.chosen
    assert report.sentence.startswith("So far in October 2025 self-hosting cost ")
    assert "The month is not over: the figures are those up to now." in report.gaps


def test_requests_of_other_months_are_not_in_it_and_days_are_the_zones(ledger: Engine) -> None:
    ada, _ = person(ledger, "Ada")
    # 30 September 22:00 UTC is 1 October in Berlin; 31 October 23:00 UTC is 1 November there.
    moments = [at(30, 21, 59, month=9), at(30, 22, month=9), at(31, 22, 59), at(31, 23)]
    add(ledger, [request(ada, moment) for moment in moments])
    assert sum(row.requests for row in report_on(ledger, zone=BERLIN).comparison.developers) == 2
    assert sum(row.requests for row in report_on(ledger).comparison.developers) == 2
    assert sum(row.requests for row in report_on(ledger, "2025-09").comparison.developers) == 2


def test_rows_of_developers_and_of_teams_add_up_to_the_totals_to_the_cent(ledger: Engine) -> None:
    team_of_three(ledger)
    report = report_on(ledger)
    cost = report.comparison
    for rows in (cost.developers, cost.teams):
        assert sum(row.fully_loaded for row in rows) == cost.self_hosted_total
        assert sum(row.seat for row in rows) == cost.baseline_total
        assert sum(row.requests for row in rows) == 10
    # By energy, 7 : 2 : 1 of $800.85; the cent left over goes to who lost most by rounding.
    assert [row.fully_loaded for row in cost.developers] == [
        Decimal("560.60"),
        Decimal("160.17"),
        Decimal("80.08"),
    ]
    none, platform = cost.teams
    assert (platform.name, platform.developers, platform.requests) == ("Platform", 2, 9)
    # A team's row is the sum of its people's: 560.60 and 160.17.
    assert (platform.fully_loaded, platform.seat) == (Decimal("720.77"), Decimal(400))
    assert (none.name, none.requests, none.seat) == ("No team", 1, Decimal(200))


def test_usage_counts_to_the_team_of_its_time(ledger: Engine) -> None:
    team_of_three(ledger)
    with writing(ledger) as connection:
        memberships.join_team(connection, 1, "Data", valid_from=at(1, month=11))
    teams = {row.name: row for row in report_on(ledger).comparison.teams}
    assert teams["Platform"].requests == 9
    assert "Data" not in teams


def test_a_developer_who_came_later_is_not_in_a_past_months_break_even(ledger: Engine) -> None:
    team_of_three(ledger)
    before = report_on(ledger)
    people.add_developer(ledger, "Later", actor="test")  # now, long after October 2025
    assert report_on(ledger).break_even == before.break_even
    assert before.break_even.developers == 3


def test_an_empty_month_between_others_costs_the_hardware_that_nobody_used(ledger: Engine) -> None:
    team_of_three(ledger)
    report = report_on(ledger, "2025-11")
    cost = report.comparison
    (*holders, unused) = cost.developers
    assert (unused.name, unused.fully_loaded) == ("Unused", cost.self_hosted_total)
    assert {row.fully_loaded for row in holders} == {Decimal(0)}
    assert (
        sum(row.fully_loaded for row in report.comparison.teams)
        == report.comparison.self_hosted_total
    )
    assert report.energy.total_j is None


def test_on_an_empty_ledger_nothing_was_spent(ledger: Engine) -> None:
    report = report_on(ledger)
    assert report.comparison.self_hosted_total == 0
    assert report.sentence == (
        "Nothing was asked in October 2025 and no hardware was in service: nothing was spent."
    )
    assert months_with_data(ledger, ZoneInfo("UTC"), at(1, month=12)) == []


def test_months_that_have_something_to_tell_are_listed_newest_first(ledger: Engine) -> None:
    team_of_three(ledger)
    assert months_with_data(ledger, ZoneInfo("UTC"), at(1, month=12)) == [
        "2025-12",
        "2025-11",
        "2025-10",
        "2025-09",
    ]


def test_energy_that_is_unknown_is_said_and_costs_are_shared_by_tokens(ledger: Engine) -> None:
    team_of_three(ledger)
    unknown = {"energy_j": None, "energy_basis": "unknown", "energy_source": None}
    add(ledger, [request(2, at(6), team_id=1, **unknown)])
    report = report_on(ledger)
    assert report.comparison.shared_by == "tokens"
    assert {row.name: row.energy_j for row in report.comparison.teams}["Platform"] is None
    assert {row.name: row.marginal for row in report.comparison.teams}["Platform"] is None
    assert "1 of 11 requests have no energy figure." in report.gaps
    basis = {one.figure: one.basis for one in report.evidence}
    assert basis["Marginal, by developer and team"] == "unknown"


@pytest.mark.parametrize(
    ("minutes", "basis"), [(0, "estimated"), (300, "measured and estimated"), (600, "measured")]
)
def test_electricity_by_the_meter_is_measured_as_far_as_it_read(
    ledger: Engine, minutes: int, basis: str
) -> None:
    team_of_three(ledger)
    prices.set_prices(ledger, actor="test", valid_from=0, electricity_basis="metered")
    if minutes:
        meter(ledger, at(1, 0), 6_000.0, minutes=minutes)
    report = report_on(ledger, now_ms=at(1, 10) - 1)  # the month's first 10 hours
    (electricity,) = (one for one in report.evidence if one.figure == "Electricity")
    assert electricity.basis == basis
    # 0.1 kW where the meter read, 0.7 kW in the other hours, at $0.18 per kWh.
    hours = Decimal(minutes) / 60
    kwh = hours / 10 + (10 - hours) * Decimal("0.7")
    assert report.comparison.electricity == round(kwh * Decimal("0.18"), 2)


def test_imported_usage_stands_apart_and_changes_no_other_figure(ledger: Engine) -> None:
    team_of_three(ledger)
    before = report_on(ledger)
    import_texts(
        ledger,
        "model,request_id,spend,startTime,prompt_tokens,completion_tokens,user\n"
        "gpt-5-mini,one,0.25,2025-10-02 10:00:00,10000,2000,ada\n"
        "gpt-5-mini,two,0.50,2025-11-02 10:00:00,10000,2000,ada\n",
    )
    report = report_on(ledger)
    (row,) = report.imported
    assert (row.source, row.model, row.input_tokens) == (
        "LiteLLM (spend log)",
        "gpt-5-mini",
        10_000,
    )
    assert (row.cost, row.currency) == (Decimal("0.25"), "USD")
    assert report.model_copy(update={"imported": ()}) == before
    text = text_of(month_pdf(report))
    assert "Imported usage, kept apart" in text
    assert "$0.25" in text
    cells = [cell.value for cell in book_of(month_xlsx(report))["Assumptions"]["E"]]
    assert 0.25 in cells


def test_time_is_told_apart_by_what_the_meters_told(ledger: Engine) -> None:
    team_of_three(ledger)
    meter(ledger, at(5), 60.0, minutes=60)
    coverage = report_on(ledger).energy.coverage
    assert (coverage.complete_s, coverage.unmetered_s) == (3_600, 743 * 3_600)


def test_assumptions_have_their_dates_and_sources(ledger: Engine) -> None:
    team_of_three(ledger)
    prices.set_prices(ledger, actor="test", valid_from=at(16, 0), seat_price_per_month=100,
                      note="Offer of 12 October")  # fmt: skip
    report = report_on(ledger)
    seats = [one for one in report.assumptions if one.what == "Seat"]
    assert [(one.value, one.valid_from, one.source) for one in seats] == [
        ("$200.00 per developer and month", None, "Invoice 17"),
        ("$100.00 per developer and month", date(2025, 10, 16), "Offer of 12 October"),
    ]
    # 15 days at $200 and 16 at $100, of 31, for three.
    assert report.comparison.baseline_total == Decimal("445.16")


def test_figures_that_nobody_has_set_say_so(ledger: Engine) -> None:
    ada, _ = person(ledger, "Ada")
    add(ledger, [request(ada, at(5))])
    sources = {one.source for one in report_on(ledger).assumptions}
    assert sources == {
        "The figures that Breakeven starts with; nobody has set this team's own yet."
    }


def test_where_the_curves_cross_is_between_the_points_around_it() -> None:
    def point(minute: int, self_hosted: int, baseline: int) -> Point:
        at_ = MOMENT.replace(minute=minute)
        return Point(at=at_, self_hosted=Decimal(self_hosted), baseline=Decimal(baseline))

    # From 10 behind to 30 ahead within 20 minutes: level after a quarter of them.
    assert crossing([point(0, 10, 0), point(20, 20, 50)]) == MOMENT.replace(minute=5)
    assert crossing([point(0, 0, 0), point(20, 20, 10)]) is None
    assert crossing([point(0, 0, 0), point(20, 10, 20)]) is None


@pytest.mark.parametrize("month", ["2025-13", "October", "2025-1", "", "../../etc/passwd"])
def test_what_is_no_month_is_refused(ledger: Engine, month: str) -> None:
    with pytest.raises(InvalidInput, match="is not a month; write one such as 2026-10"):
        report_on(ledger, month)


def test_a_month_that_has_not_begun_and_one_in_two_currencies_are_refused(ledger: Engine) -> None:
    team_of_three(ledger)
    with pytest.raises(InvalidInput, match="January 2026 has not begun yet"):
        report_on(ledger, "2026-01")
    prices.set_prices(ledger, actor="test", valid_from=at(16), currency="EUR")
    with pytest.raises(InvalidInput, match="USD and in EUR cannot be added up"):
        report_on(ledger)
