"""The summary gives its figures with their reasons, under headings that hold for them."""

from dashboard.costs.plan import plan
from dashboard.costs.scenario import founding
from dashboard.costs.summary import summary
from tests.dashboard.costs.plan.scenarios import varied


def lines(**changes: object) -> list[str]:
    return summary(plan(varied(**changes))).splitlines()


def line(start: str, **changes: object) -> str:
    return next(one for one in lines(**changes) if one.startswith(start))


def test_what_is_never_paid_back_is_told_with_its_reason() -> None:
    # One seat: 25,000 − 60 × 110 = 18,400 short before tax.
    figures = plan(varied(developers=1)).ownership.evaluation
    assert figures.payback.reason
    assert line("  Payback  ", developers=1).endswith(f"never ({figures.payback.reason})")


def test_the_rate_of_return_is_told_with_its_reason_beside_it() -> None:
    loan = {"kind": "loan", "percent_per_year": 12, "months": 36}
    irr = plan(varied(financing=loan)).ownership.evaluation.irr
    assert irr.reason
    assert line("  Internal rate of return", financing=loan).endswith(f"({irr.reason})")


def test_schedules_that_outlast_the_sale_do_not_stand_under_the_horizon() -> None:
    found = lines()
    heading = found.index("Depreciation for tax, if kept to the end of each schedule")
    assert heading > found.index("Over 60 months, taxes and financing included")
    assert next(row for row in found if row.startswith("    2031")) in found[heading:]
    assert found[heading - 1] == ""


def test_the_founding_card_is_told_to_lack_a_server() -> None:
    assert "a server to put it in, and what that draws, is left out." in summary(plan(founding()))
