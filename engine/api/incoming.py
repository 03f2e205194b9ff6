"""What is known of an HTTP request beside what its dialect makes of it.

It is kept in a context variable, which the tasks that a request starts inherit. So whoever ends its
answer still knows what came with it.
"""

from contextvars import ContextVar
from dataclasses import dataclass

incoming: ContextVar["Incoming | None"] = ContextVar("incoming", default=None)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The HTTP status and the short name of the error that a client was told."""

    status: int
    error_type: str


@dataclass(slots=True)
class Incoming:
    """`trace_parent` is the client's W3C header, unchecked. `developer_id` None: no valid key yet.
    `on_ledger`: the request has a row."""

    trace_parent: str | None
    developer_id: int | None = None
    developer_name: str | None = None
    on_ledger: bool = False
    refusal: Refusal | None = None


def note_developer(developer_id: int, name: str) -> None:
    """Remember whose key the present request has; outside of a request nothing happens."""
    if (request := incoming.get()) is not None:
        request.developer_id, request.developer_name = developer_id, name


def note_refusal(status: int, error_type: str) -> None:
    """Remember how the present request is refused; outside of a request nothing happens."""
    if (request := incoming.get()) is not None:
        request.refusal = Refusal(status, error_type)
