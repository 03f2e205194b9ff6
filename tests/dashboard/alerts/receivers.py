"""What alerts are sent to: a real web server that takes webhooks, and a real mail server."""

import asyncio
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.product import free_port


class Webhook:
    """Answers with `status`, and a redirect to `elsewhere` where that is set. `body` is said to
    be compressed, and is not. Until `goes_on` is set its answer comes in drops."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, Any]]] = []
        self.status = 200
        self.elsewhere: str | None = None
        self.body = b""
        self.goes_on: threading.Event | None = None
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.received.append((self.path, json.loads(body)))
                while hook.goes_on is not None and not hook.goes_on.wait(0.1):
                    try:  # an answer of its own, before the real one
                        self.wfile.write(b"HTTP/1.1 102 Processing\r\n\r\n")
                    except OSError:
                        return
                self.send_response(hook.status)
                if hook.elsewhere:
                    self.send_header("Location", hook.elsewhere)
                if hook.body:
                    self.send_header("Content-Encoding", "gzip")
                self.send_header("Content-Length", str(len(hook.body)))
                self.end_headers()
                self.wfile.write(hook.body)

            do_GET = do_POST  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/services/s3cretpath"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def texts(self) -> list[str]:
        return [str(body["text"]) for _, body in self.received]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def webhook() -> Iterator[Webhook]:
    made = Webhook()
    yield made
    made.stop()


class Mailbox:
    """What a mail server took. `refuses`: an address that it does not know."""

    def __init__(self) -> None:
        self.port = free_port()
        self.mails: list[tuple[list[str], Message]] = []
        self.refuses: str | None = None
        self.encrypted: list[bool] = []
        self.farewell = "221 Bye"
        self.waits_s = 0.0

    async def handle_QUIT(  # noqa: N802
        self, _server: SMTP, _session: Session, _envelope: Envelope
    ) -> str:
        return self.farewell

    async def handle_RCPT(  # noqa: N802
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        await asyncio.sleep(self.waits_s)
        if address == self.refuses:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        self.mails.append(
            ([str(one) for one in envelope.rcpt_tos],
             message_from_bytes(envelope.content, policy=default))
        )  # fmt: skip
        self.encrypted.append(session.ssl is not None)
        return "250 OK"


def _login(_server: SMTP, _session: Session, _envelope: Envelope, _way: str, data: Any) -> Any:
    good = isinstance(data, LoginPassword) and data == LoginPassword(b"ops", b"s3cret")
    return AuthResult(success=good, handled=False)


@contextmanager
def mail_server(certificate: Path | None = None) -> Iterator[Mailbox]:
    """Without a certificate it speaks plainly to anybody; with one it wants STARTTLS and a log-in
    as `ops` with the password `s3cret`."""
    box = Mailbox()
    options: dict[str, Any] = {}
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        options = {
            "tls_context": context, "require_starttls": True, "authenticator": _login,
            "auth_required": True,
        }  # fmt: skip
    controller = Controller(box, hostname="127.0.0.1", port=box.port, **options)
    controller.start()
    yield box
    controller.stop()


def make_certificate(folder: Path) -> Path:
    """For 127.0.0.1, signed by itself, with its key in the same file."""
    path = folder / "server.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-keyout", str(folder / "key.pem"), "-out", str(path), "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + (folder / "key.pem").read_text())
    return path
