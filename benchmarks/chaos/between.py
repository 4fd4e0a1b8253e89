"""Standing between clients and a server: a port of this machine, and a thread for each client that comes."""

from __future__ import annotations

import socket
import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from benchmarks.chaos.wire import hang_up

LOCAL = "127.0.0.1"


class Between(ABC):
    """Listens as long as the block lasts.

    Attributes
    ----------
    port : int
        Port on 127.0.0.1 that it listens on.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._listener = socket.create_server((LOCAL, 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        """Begin to listen."""
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Listen no longer, and end what is open."""
        hang_up(self._listener)
        self._listener.close()
        self._end()

    def url(self, direct: str) -> str:
        """Return the URL of the same database by way of this port."""
        url = sa.make_url(direct).set(host=LOCAL, port=self.port)
        query = {name: value for name, value in url.query.items() if name not in ("host", "port")}
        return url.set(query={**query, "sslmode": "disable"}).render_as_string(hide_password=False)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    @abstractmethod
    def _serve(self, client: socket.socket) -> None:
        """Serve one client until it has gone."""

    @abstractmethod
    def _end(self) -> None:
        """End what is open."""
