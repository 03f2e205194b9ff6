"""Texts that arrive in pieces."""


def overlap(text: str, wanted: str) -> int:
    """Length of the longest end of `text` that is a beginning of `wanted`, but not all of it."""
    lengths = range(min(len(text), len(wanted) - 1), 0, -1)
    return next((n for n in lengths if wanted.startswith(text[-n:])), 0)
