"""Where a name that is erased may still be found: in text that somebody typed, and in the bytes of
the file that no row uses any more. Those are wiped, as far as can be while others use the file."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import InstrumentedAttribute

from db import vacuum
from db.connect import reading
from db.errors import LedgerInUse
from db.schema import (
    AlertDelivery,
    AlertDestination,
    CostSetting,
    GridIntensity,
    ImportedUsage,
    Team,
)
from db.urls import database_path

# Text that somebody typed, in which a name may stand. It is not changed, but told.
_TYPED: dict[str, InstrumentedAttribute[Any]] = {
    "a team's name": Team.name,
    "a price's note": CostSetting.note,
    "a hardware's name": CostSetting.hardware_name,
    "the source of a carbon figure": GridIntensity.source,
    "a label of imported usage": ImportedUsage.person,
    "the name of an alert's destination": AlertDestination.name,
    "the addresses of an alert's destination": AlertDestination.recipients,
    "how a message of an alert went": AlertDelivery.said,
}


def wipe(engine: Engine, names: set[str]) -> list[str]:
    """Wipe what no row uses; returns in sentences where a name may still be found."""
    return [*_typed(engine, names), *_wipe_unused(engine, names)]


def pattern_of(names: set[str]) -> re.Pattern[str]:
    """Any of the names as whole words, and not as part of a double name."""
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile(r"(?<![\w-])(?:" + "|".join(map(re.escape, longest_first)) + r")(?![\w-])")


def _typed(engine: Engine, names: set[str]) -> Iterator[str]:
    pattern = pattern_of(names)
    with reading(engine) as connection:
        for what, column in _TYPED.items():
            for text in connection.execute(select(column).distinct()).scalars():
                if text and pattern.search(text):
                    yield f"{what} has the name in it: {text}"


def _wipe_unused(engine: Engine, names: set[str]) -> Iterator[str]:
    """Empty the log, and write the file anew where its unused space still holds a name."""
    if engine.dialect.name != "sqlite":
        vacuum.vacuum(engine)
        yield "PostgreSQL's own write-ahead log keeps the name until it is recycled."
        return
    url = engine.url.render_as_string(hide_password=False)
    path = database_path(url)
    if vacuum.empty_log(path):
        yield "somebody is reading, so the write-ahead log keeps the name until they have ended."
    if _holds(path, names):
        try:
            vacuum.vacuum_full(url)
        except LedgerInUse:
            yield (
                "unused space of the file may still hold the name; stop the gateway and run"
                " `python -m db vacuum --full`."
            )


def _holds(path: Path, names: set[str]) -> bool:
    """Whether a name's bytes are anywhere in the file, by chance perhaps where it is short."""
    wanted = [name.encode() for name in names]
    overlap = max(map(len, wanted))
    with path.open("rb") as file:
        tail = b""
        while chunk := file.read(1 << 20):
            if any(name in tail + chunk for name in wanted):
                return True
            tail = chunk[-overlap:]
    return False
