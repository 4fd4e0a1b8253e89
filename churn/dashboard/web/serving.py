"""The server: waitress, one line of log a request, an orderly end."""

from __future__ import annotations

import json
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import Any, TextIO

from waitress import wasyncore  # type: ignore[import-untyped]
from waitress.channel import HTTPChannel  # type: ignore[import-untyped]
from waitress.server import TcpWSGIServer, create_server  # type: ignore[import-untyped]
from waitress.task import ErrorTask  # type: ignore[import-untyped]

from churn.config import Settings
from churn.dashboard.source import Reader
from churn.dashboard.web.access import refuse_open_door
from churn.dashboard.web.app import Log, create_app
from churn.dashboard.web.security import HEADERS
from churn.errors import ConfigError
from churn.ledger import Clock

_MOST_CONNECTIONS = 500
_SECONDS_OF_SILENCE = 60
_MOST_HEADER_BYTES = 32_768
_MOST_BODY_BYTES = 65_536
_LONGEST_GOODBYE = timedelta(seconds=10)
_TURN_SECONDS = 1


class _Refusal(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """What is said of a request that is none: with the headers of every other answer."""

    def execute(self) -> None:
        """Answer."""
        self.response_headers = [*HEADERS.items(), ("Cache-Control", "no-store")]
        super().execute()


class _Channel(HTTPChannel):  # type: ignore[misc]
    error_task_class = _Refusal


def log_to(stream: TextIO, clock: Clock) -> Log:
    """Return a log that writes a JSON object a line."""
    lock = threading.Lock()

    def log(event: dict[str, Any]) -> None:
        line = json.dumps({"time": clock().isoformat(timespec="milliseconds"), **event}, ensure_ascii=False)
        with lock:
            stream.write(line + "\n")
            stream.flush()

    return log


def serve(settings: Settings, clock: Clock, stream: TextIO, ready: Callable[[str], None]) -> None:
    """Serve until the process is told to stop; requests that are being answered then are answered.

    Parameters
    ----------
    settings : Settings
    clock : callable
    stream : text file
        Where the log goes.
    ready : callable
        Is told the address once it can be opened.

    Raises
    ------
    ConfigError
        Everybody could read, or the port can't be opened.
    """
    refuse_open_door(settings)
    dashboard = settings.dashboard
    listener = _listener(dashboard.address, dashboard.port)
    log = log_to(stream, clock)
    reader = Reader(settings)
    try:
        server = _server(create_app(settings, reader, clock, log), listener, dashboard.threads)
        with _told_to_stop(server) as stopping:
            ready(url_of(listener))
            _run(server, stopping, clock)
        log({"event": "stopped"})
    finally:
        listener.close()
        reader.close()


def url_of(listener: socket.socket) -> str:
    """Return the address as a browser takes it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _listener(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"Port {port} of {address} can't be opened: {error.strerror or error}.",
            "Choose another with --port or dashboard.port; is another dashboard running here?",
        ) from None
    return listener


def _server(app: Any, listener: socket.socket, threads: int) -> TcpWSGIServer:
    logging.getLogger("waitress").setLevel(logging.ERROR)
    server = create_server(
        app,
        sockets=[listener],
        threads=threads,
        ident=None,
        clear_untrusted_proxy_headers=False,  # `behind_proxies` believes only whom it may
        connection_limit=_MOST_CONNECTIONS,
        channel_timeout=_SECONDS_OF_SILENCE,
        max_request_header_size=_MOST_HEADER_BYTES,
        max_request_body_size=_MOST_BODY_BYTES,
        log_socket_errors=False,
    )
    server.channel_class = _Channel
    return server


def _run(server: TcpWSGIServer, stopping: threading.Event, clock: Clock) -> None:
    """Answer until told to stop; then take no more, and send what is still being made."""
    while not stopping.is_set():
        _turn(server)
    wasyncore.dispatcher.close(server)
    until = clock() + _LONGEST_GOODBYE
    while _is_busy(server) and clock() < until:
        _turn(server)
    server.task_dispatcher.shutdown()
    wasyncore.close_all(server._map)


def _turn(server: TcpWSGIServer) -> None:
    wasyncore.loop(timeout=_TURN_SECONDS, use_poll=True, map=server._map, count=1)


def _is_busy(server: TcpWSGIServer) -> bool:
    channels = list(server.active_channels.values())
    return any(channel.requests or channel.total_outbufs_len for channel in channels)


@contextmanager
def _told_to_stop(server: TcpWSGIServer) -> Iterator[threading.Event]:
    """Give what is set when the process is told to stop."""
    told = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        told.set()
        server.pull_trigger()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
