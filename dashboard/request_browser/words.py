"""What the ledger's short names are called on the page."""

STATUSES = {
    "ok": "answered",
    "running": "running",
    "cancelled": "cancelled",
    "error": "failed",
    "interrupted": "interrupted",
}
BASIS = {
    "measured": "measured",
    "estimated": "estimated",
    "partial": "partly known",
    "unknown": "unknown",
}


def engine_words(name: str) -> str:
    return "upstream" if name == "upstream" else "this machine"
