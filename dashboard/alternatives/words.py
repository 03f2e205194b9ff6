"""The finding and what must be said beside it, in sentences."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from dashboard import formats
from dashboard.alternatives.offers import Offer, Ranged
from dashboard.costs.months import midnight

AT_EQUAL_TOKENS = (
    "These are costs at equal tokens, not at equal quality. A token of a small open model is not "
    "worth one of a frontier model: the same task may take more tokens, or not succeed at all. "
    "What the models here are good for has to be measured on your own work."
)
HERE = ("fully loaded", "marginal")


def finding(offers: Sequence[Offer], currency: str) -> str:
    """What self-hosting cost beside what can be compared with it: all in one currency. Only what
    could be priced in full is counted."""
    own = [each for each in offers if each.kind == "fully loaded" and each.currency == currency]
    others = [
        each
        for each in offers
        if each.kind not in HERE and each.currency == currency and each.cost is not None
    ]
    if not own:
        return _least(others, currency) or f"Nothing else could be priced in full ({currency})"
    here = f"Self-hosting cost {formats.money(own[0].known, currency)}, fully loaded"
    if not others:
        return f"{here}; nothing else could be priced in full"
    less = sum(each.known < own[0].known for each in others)
    number = "the one alternative" if len(others) == 1 else f"{less} of {len(others)} alternatives"
    told = "would have cost less" if less or len(others) > 1 else "would not have cost less"
    return f"{here}; {number} {told}. {_least(others, currency)}"


def _least(others: Sequence[Offer], currency: str) -> str:
    least = min((each.known for each in others), default=None)
    if least is None:
        return ""
    names = [each.name for each in others if each.known == least]
    name = names[0] if len(names) == 1 else f"{len(names)} of them"
    return f"{name} would have cost least: {formats.money(least, currency)}"


def cost_words(offer: Offer) -> str:
    """`$12.30`, `at least $3.20` where a part is unknown, or `unknown`."""
    amount = formats.money if offer.kind != "marginal" else formats.small_money
    if offer.cost is not None:
        return amount(offer.cost, offer.currency)
    return f"at least {amount(offer.known, offer.currency)}" if offer.known else formats.UNKNOWN


def cautions(found: Ranged, offers: Sequence[Offer]) -> list[str]:
    """What a reader must know of these figures beyond their quality."""
    told = []
    currencies = sorted({offer.currency for offer in offers})
    if len(currencies) > 1:
        told.append(
            f"Prices are in {' and in '.join(currencies)}. Nothing is converted, so only what is "
            "in one currency is compared."
        )
    if not any(row.tokens for row in found.metered.rows):
        told.append(
            f"The gateway metered no tokens {found.period.words}, so that prices per token come to "
            "nothing. Hardware, seats and rented GPUs cost the same, used or not."
        )
    late = _late_start(found)
    if late:
        told.append(late)
    unhosted = unhosted_models(found, offers)
    if unhosted:
        told.append(
            f"No chosen host lists {', '.join(unhosted)}: what the same model would have cost "
            "elsewhere is unknown."
        )
    if any(offer.kind == "rented" for offer in offers):
        told.append("Whether so many rented GPUs could carry these requests is not checked here.")
    return told


def unhosted_models(found: Ranged, offers: Sequence[Offer]) -> list[str]:
    """The ledger's models that no chosen host has a price for."""
    items = [item for offer in offers if offer.kind == "hosted" for item in offer.items]
    priced = {item.name for item in items if item.cost is not None}
    return [model for model in found.models if model not in priced]


def _late_start(found: Ranged) -> str | None:
    first_day = found.prices.in_service_date
    zone = ZoneInfo(found.view.timezone)
    if first_day is None:
        return "The hardware is not in service yet, so that self-hosting and seats cost nothing."
    if midnight(first_day, zone).timestamp() * 1000 <= found.period.start_ms:
        return None
    return (
        f"Self-hosting and seats count from the hardware's first day, {first_day:%-d %B %Y}; all "
        "else from the range's start."
    )
