"""A transaction pooler, as PgBouncer is in its transaction mode: clients share server sessions.

A client keeps a server's session from the first message of a transaction to its end, and the next transaction may get
another: whatever belongs to a session (advisory locks, SET, temporary tables) is lost or shared. For tests of what
refuses to work that way.

>>> with Pooler(Target(Path("/run/postgresql/.s.PGSQL.5432"))) as pooler:
...     url = pooler.url("postgresql+psycopg2://user@/database?host=/run/postgresql")
"""

from __future__ import annotations

import queue
import select
import socket
import struct
from contextlib import suppress

from benchmarks.chaos.between import Between
from benchmarks.chaos.wire import (
    IDLE,
    READY,
    TERMINATE,
    Target,
    hang_up,
    read_message,
    read_startup,
    startup_packet,
    startup_parameters,
)

_AUTHENTICATION_OK = b"R" + struct.pack("!II", 8, 0)
_KEY = b"K" + struct.pack("!III", 12, 0, 0)
_IDLE_NOW = READY + struct.pack("!I", 5) + IDLE
_SETTING = b"S"
_WAIT_SECONDS = 30.0


class _Session:
    """A session of the server's, opened once and lent to many."""

    def __init__(self, target: Target, user: str, database: str) -> None:
        self.socket = target.connect()
        self.settings = b""
        self.socket.sendall(startup_packet({"user": user, "database": database, "application_name": "pooler"}))
        while not (message := read_message(self.socket)).startswith(READY):
            if message.startswith(b"E"):
                raise ConnectionError("the server refused the pooler")
            if message.startswith(_SETTING):
                self.settings += message


class Pooler(Between):
    """Lends server sessions to clients, a transaction at a time.

    Parameters
    ----------
    target : Target
    sessions : int
        Server sessions for each user and database; with 1, all clients share one.
    """

    def __init__(self, target: Target, sessions: int = 1) -> None:
        super().__init__()
        self.target, self.sessions = target, sessions
        self._pools: dict[tuple[str, str], queue.Queue[_Session | None]] = {}
        self._open: set[socket.socket] = set()

    def _end(self) -> None:
        with self._guard:
            hang_up(*self._open)
            for one in self._open:
                one.close()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError, queue.Empty):
            self._open.add(client)
            parameters = startup_parameters(read_startup(client))
            user = parameters["user"]
            pool = self._pool(user, parameters.get("database", user))
            session = self._borrowed(pool, user, parameters.get("database", user))
            pool.put(session)
            client.sendall(_AUTHENTICATION_OK + session.settings + _KEY + _IDLE_NOW)
            while not (message := read_message(client)).startswith(TERMINATE):
                self._transaction(client, message, pool, parameters)
        self._open.discard(client)

    def _transaction(
        self, client: socket.socket, message: bytes, pool: queue.Queue[_Session | None], parameters: dict[str, str]
    ) -> None:
        """Lend a session until the server says that it is in no transaction; one left in the middle is closed."""
        session = self._borrowed(pool, parameters["user"], parameters.get("database", parameters["user"]))
        kept: _Session | None = None
        try:
            session.socket.sendall(message)
            while kept is None:
                for end in select.select([session.socket, client], [], [])[0]:
                    passed = read_message(end)
                    (client if end is session.socket else session.socket).sendall(passed)
                    if end is session.socket and passed == _IDLE_NOW:
                        kept = session
        finally:
            if kept is None:
                session.socket.close()
            pool.put(kept)

    def _pool(self, user: str, database: str) -> queue.Queue[_Session | None]:
        with self._guard:
            if (user, database) not in self._pools:
                pool: queue.Queue[_Session | None] = queue.Queue()
                for _ in range(self.sessions):
                    pool.put(None)
                self._pools[user, database] = pool
            return self._pools[user, database]

    def _borrowed(self, pool: queue.Queue[_Session | None], user: str, database: str) -> _Session:
        """Return a free session, opened at its first use."""
        session = pool.get(timeout=_WAIT_SECONDS)
        if session is None:
            try:
                session = _Session(self.target, user, database)
            except OSError:
                pool.put(None)
                raise
            self._open.add(session.socket)
        return session
