"""A real TCP relay in front of a PostgreSQL server, which can be cut, and cut within a commit."""

import contextlib
import socket
import threading
from types import TracebackType

from sqlalchemy import make_url

_COMMIT = b"COMMIT\0"


class Relay:
    """`url` is that of a database on the server, by way of the relay."""

    def __init__(self, url: str) -> None:
        given = make_url(url)
        host = given.query.get("host") or given.host or "localhost"
        assert isinstance(host, str)
        self._target: str | tuple[str, int] = (
            f"{host}/.s.PGSQL.{given.port or 5432}"
            if host.startswith("/")
            else (host, given.port or 5432)
        )
        self._open: list[socket.socket] = []
        self._cut = False
        self._cut_at_commit = False
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        port = self._listening.getsockname()[1]
        self.url = given.set(host="127.0.0.1", port=port, query={}).render_as_string(False)

    def __enter__(self) -> "Relay":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cut()
        self._listening.close()

    def cut(self) -> None:
        """End all connections, and those that are made from now on."""
        with self._lock:
            self._cut = True
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def mend(self) -> None:
        self._cut = False

    def cut_at_next_commit(self) -> None:
        """The server is to get it, and its answer to be lost."""
        self._cut_at_commit = True

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            if self._cut:
                client.close()
                continue
            server = self._connect()
            with self._lock:
                self._open += [client, server]
            for pair, is_client in (((client, server), True), ((server, client), False)):
                threading.Thread(target=self._pass, args=(*pair, is_client), daemon=True).start()

    def _connect(self) -> socket.socket:
        if isinstance(self._target, tuple):
            return socket.create_connection(self._target)
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._target)
        return server

    def _pass(self, source: socket.socket, target: socket.socket, from_client: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if from_client and self._cut_at_commit and _COMMIT in data:
                    self._cut_at_commit = False
                    source.shutdown(socket.SHUT_RDWR)
                    target.sendall(data)
                    target.recv(65_536)  # by now it has taken place
                    break
                target.sendall(data)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
