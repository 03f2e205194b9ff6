"""A whole scenario in an address: what differs from the founding one, compressed, in letters that
an address may hold.

The differences are a list of paths and values, `[["site.pue", "1.3"], …]`. A part of another kind
(a loan for cash) is taken over whole.
"""

import base64
import binascii
import json
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from pydantic import ValidationError

from dashboard.costs.scenario import Scenario, founding

PARAMETER = "plan"
LONGEST = 6_000  # characters: browsers and proxies take addresses of 8,000
LARGEST = 200_000  # characters that a link may unpack to
_VERSION = "1."  # of the founding figures that differences are told from
_KINDS = ("kind", "method")
_DAMAGED = "This link is damaged: a part of it is missing or was changed. Ask for it again."


class BadLinkError(ValueError):
    """What is wrong with a link, in words for whoever opened it."""


def encode(scenario: Scenario) -> str:
    """The parameter's value. BadLinkError where it would be too long for an address."""
    changes = list(_differences(_plain(founding()), _plain(scenario), ""))
    packed = zlib.compress(json.dumps(changes, separators=(",", ":")).encode(), 9)
    text = _VERSION + base64.urlsafe_b64encode(packed).decode().rstrip("=")
    if len(text) > LONGEST:
        raise BadLinkError(
            "This scenario has too much in it for a link. Download it as a file and send that."
        )
    return text


def decode(text: str) -> Scenario:
    """The scenario that a link holds. BadLinkError says why there is none."""
    if len(text) > LONGEST:
        raise BadLinkError("This link is too long to be one of the planner's.")
    if not text.startswith(_VERSION):
        raise BadLinkError("This link was made by another version of the planner. Ask for a file.")
    whole = _plain(founding())
    try:
        for path, value in json.loads(_unpacked(text.removeprefix(_VERSION))):
            _put(whole, path, value)
        return Scenario.model_validate_json(json.dumps(whole))
    except ValidationError as error:
        raise BadLinkError(
            "The scenario of this link cannot be read by this version of the planner. Ask for it "
            "again."
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadLinkError(_DAMAGED) from error


def address(page: str, scenario: Scenario) -> str:
    """The whole link. `page` is the address that the reader sees, of any page of the product."""
    parts = urlsplit(page)
    query = urlencode({PARAMETER: encode(scenario)})
    folder = parts.path.rpartition("/")[0]
    return urlunsplit((parts.scheme, parts.netloc, f"{folder}/planner", query, ""))


def _plain(scenario: Scenario) -> dict[str, Any]:
    return scenario.model_dump(mode="json")


def _differences(before: Any, after: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Those parts of `after` that are not as in `before`."""
    if before == after:
        return
    if not path or _alike(before, after):
        for name in after:
            below = f"{path}.{name}" if path else name
            yield from _differences(before[name], after[name], below)
    else:
        yield path, after


def _alike(before: Any, after: Any) -> bool:
    """Whether both have the same names, and are of one kind."""
    if not isinstance(before, dict) or not isinstance(after, dict) or set(before) != set(after):
        return False
    return all(before.get(kind) == after.get(kind) for kind in _KINDS)


def _put(whole: dict[str, Any], path: str, value: Any) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        whole = whole[parent]
    if name not in whole:
        raise KeyError(path)
    whole[name] = value


def _unpacked(text: str) -> bytes:
    """Never more than `LARGEST`, however small the link."""
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        unpacker = zlib.decompressobj()
        found = unpacker.decompress(packed, LARGEST)
    except (binascii.Error, zlib.error) as error:
        raise BadLinkError(_DAMAGED) from error
    if not unpacker.eof:
        raise BadLinkError(_DAMAGED)
    return found
