"""Eight developers with a key each, some of whom meet their limits during the soak."""

from dataclasses import dataclass
from pathlib import Path

from db.connect import connect
from db.keys import create_key
from db.limits import NO_LIMITS, Limits, set_limits
from db.migrate import migrate
from db.people import add_developer


@dataclass(frozen=True, slots=True)
class Member:
    """`weight`: how many of the requests are theirs, relative to the others. Their key's limits,
    or, with `shared`, the developer's own."""

    name: str
    weight: int = 1
    limits: Limits = NO_LIMITS
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Seat:
    """A member on the ledger."""

    member: Member
    developer_id: int
    key: str


def members(minutes: float, streams: int) -> list[Member]:
    """Limits small enough to be met, whatever the machine's speed."""
    return [
        Member("greedy", weight=3),
        Member("modest"),
        Member("other"),
        Member("budget-of-key", limits=Limits(tokens_per_month=round(1000 * (1 + minutes)))),
        Member(
            "budget-of-developer",
            limits=Limits(tokens_per_month=round(1000 + 1500 * minutes)),
            shared=True,
        ),
        Member("often", limits=Limits(requests_per_minute=3)),
        Member("at-once", limits=Limits(concurrent_requests=max(1, streams // 32))),
        Member("tokens", limits=Limits(tokens_per_minute=700), shared=True),
    ]


def seated(home: Path, team: list[Member]) -> list[Seat]:
    """The team on a fresh ledger."""
    engine = connect(f"sqlite:///{home / 'ledger.db'}")
    migrate(engine)
    seats = []
    for member in team:
        person = add_developer(engine, member.name, actor="soak")
        key, text = create_key(engine, person.id, "soak", actor="soak")
        if member.shared:
            set_limits(engine, member.limits, developer_id=person.id, actor="soak")
        elif member.limits != NO_LIMITS:
            set_limits(engine, member.limits, api_key_id=key.id, actor="soak")
        seats.append(Seat(member, person.id, text))
    engine.dispose()
    return seats
