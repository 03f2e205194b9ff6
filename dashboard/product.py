"""Everything that one process serves: pages, gateway and live events, and their start and stop."""

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

import streamlit as st
from sqlalchemy import Engine
from starlette.middleware import Middleware
from starlette.routing import Route

from dashboard import access
from dashboard.alerts.watch import Watch
from dashboard.door.lockout import LockOut
from dashboard.door.oidc import Organisation, streamlit_secrets
from dashboard.door.password import OwnPassword
from dashboard.door.setup import SetUp
from dashboard.door.signin import SignIn
from dashboard.engine_page.now import EngineView
from dashboard.engine_page.payload import live_payload as engine_payload
from dashboard.engine_page.routes import engine_routes
from dashboard.gate import Gate
from dashboard.ledgers import engine_of
from dashboard.live.hub import Hub
from dashboard.live.routes import live_routes
from dashboard.overview import View
from dashboard.overview_words import live_payload
from dashboard.reports.routes import Downloads
from dashboard.terminal import tell
from dashboard.viewer import NotAllowed
from db.accounts import has_admin
from db.errors import LedgerUnavailable
from db.settings import Settings
from engine.api import current
from engine.api.app import create_app
from engine.api.events import EnergyMeasured, EngineState, RequestFinished, RequestStarted
from engine.api.front import GatewayFront
from engine.api.service import Service


class Product:
    """The parts that `st.App` is made of."""

    def __init__(self, settings: Settings) -> None:
        self.service = Service(settings)
        self.hub: Hub[View] = Hub(lambda view: live_payload(engine_of(view.ledger), view))
        self.engine_hub: Hub[EngineView] = Hub(engine_payload)
        self.downloads = Downloads()
        self.secrets = streamlit_secrets(settings)
        organisation = Organisation(_own_database, settings.oidc_name) if self.secrets else None
        self.alerts = Watch(self.service)
        lock_out = LockOut()
        self.set_up = SetUp(_own_database, lock_out)
        self._door_routes = [
            *SignIn(_own_database, lock_out, organisation).routes(),
            *self.set_up.routes(),
            *OwnPassword(_own_database, lock_out).routes(),
            *(organisation.routes() if organisation else ()),
        ]

    def routes(self) -> list[Route]:
        return [
            *live_routes(self.hub),
            *engine_routes(self.engine_hub),
            *self.downloads.routes(),
            *self._door_routes,
        ]

    def middleware(self) -> list[Middleware]:
        return [
            Middleware(GatewayFront, gateway=create_app(self.service)),
            Middleware(Gate, database=_own_database),
        ]

    @asynccontextmanager
    async def lifespan(self, _app: st.App) -> AsyncIterator[None]:
        _chain_signals(
            self.hub.close, self.engine_hub.close, self.downloads.close, self.service.begin_stop
        )
        try:
            await self.service.start()
        except LedgerUnavailable as error:
            _give_up(str(error))
        current.set_current(self.service)
        if access.sign_in_needed() and not has_admin(_own_database()):
            self.set_up.tell()
        watcher = asyncio.create_task(self._announce_changes())
        self.alerts.start()
        # The program itself is not looked through for garbage again: that took 0.1 s each time.
        gc.freeze()
        try:
            yield
        finally:
            self.hub.close()
            self.engine_hub.close()
            watcher.cancel()
            with suppress(asyncio.CancelledError):
                await watcher
            await asyncio.to_thread(self.alerts.stop)
            await self.service.stop()
            current.set_current(None)

    async def _announce_changes(self) -> None:
        """Requests move the live figures at once; energy alone can wait for the next round."""
        async for event in self.service.subscribe():
            if not isinstance(event, EnergyMeasured):
                self.engine_hub.announce()
            if isinstance(event, RequestStarted | RequestFinished):
                self.hub.announce()
            elif isinstance(event, EngineState):
                tell(event)


def _own_database() -> Engine:
    return engine_of("own")


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
    elif isinstance(error, NotAllowed):
        st.error(error.message)
    else:
        st.error("This page could not be drawn. The server's log says why; try to reload it.")
    return True
