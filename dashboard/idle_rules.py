"""The three ways of sharing idle time, as pages name and tell them."""

from dashboard import formats
from dashboard.costs.models import Comparison, IdleRule

# The key stands in the event stream's address, the name in the page's.
IDLE_RULES: dict[IdleRule, str] = {
    "by_use": "By use",
    "evenly": "Evenly",
    "overhead": "Overhead row",
}
_CARRIED: dict[IdleRule, str] = {
    "by_use": "It is shared by use: whoever used more carries more of it too.",
    "evenly": "Everybody who held a seat or used the hardware carries an equal part of it.",
    "overhead": "It stands in a row of its own, and nobody carries it.",
}


def rule_sentence(comparison: Comparison) -> str:
    """What the idle part is, or that it is unknown, and who carries it."""
    idle, total = comparison.idle_total, comparison.self_hosted_total
    if idle is None:
        return (
            "How much of the cost was idle is unknown, because no meter says what served requests: "
            "all of it is shared by use, whichever rule is chosen."
        )
    if comparison.shared_by == "nobody":
        carried = _CARRIED[comparison.idle_rule if _somebody(comparison) else "overhead"]
        return f"Nobody used the hardware, so all of its cost was idle. {carried}"
    amount = formats.money(idle, comparison.currency)
    part = formats.share(float(idle / total)) if total else "0%"
    whole = formats.money(total, comparison.currency)
    return (
        f"{amount} of {whole}, {part}, was idle, by metered energy. "
        f"{_CARRIED[comparison.idle_rule]}"
    )


def _somebody(comparison: Comparison) -> bool:
    """Whether somebody carries what nobody used, as only the even rule has it."""
    rows = comparison.developers
    return comparison.idle_rule == "evenly" and any(row.developer_id is not None for row in rows)
