"""The two ledgers that pages can look at: the team's own, and the sample team's."""

from functools import lru_cache

from sqlalchemy import Engine

from db import queries
from db.connect import connect
from db.ids import now_ms
from db.sample import write_sample
from db.urls import database_path
from engine.api import current

LEDGERS = ("own", "sample")
SAMPLE_GROWS_OLD_MS = 24 * 3600 * 1000


def engine_of(ledger: str) -> Engine:
    """The database of a ledger."""
    service = current.get()
    if ledger == "sample":
        return _sample_engine(service.settings.sample_url)
    return service.database


def make_sample() -> None:
    """Have a sample team whose ninety days end today: made where there is none, or an old one."""
    url = current.get().settings.sample_url
    if not _is_recent(url):
        write_sample(url)


def _is_recent(url: str) -> bool:
    if not database_path(url).exists():
        return False
    activity = queries.first_activity(_sample_engine(url))
    return activity is not None and now_ms() - activity.last_ms < SAMPLE_GROWS_OLD_MS


@lru_cache(maxsize=4)
def _sample_engine(url: str) -> Engine:
    return connect(url, read_only=True)
