"""What every dialect checks of a request before it is computed."""

from collections.abc import Sequence

from engine.api.errors import invalid, unknown_model
from engine.api.service import Service, served_name
from engine.runtime.protocol import Ready


def require_model(service: Service, wanted: str) -> Ready:
    """The model that is served, if it is the one that is wanted: else a 404, or a 503 where there
    is none."""
    model = service.require_ready()
    if wanted.lower() != served_name(model):
        raise unknown_model(wanted, served_name(model))
    return model


def room_for_answer(model: Ready, prompt: Sequence[int]) -> int:
    """How many tokens the context still takes; a 400 where it takes none."""
    room = model.context_length - len(prompt)
    if room < 1:
        raise invalid(
            f"The prompt has {len(prompt)} tokens; with the answer's first token it may not be"
            f" longer than this model's context of {model.context_length} tokens. Shorten it.",
            "messages",
            "context_length_exceeded",
        )
    return room
