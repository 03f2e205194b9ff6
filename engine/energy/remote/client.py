"""Fetches a meter's page: in bounded time, of bounded size, and from that host only."""

import ipaddress
import time
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlencode, urljoin, urlsplit

from engine.energy.meters import MeterError
from engine.energy.remote.config import MeterConfig

if TYPE_CHECKING:
    import httpx

MAX_BYTES = 8 * 2**20
_HOPS = 4  # redirects, and one more request once the server has asked for a password


class Missing(MeterError):  # noqa: N818 (a state)
    """The server has nothing at this path."""


class NoAnswer(MeterError):  # noqa: N818 (a state)
    """Nobody answers there at all, so other paths need not be tried."""


class Client:
    """Every method is for one thread only."""

    def __init__(self, config: MeterConfig, timeout_s: float) -> None:
        import httpx  # takes a while, and most machines have no such meter

        self._config, self._timeout_s = config, timeout_s
        self._host = urlsplit(config.url).hostname or ""
        self._auth: httpx.Auth | None = None
        self._signed = False
        headers = {"Accept": "text/plain, application/json"}
        if config.token:
            headers["Authorization"] = f"Bearer {config.token}"
        self._http = httpx.Client(
            headers=headers,
            verify=config.verify_tls,
            follow_redirects=False,
            trust_env=not _is_loopback(self._host),
        )

    def close(self) -> None:
        self._http.close()

    def get(self, url: str) -> str:
        """The body at this address, or at this path of the configured one. MeterError otherwise."""
        import httpx

        try:
            return self._get(urljoin(self._config.url, url))
        except httpx.TimeoutException:
            raise NoAnswer(
                f"{self._host} did not answer within {self._timeout_s:g} s. "
                "A slow meter needs a longer every_s."
            ) from None
        except httpx.DecodingError:
            raise MeterError(f"{self._host} sends what cannot be decoded.") from None
        except (httpx.LocalProtocolError, UnicodeError):
            # Not its text, which holds the header.
            raise NoAnswer(
                f"{self._host} cannot be asked with this user, password or token."
            ) from None
        except (httpx.RequestError, httpx.InvalidURL) as error:
            hint = " Controllers sign their own: verify_tls = false accepts that."
            advice = hint if "CERTIFICATE" in str(error) else ""
            raise NoAnswer(f"{self._host} cannot be reached: {error}.{advice}") from None

    def _get(self, url: str) -> str:
        deadline = time.monotonic() + self._timeout_s
        for _ in range(_HOPS):
            self._stay(url)
            with self._http.stream(
                "GET", self._with_password(url), auth=self._auth, timeout=self._left(deadline)
            ) as response:
                if response.is_redirect:
                    url = urljoin(url, response.headers["location"])
                elif response.status_code == 401 and self._can_sign_in():
                    self._sign_in(response.headers.get("www-authenticate", ""))
                else:
                    _check_status(response, url)
                    return self._body(response, deadline)
        raise MeterError(f"{self._host} sends in circles from one address to another.")

    def _stay(self, url: str) -> None:
        """The password is for one host, and not for everybody on the way to it."""
        here, there = urlsplit(self._config.url), urlsplit(url)
        same = (there.hostname, _port(there)) == (here.hostname, _port(here))
        upgrade = there.hostname == here.hostname and (_port(here), _port(there)) == (80, 443)
        if not (same or upgrade) or (here.scheme, there.scheme) == ("https", "http"):
            raise MeterError(f"{self._host} sends on to {url}, which is not followed.")

    def _can_sign_in(self) -> bool:
        return self._config.password is not None and not self._signed

    def _sign_in(self, challenge: str) -> None:
        import httpx

        user, password = self._config.user, self._config.password or ""
        self._signed = True
        if challenge.lower().startswith("digest"):  # Shelly, from generation 2
            self._auth = httpx.DigestAuth(user, password)
        elif challenge:
            self._auth = httpx.BasicAuth(user, password)

    def _with_password(self, url: str) -> str:
        """Tasmota takes the password of a command in its query and asks for it without header."""
        if self._signed and self._auth is None and urlsplit(url).path == "/cm":
            login = {"user": self._config.user, "password": self._config.password or ""}
            return f"{url}&{urlencode(login)}"
        return url

    def _body(self, response: "httpx.Response", deadline: float) -> str:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > MAX_BYTES:
                raise MeterError(f"{self._host} sends more than {MAX_BYTES // 2**20} MiB.")
            self._left(deadline)  # one that sends a byte now and then is slow, too
        try:
            return body.decode()
        except UnicodeDecodeError:
            raise MeterError(f"{self._host} sends no text.") from None

    def _left(self, deadline: float) -> float:
        import httpx

        left = deadline - time.monotonic()
        if left <= 0:
            raise httpx.ReadTimeout("too slow")
        return left


def _port(parts: SplitResult) -> int:
    return parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)


def _check_status(response: "httpx.Response", url: str) -> None:
    status, parts = response.status_code, urlsplit(url)
    if status in (401, 403):
        raise MeterError(
            f"{parts.netloc} lets nobody in without the right password or token: name their "
            "environment variables in password_env (and user_env) or token_env."
        )
    if status == 404:
        raise Missing(f"{parts.netloc} has nothing at {parts.path or '/'}.")
    if status != 200:
        raise MeterError(f"{parts.netloc}{parts.path} answers {status} {response.reason_phrase}.")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
