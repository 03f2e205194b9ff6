"""Whose usage it is: from the label that a source has for a person to a developer here."""

import re
from functools import lru_cache

from sqlalchemy import Engine

from db import people
from db.erase import pseudonym
from db.errors import InvalidInput
from db.marks import erased_marks, mark, plain

# How Claude Code names the keys that it makes in Anthropic's Console.
_MADE_BY_CLAUDE_CODE = re.compile(r"claude_code_key_(.+)_[^_]+")


class Owners:
    """Finds a developer by name or e-mail address. `developer` names whose the records without a
    label are; InvalidInput where there is nobody of that name. Somebody whose name was erased is
    known by its mark, and stays without a name."""

    def __init__(self, engine: Engine, developer: str | None) -> None:
        everybody = people.list_developers(engine, archived=True)
        self._by_name = {plain(person.name): person.id for person in everybody}
        self._erased = erased_marks(engine)
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
        return self._default if label is None else self._found(label)[0]

    def is_erased(self, label: str | None) -> bool:
        """Whether it is the name of somebody whose name was erased."""
        return label is not None and self._found(label)[1]

    def kept_label(self, label: str | None) -> str | None:
        """The label as the ledger may keep it."""
        if label is None or not self.is_erased(label):
            return label
        developer = self.of(label)
        assert developer is not None
        return pseudonym(developer)

    def _find(self, label: str) -> tuple[int | None, bool]:
        """The developer's id, and whether only the mark of an erased name says so."""
        names = [label]
        if made := _MADE_BY_CLAUDE_CODE.fullmatch(label):
            names.append(made.group(1))
        names += [name.partition("@")[0] for name in names if "@" in name]
        for name in names:
            if (found := self._by_name.get(plain(name))) is not None:
                return found, False
            if self._erased and (erased := self._erased.get(mark(name))) is not None:
                return erased, True
        return None, False
