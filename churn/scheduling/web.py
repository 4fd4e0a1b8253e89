"""The scheduler's one open port: `/healthz` and `/metrics`, for monitoring."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from churn.errors import ConfigError
from churn.ledger import Clock
from churn.scheduling.board import Board
from churn.scheduling.metrics import registry_of

_SLOWEST_READER_SECONDS = 10


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: str, port: int, board: Board, clock: Clock) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.board, self.clock, self.registry = board, clock, registry_of(board, clock)
        super().__init__((address, port), _Handler)

    def server_bind(self) -> None:
        """Bind without asking DNS for our name, as the library would."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a reader that went away in mid-answer; all else is a defect, and shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "churn"
    sys_version = ""
    timeout = _SLOWEST_READER_SECONDS

    def do_GET(self) -> None:
        """Answer by the path."""
        path = self.path.partition("?")[0]
        if path == "/healthz":
            health = self.server.board.health(self.server.clock())
            self._answer(200 if health["healthy"] else 503, "application/json", json.dumps(health).encode())
        elif path == "/metrics":
            self._answer(200, CONTENT_TYPE_LATEST, generate_latest(self.server.registry))
        else:
            self._answer(404, "text/plain", b"There are /healthz and /metrics.\n")

    def do_HEAD(self) -> None:
        """Answer without a body."""
        self.do_GET()

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing: monitoring asks all day."""


@contextmanager
def serving(board: Board, clock: Clock) -> Iterator[tuple[str, int] | None]:
    """Answer on `schedule.port` while the block runs; give address and port, or None where there is no port to open.

    Raises
    ------
    ConfigError
        The port can't be opened.
    """
    schedule = board.settings.schedule
    if schedule.port is None:
        yield None
        return
    server = _opened(schedule.address, schedule.port, board, clock)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, name="web", daemon=True)
    thread.start()
    try:
        yield schedule.address, server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _opened(address: str, port: int, board: Board, clock: Clock) -> _Server:
    try:
        return _Server(address, port, board, clock)
    except OSError as error:
        raise ConfigError(
            f"Port {port} of {address} can't be opened for /healthz and /metrics: {error.strerror or error}.",
            "Choose another schedule.port or schedule.address; is another scheduler running here?",
        ) from error
