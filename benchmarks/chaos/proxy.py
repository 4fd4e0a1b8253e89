"""A network that can be cut: a TCP proxy between a job and its database.

>>> with Proxy(Target(Path("/run/postgresql/.s.PGSQL.5432"))) as proxy:
...     url = proxy.url("postgresql+psycopg2://user@/database?host=/run/postgresql")
...     proxy.cut()
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from benchmarks.chaos.between import Between
from benchmarks.chaos.wire import CHUNK, COMMIT, QUERY, READY, Frames, Target, hang_up, read_startup


class Link:
    """One client's connection and the server's that belongs to it."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.is_swallowing = False

    def cut(self) -> None:
        """End both sides."""
        hang_up(self.client, self.server)


class Proxy(Between):
    """Passes everything on between clients and a server, until it is told to disturb.

    Attributes
    ----------
    commits : int
        COMMITs that clients have sent so far.
    bytes_passed : int
        Bytes that the server has sent so far.
    delay_seconds : float
        Pause before each piece of what the server sends is passed on; a piece is at most 64 KiB.
    """

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.target = target
        self.commits = 0
        self.bytes_passed = 0
        self.delay_seconds = 0.0
        self._swallow_at: int | None = None
        self._flowing = threading.Event()
        self._flowing.set()
        self._is_refusing = False
        self._links: set[Link] = set()

    # ------------------------------------------------------------ disturbing

    def cut(self) -> int:
        """Cut every connection both ways; return how many there were."""
        with self._guard:
            links = list(self._links)
        for link in links:
            link.cut()
        return len(links)

    def refuse(self) -> None:
        """Cut every connection, and accept none until `heal`."""
        self._is_refusing = True
        self.cut()

    def stall(self) -> None:
        """Hold back what the server sends, until `heal`; connections stay open."""
        self._flowing.clear()

    def swallow_commit(self, number: int) -> None:
        """Let the server do the COMMIT of that number, counted from now; keep its answer and cut everything."""
        self._swallow_at = self.commits + number

    def heal(self) -> None:
        """Pass everything on again."""
        self._is_refusing = False
        self.delay_seconds = 0.0
        self._swallow_at = None
        self._flowing.set()

    @property
    def has_swallowed(self) -> bool:
        """Whether the COMMIT that was to be swallowed was."""
        return self._swallow_at == 0

    # ------------------------------------------------------------ passing on

    def _end(self) -> None:
        self.heal()
        self.cut()

    def _serve(self, client: socket.socket) -> None:
        """Pass one client's session on; this thread takes what the server says, another what the client says."""
        with client, suppress(OSError):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            packet = read_startup(client)
            if self._is_refusing:
                hang_up(client)
                return
            with self.target.connect() as server:
                server.sendall(packet)
                link = Link(client, server)
                with self._guard:
                    self._links.add(link)
                asking = threading.Thread(target=_pump, args=(link, client, self._asked, link.server), daemon=True)
                asking.start()
                try:
                    _pump(link, server, self._answered, link.client)
                finally:
                    link.cut()
                    with self._guard:
                        self._links.discard(link)
                    asking.join()

    def _asked(self, link: Link, data: bytes, frames: Frames) -> bytes:
        for kind, body in frames.feed(data):
            if kind == QUERY and body == COMMIT:
                self.commits += 1
                link.is_swallowing |= self.commits == self._swallow_at
        return data

    def _answered(self, link: Link, data: bytes, frames: Frames) -> bytes:
        self.bytes_passed += len(data)
        if link.is_swallowing:
            if any(kind == READY for kind, _ in frames.feed(data)):
                self._swallow_at = 0
                self.cut()
            return b""
        if self.delay_seconds:
            time.sleep(self.delay_seconds)
        self._flowing.wait()
        return data


def _pump(
    link: Link, source: socket.socket, passed: Callable[[Link, bytes, Frames], bytes], goal: socket.socket
) -> None:
    """Pass on what comes, as it comes, until a side ends."""
    frames = Frames()
    with suppress(OSError):
        while data := source.recv(CHUNK):
            rest = passed(link, data, frames)
            if rest:
                goal.sendall(rest)
    link.cut()
