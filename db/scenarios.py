"""Scenarios that somebody saved in the planner. Their content is the cost model's to understand."""

from dataclasses import dataclass

from sqlalchemy import Engine, Select, Table, delete, select

from db.audit import note
from db.connect import reading, writing
from db.errors import InvalidInput
from db.ids import now_ms
from db.schema import SavedScenario
from db.upsert import upsert

LONGEST_NAME = 80
LARGEST = 200_000  # characters of JSON; one has a few thousand

_scenarios: Table = SavedScenario.__table__  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Saved:
    """`content` is JSON; `saved_at` in UTC epoch ms."""

    name: str
    content: str
    saved_at: int
    saved_by: str


def list_scenarios(engine: Engine) -> list[Saved]:
    """All of them, by name."""
    with reading(engine) as connection:
        s = _scenarios.c
        rows = connection.execute(
            select(s.name, s.content, s.saved_at, s.saved_by).order_by(s.name)
        )
        return [Saved(*row) for row in rows]


def save(engine: Engine, name: str, content: str, *, actor: str) -> None:
    """Keep it under this name; one that has the name already is replaced, and the audit keeps what
    it was. InvalidInput for a name that is empty or too long."""
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME:
        raise InvalidInput("name", f"A scenario's name has 1 to {LONGEST_NAME} characters.")
    if len(content) > LARGEST:
        raise InvalidInput("content", "The scenario is too large to be saved.")
    row = {"name": name, "content": content, "saved_at": now_ms(), "saved_by": actor}
    with writing(engine) as connection:
        before = connection.execute(_content(name)).scalar()
        upsert(
            connection,
            _scenarios,
            [row],
            key=("name",),
            replaced=("content", "saved_at", "saved_by"),
        )
        note(connection, actor, "scenario saved", name=name, was=before, now=content)


def remove(engine: Engine, name: str, *, actor: str) -> None:
    """Delete it; what it was stays in the audit. InvalidInput where there is none."""
    with writing(engine) as connection:
        before = connection.execute(_content(name)).scalar()
        if before is None:
            raise InvalidInput("name", f"There is no scenario named {name}.")
        connection.execute(delete(_scenarios).where(_scenarios.c.name == name))
        note(connection, actor, "scenario removed", name=name, was=before, now=None)


def _content(name: str) -> Select[str]:
    return select(SavedScenario.content).where(SavedScenario.name == name)
