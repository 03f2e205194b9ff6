"""What a worked-out case rests on, in sentences for people."""

from collections.abc import Sequence
from datetime import date

from dashboard.costs.money import words
from dashboard.costs.months import add_months
from dashboard.costs.ownership.assets import Asset
from dashboard.costs.ownership.case import Case, Stretch
from dashboard.costs.ownership.disposal import Outcome
from dashboard.costs.ownership.financing import Lease, Loan
from dashboard.costs.ownership.held import assumed_sales
from dashboard.costs.ownership.schedule import Schedule
from dashboard.costs.ownership.years import ONE_DAY


def assumptions(
    case: Case,
    schedules: Sequence[Schedule],
    disposals: Sequence[Outcome],
    in_service: Sequence[Stretch],
) -> tuple[str, ...]:
    notes = [f"{schedule.asset}: {note}" for schedule in schedules for note in schedule.notes]
    return (
        *_tax(case),
        *_financing(case),
        *_service(case, disposals, in_service),
        *_electricity(case),
        *_end(case, disposals),
        *_life(case),
        *notes,
    )


def outlived(case: Case) -> list[Asset]:
    """Those that are still counted on after their life: until their sale, or the horizon's end."""
    end = add_months(case.start, case.horizon_months)
    return [
        asset
        for asset in case.assets
        if add_months(asset.in_service_date, asset.life_months) < _used_until(asset, end)
    ]


def _used_until(asset: Asset, end: date) -> date:
    """The first day on which it is gone."""
    return end if asset.disposal is None else min(end, asset.disposal.on + ONE_DAY)


def _tax(case: Case) -> list[str]:
    if not case.tax_percent:
        return ["Taxes are left out."]
    return [
        f"Profits are taxed at {case.tax_percent.normalize():f}% and large enough for every "
        "deduction. Tax is settled at the end of each tax year. Subscriptions are deducted in full "
        "in the year in which they are paid, so giving them up loses that deduction."
    ]


def _financing(case: Case) -> list[str]:
    match case.financing:
        case Loan() as loan if loan.months > case.horizon_months:
            return ["What the loan still owes at the horizon's end is paid back then."]
        case Lease() as lease if lease.buyout is None:
            return ["The hardware is leased and goes back to the lessor."]
        case _:
            return []


def _service(case: Case, disposals: Sequence[Outcome], in_service: Sequence[Stretch]) -> list[str]:
    end = add_months(case.start, case.horizon_months)
    whole = Stretch(first_day=case.start, last_day=end - ONE_DAY)
    notes = []
    if tuple(in_service) != (whole,):
        days = " and ".join(
            f"from {_day(one.first_day)} to {_day(one.last_day)}" for one in in_service
        )
        notes.append(
            f"Hardware is in service {days}. Only then is it paid to run and are subscriptions "
            "given up, in a month partly in service by its days; otherwise they are paid on."
        )
    begins = {max(asset.in_service_date, case.start) for asset in case.assets}
    if len(begins) > 1 or len({sale.on for sale in disposals}) > 1:
        notes.append(
            "While only some of the hardware is in service, that is taken to serve everybody and "
            "to cost as much to run as all of it."
        )
    return notes


def _electricity(case: Case) -> list[str]:
    if not case.electricity:
        return []
    return [
        "The cash flows pay electricity by the real hours of each month, 8,760 or 8,784 a year; "
        "the month of 720 hours is that of the typical month and of break-even alone."
    ]


def _end(case: Case, disposals: Sequence[Outcome]) -> list[str]:
    return [
        f"{sale.asset} is taken to be sold at the horizon's end for its book value, "
        f"{words(sale.proceeds, case.currency)}: an estimate."
        if sale.proceeds
        else f"{sale.asset} is taken to be worth nothing at the horizon's end: an estimate."
        for sale in assumed_sales(case, disposals)
    ]


def _life(case: Case) -> list[str]:
    return [
        f"{asset.name} has a life of {asset.life_months} months, and is counted on for longer; "
        "nothing is counted for replacing it."
        for asset in outlived(case)
    ]


def _day(day: date) -> str:
    return f"{day:%-d %B %Y}"
