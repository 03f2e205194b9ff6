"""The gateway as an ASGI app. Its service is started and stopped by whoever serves it."""

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from engine.api import health, metrics_page
from engine.api.anthropic import messages
from engine.api.errors import CatchErrors, http_error
from engine.api.observed import Observed
from engine.api.openai import chat, completions, models, responses
from engine.api.service import Service


def create_app(service: Service) -> FastAPI:
    """The addresses of OpenAI's and Anthropic's APIs, `/health` and `/metrics`, over a service."""
    app = FastAPI(
        title="Breakeven",
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        middleware=[Middleware(Observed, observer=service.observer), Middleware(CatchErrors)],
        exception_handlers={HTTPException: http_error},
    )
    app.state.service = service
    for module in (chat, responses, completions, messages, models, health, metrics_page):
        app.include_router(module.router)
    return app
