"""What an importer makes of a line or row, and what it refuses."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from db.ids import now_ms
from db.schema import ImportBasis
from db.spans import DAY_MS

LONGEST_LABEL = 200
MOST_TOKENS = 10**13  # of one row: a vendor's whole day
MOST_MONEY = 100_000  # of one row; up to here SQLite adds 10 decimals exactly (db.imported)
MONEY_DIGITS = 10
KEY_LENGTH = 32
EARLIEST_MS = 1_577_836_800_000  # 2020-01-01: before that nobody had such usage
CREDIT = "a credit or refund: it reduces the cost"
_PLACES = 3


class Unusable(ValueError):  # noqa: N818 (a state of a line, as people read it)
    """This line or row cannot be counted. The message is a reason that many lines may share."""


@dataclass(slots=True)
class Usage:
    """A request, or a row of an export (`ends_at`), in tokens and money.

    `key` identifies it within its source, together with `request` where the source has a second id
    for it; "" where this time it is not told, so that it may be that of any request of its key.
    The three parts of the input do not overlap; None is what the source does not tell. `cost` is
    in 10⁻¹⁰ of `currency`, so that it adds up exactly; a credit's is negative.
    `figures` and `dimensions` say of an export's row what it tells, and of what.
    """

    key: tuple[str, ...]
    at: int
    basis: ImportBasis
    request: str | None = None
    ends_at: int | None = None
    person: str | None = None
    model: str | None = None
    requests: int | None = None
    fresh_input_tokens: int | None = None
    cached_input_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    cost: int | None = None
    currency: str | None = None
    figures: str = "usage"
    dimensions: tuple[str, ...] = ()
    cells: str = ""  # an export's whole row: two that differ in anything add up


@dataclass(slots=True)
class Tally:
    """How often, and where first: `name.jsonl:12`."""

    count: int = 0
    places: list[str] = field(default_factory=list)

    def add(self, place: str) -> None:
        self.count += 1
        if len(self.places) < _PLACES:
            self.places.append(place)


class Notes:
    """What was skipped, and what was counted but is remarkable, by reason."""

    def __init__(self) -> None:
        self.skipped: dict[str, Tally] = {}
        self.remarks: dict[str, Tally] = {}
        self.file = ""

    def skip(self, reason: str, line: int | None = None) -> None:
        self.skipped.setdefault(reason, Tally()).add(self._place(line))

    def remark(self, reason: str, line: int | None = None) -> None:
        self.remarks.setdefault(reason, Tally()).add(self._place(line))

    def _place(self, line: int | None) -> str:
        return self.file if line is None else f"{self.file}:{line}"


def digest(parts: Iterable[str]) -> str:
    """128 bits of SHA-256: no two records of a team share them by chance."""
    joined = "\x1f".join(parts)
    return hashlib.sha256(joined.encode("utf-8", "replace")).hexdigest()[:KEY_LENGTH]


def cells(row: Mapping[str, Any]) -> str:
    """All of an export's row in one text, without what a value might nest in depth."""
    flat = [(name, value) for name, value in row.items() if not isinstance(value, dict | list)]
    for name, inner in row.items():
        if isinstance(inner, dict):
            flat += [
                (f"{name}.{part}", value)
                for part, value in inner.items()
                if not isinstance(value, dict | list)
            ]
    return repr(sorted((name, str(value)) for name, value in flat))


def whole(value: Any, name: str) -> int | None:
    """A count, also as an export writes it (`59200.0`); None where there is none."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise Unusable(f"{name} is not a number")
    number = _decimal(value, name)
    if not 0 <= number <= MOST_TOKENS:
        raise Unusable(f"{name} is negative or absurdly large")
    if number != int(number):
        raise Unusable(f"{name} is not a whole number")
    return int(number)


def money(value: Any, name: str = "the cost", *, signed: bool = False) -> int | None:
    """An amount in 10⁻¹⁰ of its currency; None where there is none. With `signed` it may be a
    credit, which is negative."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise Unusable(f"{name} is not a number")
    amount = _decimal(value, name)
    if signed and abs(amount) > MOST_MONEY:
        raise Unusable(f"{name} is more than {MOST_MONEY:,}")
    if not signed and not 0 <= amount <= MOST_MONEY:
        raise Unusable(f"{name} is negative or more than {MOST_MONEY:,}")
    return int((amount * 10**MONEY_DIGITS).to_integral_value())


def with_credit(usage: Usage, notes: Notes, line: int) -> Usage:
    """A bucket's credits are a record apart from its charges, so that each of them only grows from
    one export to the next."""
    if usage.cost is not None and usage.cost < 0:
        usage.key += ("credit",)
        notes.remark(CREDIT, line)
    return usage


_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")


def _decimal(value: int | str | Decimal, name: str) -> Decimal:
    try:
        text = value.strip() if isinstance(value, str) else value
        if isinstance(text, str) and _THOUSANDS.fullmatch(text):
            text = text.replace(",", "")
        number = Decimal(text)
    except (InvalidOperation, ValueError) as error:
        raise Unusable(f"{name} is not a number") from error
    if not number.is_finite():
        raise Unusable(f"{name} is not a number")
    return number


def moment(value: Any, *, zoneless_is_utc: bool = False) -> int:
    """ISO 8601 as UTC epoch milliseconds. A time without a zone is refused, unless its source is
    known to write UTC."""
    if not isinstance(value, str):
        raise Unusable("there is no time")
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError as error:
        raise Unusable("the time cannot be read") from error
    if found.tzinfo is None:
        if not zoneless_is_utc:
            raise Unusable("the time has no zone")
        found = found.replace(tzinfo=UTC)
    try:
        return plausible(round(found.timestamp() * 1000))
    except (OverflowError, ValueError) as error:
        raise Unusable("the time cannot be right") from error


def seconds(value: Any) -> int:
    """Unix seconds as UTC epoch milliseconds."""
    number = whole(value, "the time")
    if number is None:
        raise Unusable("there is no time")
    return plausible(number * 1000)


def plausible(at: int) -> int:
    if not EARLIEST_MS <= at <= now_ms() + 2 * DAY_MS:
        raise Unusable("the time is before 2020 or in the future")
    return at


def label(value: Any) -> str | None:
    """A name from a file: printable, of a bounded length; None for an empty one. It stays foreign:
    who shows it has to escape it."""
    if not isinstance(value, str):
        return None
    printable = "".join(letter if letter.isprintable() else " " for letter in value[:1000])
    return " ".join(printable.split())[:LONGEST_LABEL] or None
