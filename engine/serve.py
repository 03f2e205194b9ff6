"""`python -m engine serve`: the gateway and its engine on a port of their own."""

import asyncio
import errno
import gc
import logging
import signal
import socket
import sys
from types import FrameType
from typing import NoReturn

import click
import uvicorn
import uvloop
from sqlalchemy.exc import DBAPIError

from db.accounts import has_admin
from db.connect import connect
from db.errors import InvalidInput, LedgerUnavailable
from db.settings import Settings
from db.urls import is_postgresql
from engine.api.app import create_app
from engine.api.current import set_current
from engine.api.events import EngineState
from engine.api.hosts import is_loopback
from engine.api.service import Service

STREAMS_END_WITHIN_S = 2
_BAR_WIDTH = 30


def run(settings: Settings) -> None:
    """Serve until a signal; a problem at the start is told in one line, with exit status 1."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    require_password(settings)
    sockets = listen(settings.host, settings.port)
    try:
        uvloop.run(_serve(settings, sockets))
    except (InvalidInput, LedgerUnavailable) as error:
        _give_up(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def require_password(settings: Settings) -> None:
    """Exit with one line where others than this machine could reach a product without password."""
    if is_loopback(settings.host):
        return
    try:
        engine = connect(settings.ledger_url, read_only=True)
        protected = has_admin(engine)
        engine.dispose()
    except (LedgerUnavailable, DBAPIError) as error:  # no ledger yet, or one without the table
        if isinstance(error, LedgerUnavailable) and is_postgresql(settings.ledger_url):
            _give_up(str(error))
        protected = False
    if not protected:
        _give_up(
            f"Listening on {settings.host} lets other machines in, so it needs an admin's account:"
            " run `python -m db admin set-password` first."
        )


def listen(host: str, port: int) -> list[socket.socket]:
    """Bound sockets for every address of the host; exits with one line where that cannot be."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        _give_up(f"The host {host!r} is no address of this machine ({error.strerror}).")
    sockets: list[socket.socket] = []
    for family, kind, protocol, _, address in dict.fromkeys(found):
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            listening.bind(address)
            sockets.append(listening)
        except OSError as error:
            listening.close()
            if error.errno == errno.EADDRINUSE:
                _give_up(f"Port {port} is taken by another program; choose one with --port.")
            problem = error.strerror
    if not sockets:
        _give_up(f"Nothing can listen on {host} port {port}: {problem}.")
    return sockets


class _Server(uvicorn.Server):
    """Ends the open streams at the signal: uvicorn would wait for them before it stops."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True
        self._service.begin_stop()


async def _serve(settings: Settings, sockets: list[socket.socket]) -> None:
    service = Service(settings)
    await service.start()
    set_current(service)
    config = uvicorn.Config(
        create_app(service),
        lifespan="off",  # the service's life is this function's
        http="h11",  # whose connections are limited
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=STREAMS_END_WITHIN_S,
    )
    telling = asyncio.create_task(_tell(service))
    # The program itself is not looked through for garbage again: that took 0.1 s each time.
    gc.freeze()
    try:
        await _Server(config, service).serve(sockets=sockets)
    finally:
        telling.cancel()
        await service.stop()
        set_current(None)


async def _tell(service: Service) -> None:
    """What a person at the terminal wants to know while it starts."""
    _say(service.state, service.settings)
    async for event in service.subscribe():
        if isinstance(event, EngineState):
            _say(event, service.settings)


def _say(state: EngineState, settings: Settings) -> None:
    if state.name == "fetching" and state.fetched is not None and state.size:
        _show_progress(state.fetched, state.size)
    elif state.name == "ready":
        host = "localhost" if is_loopback(settings.host) else settings.host
        click.echo(f"Breakeven answers at http://{host}:{settings.port}/v1")
        click.echo("A tool needs a key: python -m db key create --developer NAME")
    elif state.name == "failed":
        click.echo(state.message, err=True)
    elif state.message:
        click.echo(state.message)


def _show_progress(fetched: int, size: int) -> None:
    """A bar that redraws itself in a terminal; nothing in a log file until all is there."""
    done = fetched >= size
    if not (sys.stdout.isatty() or done):
        return
    bar = "█" * (_BAR_WIDTH * fetched // max(size, 1))
    megabytes = f"{fetched / 1e6:.0f} of {size / 1e6:.0f} MB"
    click.echo(f"\rWeights {bar:░<{_BAR_WIDTH}} {megabytes}", nl=done)


def _give_up(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(1)
