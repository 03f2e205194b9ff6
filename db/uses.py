"""Which requests a reader asks for, beside the range: of one team, model and engine, or of any."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement


@dataclass(frozen=True, slots=True)
class Uses:
    """None: of any. `team_id` is that of the developer when asking, 0 for none."""

    team_id: int | None = None
    model: str | None = None
    engine: str | None = None

    def conditions(self, columns: Mapping[str, ColumnElement[Any]]) -> list[ColumnElement[bool]]:
        """The same as conditions on these columns, by name."""
        asked = {"team_id": self.team_id, "model": self.model, "engine": self.engine}
        return [columns[name] == value for name, value in asked.items() if value is not None]


EVERY_USE = Uses()
