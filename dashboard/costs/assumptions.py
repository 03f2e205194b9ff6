"""What a comparison rests on, in sentences for people."""

from collections.abc import Sequence
from datetime import tzinfo

from dashboard.costs.models import IdleRule, Prices, Segment, SharedBy
from dashboard.costs.money import words
from dashboard.costs.rows import Shared
from dashboard.costs.self_hosted import Spent

_SHARING: dict[SharedBy, str] = {
    "energy": "All costs are shared by the energy of each developer's requests, idling included.",
    "tokens": (
        "All costs are shared by tokens (input and output), because the energy of some requests "
        "is unknown, or that of all is nil."
    ),
    "nobody": "Nobody used the hardware, so its cost stands in a row of its own.",
}
_BUSY: dict[SharedBy, str] = {
    "energy": "the rest is shared by the energy of each developer's requests",
    "tokens": "the rest is shared by tokens (input and output), because the energy of some "
    "requests is unknown, or that of all is nil",
    "nobody": "nobody used the hardware, so there is no rest",
}
_IDLE: dict[IdleRule, str] = {
    "by_use": "is shared by use like the rest",
    "evenly": "is carried in equal parts by everybody who held a seat or used the hardware",
    "overhead": "stands in a row of its own",
}


def assumptions(
    segments: Sequence[Segment], shared: Shared, costs: Spent, zone: tzinfo
) -> tuple[str, ...]:
    prices = segments[-1].prices
    sentences = [
        _hardware(prices),
        _electricity(segments, costs),
        _sharing(shared),
        f"A seat costs {words(prices.seat_price_per_month, prices.currency)} per developer and "
        f"calendar month ({zone}), pro rata from the developer's first day, and not before the "
        "hardware's: both sides count the same time.",
    ]
    if prices.operations_per_month:
        sentences.append(
            f"Operations cost {words(prices.operations_per_month, prices.currency)} a month."
        )
    sentences.append(_energy(segments))
    if len(segments) > 1 and len({segment.prices for segment in segments}) > 1:
        sentences.append("Prices changed within this range; each applies to its own time.")
    sentences.append("Taxes, financing and working time beyond operations are left out.")
    return tuple(sentences)


def _sharing(shared: Shared) -> str:
    if shared.rule == "by_use":
        return _SHARING[shared.basis]
    if shared.idle is None:
        return (
            "How much of the cost was idle is unknown, because no meter says what served requests, "
            f"so that no part of it can be shared apart. {_SHARING[shared.basis]}"
        )
    return (
        f"Idling, {float(shared.idle):.1%} of the cost by metered energy, {_IDLE[shared.rule]}; "
        f"{_BUSY[shared.basis]}."
    )


def _energy(segments: Sequence[Segment]) -> str:
    marginal = "Marginal cost is the electricity of the requests alone, PUE included"
    read = [s.energy for s in segments if s.energy and s.energy.total_j is not None]
    if not read:
        return f"{marginal}; no meter has read anything in this range."
    if any(energy.estimated for energy in read):
        return (
            f"{marginal}. Energy is estimated, not measured, in part or in whole; each figure may "
            "be 40% off."
        )
    return f"{marginal}. Energy is measured."


def _hardware(prices: Prices) -> str:
    price = words(prices.hardware_price, prices.currency)
    if prices.in_service_date is None:
        return f"{prices.hardware_name} ({price}) is not in service yet, so it costs nothing yet."
    residual = words(prices.residual_value, prices.currency)
    return (
        f"{prices.hardware_name}: {price}, straight line over {prices.hardware_life_months} months "
        f"from {prices.in_service_date:%-d %B %Y} to a residual value of {residual}."
    )


def _electricity(segments: Sequence[Segment], costs: Spent) -> str:
    prices = segments[-1].prices
    price = f"{prices.currency} {prices.electricity_price_per_kwh.normalize():f} per kWh"
    if prices.electricity_basis == "nameplate":
        return (
            f"Electricity is the rated power, {prices.power_kw.normalize():f} kW, in all hours, "
            f"used or not, × PUE {prices.pue.normalize():f} at {price}."
        )
    return (
        f"Electricity is what the meter read, idling included, × PUE {prices.pue.normalize():f} at "
        f"{price}; {float(costs.unmetered_hours):,.1f} hours without a reading count at the rated "
        f"{prices.power_kw.normalize():f} kW."
    )
