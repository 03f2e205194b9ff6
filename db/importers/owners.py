"""Whose usage it is: from the label that a source has for a person to a developer here."""

import re
from functools import lru_cache

from sqlalchemy import Engine

from db import people
from db.errors import InvalidInput

# How Claude Code names the keys that it makes in Anthropic's Console.
_MADE_BY_CLAUDE_CODE = re.compile(r"claude_code_key_(.+)_[^_]+")


class Owners:
    """Finds a developer by name or e-mail address. `developer` names whose the records without a
    label are; InvalidInput where there is nobody of that name."""

    def __init__(self, engine: Engine, developer: str | None) -> None:
        everybody = people.list_developers(engine, archived=True)
        self._by_name = {_plain(person.name): person.id for person in everybody}
        self._default: int | None = None
        self._found = lru_cache(maxsize=4096)(self._find)
        if developer is not None:
            found = people.find_developer(engine, developer)
            if found is None:
                raise InvalidInput(
                    "developer",
                    f"There is no developer named {developer}; add them first"
                    " (python -m db developer add).",
                )
            self._default = found.id

    def of(self, label: str | None) -> int | None:
        """The developer's id; None where nobody fits, and the label alone says who it is."""
        return self._default if label is None else self._found(label)

    def _find(self, label: str) -> int | None:
        names = [label]
        if made := _MADE_BY_CLAUDE_CODE.fullmatch(label):
            names.append(made.group(1))
        names += [name.partition("@")[0] for name in names if "@" in name]
        found = (self._by_name.get(_plain(name)) for name in names)
        return next((one for one in found if one is not None), None)


def _plain(name: str) -> str:
    """`Ada.Lovelace`, `ada_lovelace` and `Ada Lovelace` are one name."""
    return " ".join(re.split(r"[\s._-]+", name.strip().casefold())).strip()
