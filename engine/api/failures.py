"""What can end an answer before it is complete."""


class GatewayStopped(Exception):  # noqa: N818 (a state, as people read it)
    """Breakeven was stopped while it computed this request."""


class Unanswerable(Exception):  # noqa: N818
    """The request asks for what turned out to be impossible; why, in one line."""


class EngineFailed(Exception):  # noqa: N818
    """The engine could not compute this request, and said why in one line."""
