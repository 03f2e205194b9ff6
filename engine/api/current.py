"""The gateway's service that runs in this process, for pages and routes to reach."""

from engine.api.service import Service

_current: Service | None = None


def set_current(service: Service | None) -> None:
    global _current
    _current = service


def get() -> Service:
    """The running service; RuntimeError before the gateway has started."""
    if _current is None:
        raise RuntimeError("The gateway has not started in this process.")
    return _current
