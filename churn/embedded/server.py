"""Starts, stops and looks at the embedded server."""

from __future__ import annotations

import os
import shutil
import socket
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from churn.embedded import process
from churn.embedded.files import locked, unusable
from churn.embedded.folders import prepare
from churn.embedded.layout import (
    STATE_FILE,
    Layout,
    at_system_place,
    find,
    read_state,
    write_state,
)
from churn.embedded.psql import run_sql
from churn.errors import ConfigError, TransientError, UsageError, WarehouseError

PASSWORDS_FILE = "pg_passwords.json"


@dataclass(frozen=True)
class EmbeddedServer:
    """A running embedded server.

    Attributes
    ----------
    home : Path
        The `.churn` folder it belongs to.
    data_dir, socket_dir, log_dir : Path
        Where its data, its socket and its log files are.
    port : int
        Port in the socket's name, and the port on 127.0.0.1 when TCP is on.
    tcp_port : int or None
        Port on 127.0.0.1, or None when TCP is off.
    """

    home: Path
    data_dir: Path
    socket_dir: Path
    log_dir: Path
    port: int
    tcp_port: int | None


@dataclass(frozen=True)
class ServerStatus:
    """Whether a home has a server, whether it runs, and as which process (None when it does not)."""

    server: EmbeddedServer | None
    running: bool
    pid: int | None


def start(home: Path, *, tcp_port: int | None = None) -> EmbeddedServer:
    """Make sure that the server of a home folder runs; it goes on after this process ends.

    Parameters
    ----------
    home : Path
        The `.churn` folder; made if it does not exist.
    tcp_port : int, optional
        Listen on this port of 127.0.0.1 too, from now on. By default what was asked for last stays.

    Raises
    ------
    ConfigError
        If the programs are not installed, no account can run them, or the port is taken.
    WarehouseError
        If the server does not start; the message ends with the last lines of its log.
    TransientError
        If a change of port would cut off sessions that are open.
    """
    with locked(home) as resolved:
        if os.geteuid() == 0 and read_state(resolved) is None:
            _set_aside_orphan(resolved)
        layout = prepare(resolved)
        if tcp_port is not None:
            layout = _with_tcp_port(layout, tcp_port)
        process.ensure_data(layout)
        process.ensure_running(layout)
        return _server(layout)


def allow_tcp(home: Path, port: int | None) -> EmbeddedServer:
    """Start the server listening on a port of 127.0.0.1 for programs that can't use the socket; None ends it.

    Over TCP every role needs a password (SCRAM) and the superuser is refused. Raises as `start` does.
    """
    with locked(home) as resolved:
        layout = _with_tcp_port(prepare(resolved), port)
        process.ensure_data(layout)
        process.ensure_running(layout)
        return _server(layout)


def stop(home: Path) -> bool:
    """Stop the server of a home folder, ending open sessions; False if it was not running.

    Raises
    ------
    WarehouseError
        If it does not stop.
    """
    with locked(home) as resolved:
        layout = find(resolved)
        return layout is not None and process.stop(layout)


def destroy(home: Path) -> bool:
    """Stop the server of a home folder and delete its data, passwords and state; False if there was none.

    Raises
    ------
    WarehouseError
        If it does not stop, or a folder can't be deleted.
    """
    with locked(home) as resolved:
        layout = find(resolved)
        if layout is None:
            return False
        process.stop(layout)
        _remove(layout.place)
        if layout.socket_dir.parent != layout.place:
            shutil.rmtree(layout.socket_dir, ignore_errors=True)
        for name in (STATE_FILE, PASSWORDS_FILE):
            (resolved / name).unlink(missing_ok=True)
        return True


def status(home: Path) -> ServerStatus:
    """Look at the server of a home folder without changing anything."""
    layout = find(home)
    if layout is None:
        return ServerStatus(None, running=False, pid=None)
    running = process.readiness(layout) == process.ACCEPTING
    return ServerStatus(_server(layout), running, process.postmaster_pid(layout) if running else None)


def running_layout(home: Path) -> Layout:
    """Layout of a home's server, for those who connect to it.

    Raises
    ------
    WarehouseError
        If this home has no server yet.
    """
    layout = find(home)
    if layout is None:
        raise WarehouseError(f"There is no embedded Postgres under {home} yet.", "Run `churn db start`.")
    return layout


def _server(layout: Layout) -> EmbeddedServer:
    return EmbeddedServer(
        home=layout.home,
        data_dir=layout.data_dir,
        socket_dir=layout.socket_dir,
        log_dir=layout.log_dir,
        port=layout.port,
        tcp_port=layout.tcp_port,
    )


def _with_tcp_port(layout: Layout, port: int | None) -> Layout:
    """Record another port, stopping a running server first: the port can't change under it."""
    if port == layout.tcp_port:
        return layout
    if port is not None:
        _check_port(port)
    if process.readiness(layout) == process.ACCEPTING:
        _refuse_open_sessions(layout)
        process.stop(layout)
    changed = replace(layout, tcp_port=port)
    write_state(changed)
    return changed


def _check_port(port: int) -> None:
    if not 1024 <= port <= 65535:
        raise UsageError(f"{port} is not a usable port.", "Choose one from 1024 to 65535.")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            message = f"Port {port} of this machine is in use by another program."
            raise ConfigError(message, "Choose another port.") from error


def _refuse_open_sessions(layout: Layout) -> None:
    counting = "select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"
    sessions = int(run_sql(layout, "postgres", counting))
    if sessions:
        message = f"Changing the port restarts the embedded Postgres, and {sessions} session(s) are open."
        raise TransientError(message, "Try again when no job or dashboard is using it.")


def _set_aside_orphan(home: Path) -> None:
    """Give a home that was deleted and made again an empty database, as it would have as an ordinary user.

    Root's data are outside the home, so they outlive it: the old server is stopped and its files are renamed,
    replacing what an earlier home left in the same way.
    """
    orphan = at_system_place(home)
    if orphan is None:
        return
    process.stop(orphan)
    removed = orphan.place.with_name(f"{orphan.place.name}.removed")
    _remove(removed)
    orphan.place.rename(removed)


def _remove(folder: Path) -> None:
    try:
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)
    except OSError as error:
        raise unusable(folder, error) from error
