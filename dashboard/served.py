"""The models that tools can ask for now, from this machine's engine and from upstreams."""

from engine.api import current
from engine.api.errors import ApiError
from engine.api.service import Served


def served_models() -> tuple[list[Served], str]:
    """All of them; where there is none yet, also why, in a sentence for people."""
    try:
        return current.get().require_served(), ""
    except ApiError as error:
        return [], str(error)
