"""Every way a request can be refused, in the shapes that the vendors' clients know.

`ApiError` is what the gateway raises; `CatchErrors` turns it, and anything unforeseen, into
OpenAI's `{"error": {"message", "type", "param", "code"}}`, or on the addresses of Anthropic's API
into its `{"type": "error", "error": {"type", "message"}}`, with the status that clients' retry
logic expects.
"""

import logging
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from db.errors import BudgetExceeded, KeyRevoked, LedgerUnavailable
from engine.api.failures import EngineFailed, GatewayStopped, Unanswerable
from engine.api.incoming import note_refusal
from engine.runtime.client import WorkerCrashed, WorkerUnavailable

log = logging.getLogger(__name__)


class ApiError(Exception):
    """A refusal. `message` is one clear sentence, `param` names the field at fault."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.type = type
        self.code = code
        self.body = {"error": {"message": message, "type": type, "param": param, "code": code}}
        self.headers = dict(headers or {})


_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
LARGEST_HEAD = 64 * 2**10
_MOST_NAMED = 20
_OVERLOADED = 529  # Anthropic's own for what others answer with 503


def anthropic_status(error: ApiError) -> int:
    if error.code == "insufficient_quota":
        return 402
    return _OVERLOADED if error.status == 503 else error.status


def anthropic_body(error: ApiError, request_id: str | None = None) -> dict[str, Any]:
    kind = _ANTHROPIC_TYPES.get(anthropic_status(error), "api_error")
    if error.status in (405, 408, 431):
        kind = "invalid_request_error"
    message = error.body["error"]["message"]
    body = {"type": "error", "error": {"type": kind, "message": message}}
    return body if request_id is None else {**body, "request_id": request_id}


def _response(error: ApiError, path: str) -> Response:
    """In the dialect that the address speaks."""
    if path == "/v1/messages" or path.startswith("/v1/messages/"):
        return JSONResponse(anthropic_body(error), anthropic_status(error), error.headers)
    return JSONResponse(error.body, error.status, error.headers)


def invalid(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    return ApiError(400, message, param=param, code=code)


def bad_key(message: str) -> ApiError:
    return ApiError(
        401, message, code="invalid_api_key", headers={"www-authenticate": 'Bearer realm="api"'}
    )


def unknown_model(wanted: str, served: Sequence[str]) -> ApiError:
    use = " or ".join(repr(name) for name in served[:_MOST_NAMED]) or "another one later"
    return ApiError(
        404,
        f"The model {wanted[:100]!r} is not served here; use {use}.",
        param="model",
        code="model_not_found",
    )


def prompt_too_long(tokens: int, context: int) -> ApiError:
    return invalid(
        # Clients of Anthropic's API read both numbers out of these words.
        f"prompt is too long: {tokens} tokens > {context - 1} maximum. Shorten it: the context of"
        f" this model takes {context} tokens, of which one at least is the answer's.",
        "messages",
        "context_length_exceeded",
    )


def body_too_large(limit: int) -> ApiError:
    return ApiError(
        413,
        f"The request's body is larger than the {limit} bytes accepted here.",
        code="request_too_large",
        headers={"connection": "close"},
    )


def not_allowed(message: str) -> ApiError:
    return ApiError(403, message, type="permission_error", param="model", code="model_not_allowed")


def too_many(message: str, code: str, retry_after_s: int) -> ApiError:
    """A limit that is lifted by waiting."""
    wait_s = max(1, retry_after_s)
    return ApiError(
        429,
        f"{message} Try again in {wait_s} s.",
        type="rate_limit_error",
        code=code,
        headers={"retry-after": str(wait_s)},
    )


def over_budget(error: BudgetExceeded) -> ApiError:
    """Nothing that a client could try again."""
    renews = datetime.combine(date.fromisoformat(error.renews_on), time(), UTC)
    wait_s = max(1, round((renews - datetime.now(UTC)).total_seconds()))
    hint = " A smaller max_tokens takes less." if error.kind == "tokens" else ""
    return ApiError(
        429,
        f"{error}{hint}",
        type="insufficient_quota",
        code="insufficient_quota",
        headers={"retry-after": str(wait_s), "x-should-retry": "false"},
    )


def unavailable(message: str, code: str, retry_after_s: int = 2) -> ApiError:
    """A state that passes: clients wait `retry_after_s` and try again."""
    return ApiError(
        503,
        message,
        type="server_error",
        code=code,
        headers={"retry-after": str(retry_after_s)},
    )


def as_api_error(error: Exception) -> ApiError:
    """The error as clients may see it. What nobody foresaw is logged under an id, which is all
    that the client is told."""
    refusal = _refusal(error)
    note_refusal(refusal.status, refusal.code or refusal.type)
    return refusal


def _refusal(error: Exception) -> ApiError:
    match error:
        case ApiError():
            return error
        case LedgerUnavailable():
            return unavailable(str(error), "ledger_unavailable", retry_after_s=5)
        case KeyRevoked():
            return bad_key(str(error))
        case BudgetExceeded():
            return over_budget(error)
        case WorkerCrashed():
            message = "The engine stopped while it computed this answer and is being restarted."
            return unavailable(f"{message} Try again.", "worker_crashed")
        case WorkerUnavailable():
            return unavailable(str(error), "worker_unavailable")
        case GatewayStopped():
            return unavailable(str(error), "gateway_stopped", retry_after_s=10)
        case Unanswerable():
            return invalid(str(error))
        case EngineFailed():
            return ApiError(500, str(error), type="server_error", code="engine_failed")
    incident = secrets.token_hex(4)
    log.error("Unexpected error %s", incident, exc_info=error)
    return ApiError(
        500,
        f"Something unexpected went wrong here; the log names it {incident}.",
        type="server_error",
        code="internal_error",
    )


async def http_error(request: Request, error: HTTPException) -> Response:
    """Starlette's own refusals (no such address, wrong method) in the vendor's shape."""
    sentences = {
        404: "There is no such address here; the API is at /v1/chat/completions, /v1/responses, "
        "/v1/completions, /v1/messages and /v1/models.",
        405: "This address does not accept this HTTP method.",
    }
    message = sentences.get(error.status_code, str(error.detail))
    code = "not_found" if error.status_code == 404 else None
    refusal = ApiError(error.status_code, message, code=code, headers=error.headers)
    note_refusal(refusal.status, code or refusal.type)
    return _response(refusal, request.url.path)


def require_small_head(scope: Scope) -> None:
    """A 431 where a request's headers are larger than any client's."""
    size = sum(len(name) + len(value) for name, value in scope["headers"])
    if size + len(scope["raw_path"]) + len(scope["query_string"]) > LARGEST_HEAD:
        raise ApiError(
            431,
            f"The request's headers are larger than the {LARGEST_HEAD} bytes accepted here.",
            code="headers_too_large",
            headers={"connection": "close"},
        )


class CatchErrors:
    """ASGI middleware: whatever is raised before the answer starts becomes an error response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def note_start(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            require_small_head(scope)
            await self._app(scope, receive, note_start)
        except Exception as error:
            refusal = as_api_error(error)
            if not started:
                await _response(refusal, scope["path"])(scope, receive, send)
