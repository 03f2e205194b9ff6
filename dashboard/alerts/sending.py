"""Sends one message: to a webhook over HTTP, or by e-mail over SMTP. What goes wrong is said in
words, with what to do, and never with a webhook's address or a password in them."""

import asyncio
import contextlib
import logging
import smtplib
import socket
import ssl
import threading
from typing import Any

import httpx

from dashboard.alerts.messages import Message, mail, slack_payload
from db.alert_destinations import Destination, host_of, require_url
from db.errors import InvalidInput
from db.settings import Settings

logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs each address that it asks

TIMEOUT_S = 10.0
MAIL_WITHIN_S = 60.0  # all of its steps; well within a claim


class Undelivered(Exception):  # noqa: N818
    """Why it did not get there and what to do, in sentences. `for_good`: to try again is no use."""

    def __init__(self, said: str, *, for_good: bool = False) -> None:
        super().__init__(said)
        self.said = said
        self.for_good = for_good


def send(settings: Settings, destination: Destination, message: Message) -> str | None:
    """Returns what is remarkable about it, if anything. Undelivered where it did not get there."""
    if destination.removed_at is not None:
        raise Undelivered("The destination was removed.", for_good=True)
    if destination.kind == "webhook":
        _post(destination.url or "", message)
        return None
    return _mail(settings, destination.recipients, message)


# Webhooks


def _post(url: str, message: Message) -> None:
    try:
        require_url(url)
        host = host_of(url)
        status = asyncio.run(_status_of(url, message))
    except (InvalidInput, httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
        raise Undelivered(
            "The webhook's address cannot be used; remove the destination and add it again.",
            for_good=True,
        ) from error
    except (TimeoutError, httpx.TimeoutException) as error:
        raise Undelivered(f"{host} did not answer within {TIMEOUT_S:g} s.") from error
    except httpx.HTTPError as error:
        raise Undelivered(
            f"{host} cannot be reached from here; check that it is up and that this server may "
            "connect to it."
        ) from error
    if not 200 <= status < 300:
        raise _refused(host, status)


async def _status_of(url: str, message: Message) -> int:
    """In time all in all, not for each part of the answer. Its body is left alone: it may be of
    any length, and say that it is what it is not."""
    async with (
        asyncio.timeout(TIMEOUT_S),
        httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False) as client,
        client.stream("POST", url, json=slack_payload(message)) as answer,
    ):
        return answer.status_code


def _refused(host: str, status: int) -> Undelivered:
    """Without the answer's own words: they may hold the address."""
    if answer_may_change(status):
        return Undelivered(f"{host} cannot take it now (HTTP {status}).")
    if 300 <= status < 400:
        said = "answers with a redirect, which is not followed; add the webhook's own address"
    elif status in (404, 410):
        said = "knows no such webhook (any more); make a new one there and add its address"
    elif status in (401, 403):
        said = "refuses the webhook; make a new one there and add its address"
    else:
        said = "refuses the message; check that it takes Slack's format"
    return Undelivered(f"{host} {said} (HTTP {status}).", for_good=True)


def answer_may_change(status: int) -> bool:
    return status in (408, 425, 429) or status >= 500


# Mail


def _mail(settings: Settings, recipients: tuple[str, ...], message: Message) -> str | None:
    if settings.smtp_host is None:
        raise Undelivered(
            "No mail server is set: start Breakeven with BREAKEVEN_SMTP_HOST and "
            "BREAKEVEN_SMTP_FROM."
        )
    sender = settings.smtp_from or settings.smtp_user
    if sender is None or "@" not in sender:
        raise Undelivered("No sender is set: start Breakeven with BREAKEVEN_SMTP_FROM.")
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        refused = _over_smtp(settings, mail(message, sender, recipients))
    except smtplib.SMTPException as error:
        raise _mail_refused(where, settings, error) from error
    except ssl.SSLError as error:
        raise Undelivered(
            f"{where} cannot be spoken to with BREAKEVEN_SMTP_SECURITY="
            f"{settings.smtp_security}: its certificate does not hold, or it speaks another way."
        ) from error
    except UnicodeError as error:
        raise Undelivered(
            "Mail servers take plain English letters, digits and signs alone: set a "
            "BREAKEVEN_SMTP_PASSWORD, _USER, _HOST and _FROM of these."
        ) from error
    except OSError as error:
        raise Undelivered(
            f"The mail server {where} cannot be reached; check BREAKEVEN_SMTP_HOST and "
            "BREAKEVEN_SMTP_PORT."
        ) from error
    return f"{where} refused {', '.join(refused)}; the others got it." if refused else None


def _over_smtp(settings: Settings, made: Any) -> dict[str, Any]:
    """Returns the recipients who were refused, where others were not."""
    assert settings.smtp_host is not None
    context = ssl.create_default_context()
    address = (settings.smtp_host, settings.smtp_port)
    server: smtplib.SMTP
    if settings.smtp_security == "tls":
        server = smtplib.SMTP_SSL(*address, timeout=TIMEOUT_S, context=context)
    else:
        server = smtplib.SMTP(*address, timeout=TIMEOUT_S)
    in_time = threading.Timer(MAIL_WITHIN_S, _hang_up, (server,))
    in_time.start()
    try:
        if settings.smtp_security == "starttls":
            server.starttls(context=context)
        if settings.smtp_user is not None and settings.smtp_password is not None:
            server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        refused = dict(server.send_message(made))
        with contextlib.suppress(smtplib.SMTPException, OSError):
            server.quit()  # the mail is theirs already, however they part
        return refused
    finally:
        in_time.cancel()
        server.close()


def _hang_up(server: smtplib.SMTP) -> None:
    """Wakes whoever waits for the server, who then finds the connection ended."""
    if server.sock is not None:
        with contextlib.suppress(OSError):
            server.sock.shutdown(socket.SHUT_RDWR)


def _mail_refused(where: str, settings: Settings, error: smtplib.SMTPException) -> Undelivered:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        said = "refuses the user or password; correct BREAKEVEN_SMTP_USER and _PASSWORD"
    elif isinstance(error, smtplib.SMTPRecipientsRefused):
        said = "refuses every recipient; correct the destination's addresses"
        temporary = all(400 <= code < 500 for code, _ in error.recipients.values())
        return Undelivered(f"The mail server {where} {said}.", for_good=not temporary)
    elif isinstance(error, smtplib.SMTPSenderRefused):
        said = "refuses the sender; correct BREAKEVEN_SMTP_FROM"
    elif isinstance(error, smtplib.SMTPNotSupportedError):
        said = (
            "does not offer what is asked of it; correct BREAKEVEN_SMTP_SECURITY "
            f"({settings.smtp_security}) or leave the user out"
        )
    elif isinstance(error, smtplib.SMTPServerDisconnected):
        said = "ended the connection; check BREAKEVEN_SMTP_SECURITY and the port"
    else:
        said = "did not take the mail; look into its log"
    return Undelivered(f"The mail server {where} {said}.")
