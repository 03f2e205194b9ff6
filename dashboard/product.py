"""Everything that one process serves: pages, gateway and live events, and their start and stop."""

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import streamlit as st
from sqlalchemy import Engine
from starlette.middleware import Middleware
from starlette.routing import Route

from dashboard import access
from dashboard.gate import Gate
from dashboard.ledgers import engine_of
from dashboard.live.hub import Hub
from dashboard.live.routes import live_routes
from dashboard.overview import View
from dashboard.overview_words import live_payload
from dashboard.reports.routes import Downloads
from dashboard.signin import SignIn
from dashboard.terminal import tell
from db.accounts import has_admin_password, password_fingerprint
from db.connect import connect
from db.errors import LedgerUnavailable
from db.migrate import migrate
from db.settings import Settings
from engine.api import current
from engine.api.app import create_app
from engine.api.events import EngineState, RequestFinished, RequestStarted
from engine.api.front import GatewayFront
from engine.api.service import Service


class Product:
    """The parts that `st.App` is made of. Exits with one line where the pages would stand open to
    a network without a password."""

    def __init__(self, settings: Settings) -> None:
        _require_password(settings)
        self.service = Service(settings)
        self.hub: Hub[View] = Hub(lambda view: live_payload(engine_of(view.ledger), view))
        self.sessions = access.Sessions(
            _signing_secret(settings.home), lambda: password_fingerprint(_own_database())
        )
        access.use(self.sessions)
        self.downloads = Downloads()

    def routes(self) -> list[Route]:
        return [
            *live_routes(self.hub),
            *self.downloads.routes(),
            *SignIn(self.sessions, _own_database).routes(),
        ]

    def middleware(self) -> list[Middleware]:
        return [
            Middleware(GatewayFront, gateway=create_app(self.service)),
            Middleware(Gate, sessions=self.sessions),
        ]

    @asynccontextmanager
    async def lifespan(self, _app: st.App) -> AsyncIterator[None]:
        _chain_signals(self.hub.close, self.downloads.close, self.service.begin_stop)
        try:
            await self.service.start()
        except LedgerUnavailable as error:
            _give_up(str(error))
        current.set_current(self.service)
        watcher = asyncio.create_task(self._announce_changes())
        # The program itself is not looked through for garbage again: that took 0.1 s each time.
        gc.freeze()
        try:
            yield
        finally:
            self.hub.close()
            watcher.cancel()
            with suppress(asyncio.CancelledError):
                await watcher
            await self.service.stop()
            current.set_current(None)

    async def _announce_changes(self) -> None:
        """Requests move the live figures at once; energy alone can wait for the next round."""
        async for event in self.service.subscribe():
            if isinstance(event, RequestStarted | RequestFinished):
                self.hub.announce()
            elif isinstance(event, EngineState):
                tell(event)


def _own_database() -> Engine:
    return engine_of("own")


def _require_password(settings: Settings) -> None:
    """Beyond localhost the pages need a password, so without one the product does not start."""
    if not access.password_needed():
        return
    try:
        engine = connect(settings.ledger_url)
        migrate(engine)
        known = has_admin_password(engine)
        engine.dispose()
    except LedgerUnavailable as error:
        sys.exit(str(error))
    if not known:
        sys.exit(
            "Breakeven is to listen beyond localhost, so it needs an admin password first:\n"
            "    python -m db admin set-password"
        )


def _signing_secret(home: Path) -> str:
    """Streamlit takes what else is raised here for a port that it may not have."""
    try:
        return access.signing_secret(home)
    except OSError as error:
        sys.exit(
            f"The folder {home} cannot be used ({error.strerror}); make it writable, or set"
            " BREAKEVEN_HOME to another one."
        )


def _give_up(message: str) -> NoReturn:
    """Stop with one line: an exception would reach the terminal as the server's stack trace."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()
    os._exit(1)


def _chain_signals(*actions: Callable[[], None]) -> None:
    """On a signal end what would keep the server waiting for ever: open streams of any kind."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)
        if not callable(before):
            continue

        def stop(signal_number: int, frame: FrameType | None, before: Any = before) -> None:
            for action in actions:
                action()
            before(signal_number, frame)

        signal.signal(number, stop)


def explain(error: Exception) -> bool:
    """What a reader sees instead of a stack trace, which is in the server's log."""
    if isinstance(error, LedgerUnavailable):
        st.error(str(error))
    else:
        st.error("This page could not be drawn. The server's log says why; try to reload it.")
    return True
