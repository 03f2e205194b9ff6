"""What a worked-out case rests on, in sentences for people."""

from collections.abc import Sequence

from dashboard.costs.money import words
from dashboard.costs.months import add_months
from dashboard.costs.ownership.case import Case
from dashboard.costs.ownership.disposal import Outcome
from dashboard.costs.ownership.financing import Lease, Loan
from dashboard.costs.ownership.schedule import Schedule
from dashboard.costs.ownership.years import ONE_DAY


def assumptions(
    case: Case, schedules: Sequence[Schedule], disposals: Sequence[Outcome]
) -> tuple[str, ...]:
    notes = [f"{schedule.asset}: {note}" for schedule in schedules for note in schedule.notes]
    return (*_tax(case), *_financing(case), *_end(case, disposals), *_life(case), *notes)


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


def _end(case: Case, disposals: Sequence[Outcome]) -> list[str]:
    last_day = add_months(case.start, case.horizon_months) - ONE_DAY
    settled = {asset.name for asset in case.assets if asset.disposal}
    return [
        f"{sale.asset} is taken to be sold at the horizon's end for its book value, "
        f"{words(sale.proceeds, case.currency)}: an estimate."
        if sale.proceeds
        else f"{sale.asset} is taken to be worth nothing at the horizon's end: an estimate."
        for sale in disposals
        if sale.on == last_day and sale.asset not in settled
    ]


def _life(case: Case) -> list[str]:
    end = add_months(case.start, case.horizon_months)
    return [
        f"{asset.name} has a life of {asset.life_months} months, which the horizon outlasts; "
        "nothing is counted for replacing it."
        for asset in case.assets
        if add_months(asset.in_service_date, asset.life_months) < end
    ]
