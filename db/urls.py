"""Where a ledger is: an SQLite file's URL, or that of a PostgreSQL database."""

from pathlib import Path

from psycopg.pq import Conninfo
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from db.errors import InvalidInput

_OPTIONS = {option.keyword.decode() for option in Conninfo.get_defaults()}
_EXAMPLES = "write sqlite:////path/to/ledger.db or postgresql://user:password@host/database"


def parse(url: str) -> URL:
    """The URL, with the driver that is used for it.

    InvalidInput where it is neither an SQLite file's nor a PostgreSQL database's; the message does
    not repeat it, since it may hold a password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise InvalidInput(
            "database_url", f"The ledger's address is not a database URL; {_EXAMPLES}."
        ) from error
    if parsed.get_backend_name() in ("postgresql", "postgres"):
        if not parsed.database:
            raise InvalidInput("database_url", f"The URL names no database; {_EXAMPLES}.")
        if unknown := sorted(set(parsed.query) - _OPTIONS):
            raise InvalidInput(
                "database_url",
                f"PostgreSQL knows no option {', '.join(unknown)}, which the ledger's URL has; see"
                " Parameter Key Words in the manual of libpq.",
            )
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        raise InvalidInput(
            "database_url",
            f"The ledger is kept in an SQLite file or in PostgreSQL; {_EXAMPLES}.",
        )
    return parsed


def is_postgresql(url: str | URL) -> bool:
    parsed = url if isinstance(url, URL) else parse(url)
    return parsed.get_backend_name() == "postgresql"


def database_path(url: str | URL) -> Path:
    """The file of an SQLite URL; InvalidInput where the URL is not a file's."""
    parsed = url if isinstance(url, URL) else parse(url)
    if parsed.get_backend_name() != "sqlite":
        raise InvalidInput("database_url", "This is not the URL of an SQLite file.")
    return Path(str(parsed.database))


def shown(url: str | URL) -> str:
    """The address as people may read it: a file's path, or a URL without password and options."""
    parsed = url if isinstance(url, URL) else parse(url)
    if parsed.get_backend_name() == "sqlite":
        return str(parsed.database)
    bare = URL.create("postgresql", parsed.username, None, parsed.host, parsed.port,
                      parsed.database)  # fmt: skip
    return bare.render_as_string()
