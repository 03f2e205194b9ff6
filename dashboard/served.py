"""The models that tools can ask for now, from this machine's engine and from upstreams."""

from engine.api import current
from engine.api.errors import ApiError
from engine.api.service import Served


def served_models() -> list[Served]:
    """All of them; none while the page's top says what is missing."""
    try:
        return current.get().require_served()
    except ApiError:
        return []
