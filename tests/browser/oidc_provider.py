"""An OpenID Connect provider: a page to choose who one is, and signed tokens."""

import json
import secrets
import threading
import time
from base64 import b64decode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID = "breakeven"
CLIENT_SECRET = "the client's secret"


class OidcProvider:
    """`people` maps who may be chosen to what the provider says of them. It checks what the client
    sends as a provider does: its secret, and that a code is used once, with its redirect."""

    def __init__(self, people: dict[str, dict[str, Any]]) -> None:
        self.people = people
        self.signed_out = 0
        self._key = RSAKey.generate_key(2048, parameters={"kid": "1", "use": "sig"})
        self._codes: dict[str, dict[str, str]] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider._get(self)

            def do_POST(self) -> None:
                provider._token(self)

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def metadata_url(self) -> str:
        return f"{self.url}/.well-known/openid-configuration"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _get(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/.well-known/openid-configuration":
            _answer(handler, 200, self._metadata())
        elif parts.path == "/jwks":
            _answer(handler, 200, {"keys": [self._key.as_dict(private=False)]})
        elif parts.path == "/authorize":
            links = (
                f'<p><a href="/chosen?{urlencode(asked | {"who": who})}">{who}</a>'
                for who in self.people
            )
            _answer(handler, 200, f"<h1>Who are you?</h1>{''.join(links)}")
        elif parts.path == "/chosen":
            code = secrets.token_hex(8)
            self._codes[code] = asked
            back = urlencode({"code": code, "state": asked["state"]})
            _redirect(handler, f"{asked['redirect_uri']}?{back}")
        elif parts.path == "/end-session":
            self.signed_out += 1
            _redirect(handler, asked["post_logout_redirect_uri"])
        else:
            _answer(handler, 404, {})

    def _metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "end_session_endpoint": f"{self.url}/end-session",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }

    def _token(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        _, _, basic = handler.headers.get("Authorization", "").partition(" ")
        asked = self._codes.pop(form.get("code", ""), None)
        known = b64decode(basic).decode() == f"{CLIENT_ID}:{CLIENT_SECRET}"
        if not known or asked is None or form.get("redirect_uri") != asked["redirect_uri"]:
            _answer(handler, 400, {"error": "invalid_grant"})
            return
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": asked["who"],
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.people[asked["who"]],
        }
        token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self._key)
        _answer(
            handler,
            200,
            {"access_token": "none", "token_type": "Bearer", "expires_in": 300, "id_token": token},
        )


def _answer(handler: BaseHTTPRequestHandler, status: int, body: dict[str, Any] | str) -> None:
    is_page = isinstance(body, str)
    content = (body if isinstance(body, str) else json.dumps(body)).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "text/html" if is_page else "application/json")
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def _redirect(handler: BaseHTTPRequestHandler, to: str) -> None:
    handler.send_response(302)
    handler.send_header("Location", to)
    handler.send_header("Content-Length", "0")
    handler.end_headers()
