"""Guards what needs no key against DNS rebinding.

A web page of any site can point its own name at 127.0.0.1 and then read what answers there as if
it were its own. Its requests still carry that name as Host. So a connection that reached us over
loopback is trusted without a key only under a loopback name.
"""

import ipaddress

from starlette.datastructures import Headers
from starlette.types import Scope


def is_loopback(host: str) -> bool:
    """Whether a name or address (with or without brackets) means this machine alone."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


def is_foreign_host(scope: Scope) -> bool:
    """Whether a connection over loopback asks for a host that is not this machine."""
    server = scope.get("server")
    if server is None or not is_loopback(str(server[0])):
        return False
    return not is_loopback(_without_port(Headers(scope=scope).get("host", "")))


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]
