"""The server as a process: initialise, start, stop, and read what it left in its log."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from churn.embedded.accounts import current, run_as
from churn.embedded.binaries import POSTGRES_MAJOR
from churn.embedded.folders import make_private, write_settings
from churn.embedded.layout import Layout
from churn.errors import WarehouseError

ACCEPTING = 0
_NOT_THERE = 2
_START_WAIT_S = 300
_STOP_WAIT_S = 120
_ORPHANS_WAIT_S = 20.0
_LOG_KEPT_S = 6 * 86400.0
_TAIL_LINES = 12
_HARMLESS = (" LOG:  ", " HINT:  ")


def ensure_data(layout: Layout) -> None:
    """Initialise the data directory, in one step as others see it, or check the one that is there.

    Raises
    ------
    WarehouseError
        If `initdb` fails, or the data were made by another major version of Postgres.
    """
    marker = layout.data_dir / "PG_VERSION"
    if marker.exists():
        major = marker.read_text().strip()
        if major != str(POSTGRES_MAJOR):
            message = f"{layout.data_dir} was made by Postgres {major}; the installed one is {POSTGRES_MAJOR}."
            hint = "Dump it with the release that made it (`pg_dumpall`), move it away, start again and restore."
            raise WarehouseError(message, hint)
        return
    partial = layout.place / "data.partial"
    shutil.rmtree(partial, ignore_errors=True)
    make_private(partial, layout.account)
    try:
        _initdb(layout, partial)
        partial.rename(layout.data_dir)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _initdb(layout: Layout, folder: Path) -> None:
    """Run `initdb`: UTF-8 and C.UTF-8 sort by code point, the same on every machine."""
    done = run_as(
        layout.account,
        [
            *(layout.binaries.program("initdb"), "-D", folder, "--username=postgres", "--encoding=UTF8"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
            *("--auth=reject", "--no-instructions"),
        ],
    )
    if done.returncode != 0:
        raise _failed(layout, "could not be initialised", (done.stdout + done.stderr).splitlines())


def ensure_running(layout: Layout) -> None:
    """Start the server unless it runs; wait for one that is on its way up or down, or slow to answer.

    Raises
    ------
    WarehouseError
        If it does not start; the message ends with the last lines of its log.
    """
    give_up = time.monotonic() + _START_WAIT_S
    while (answer := readiness(layout)) != ACCEPTING:
        if answer == _NOT_THERE and postmaster_pid(layout) is None:
            return _start(layout)
        if answer == _NOT_THERE and not _socket(layout).exists():
            stop(layout)
        elif time.monotonic() > give_up:
            raise _failed(layout, f"gives no answer after {_START_WAIT_S} seconds", _log_tail(layout))
        else:
            time.sleep(0.1)
    return None


def readiness(layout: Layout) -> int:
    """Exit status of `pg_isready`: 0 accepting, 1 starting or stopping, 2 no answer."""
    where = ["-h", str(layout.socket_dir), "-p", str(layout.port), "-U", "postgres", "-d", "postgres"]
    return run_as(current(), [layout.binaries.program("pg_isready"), *where, "-t", "5", "-q"]).returncode


def _socket(layout: Layout) -> Path:
    return layout.socket_dir / f".s.PGSQL.{layout.port}"


def _start(layout: Layout) -> None:
    """Start a server that is known not to run.

    The lock files that a crash left go first: their process number may belong to another process by now, and
    Postgres would then refuse to start. After SIGKILL, children of the old server may hold its shared memory
    for a moment.
    """
    name = _socket(layout)
    for left in (layout.data_dir / "postmaster.pid", name, name.with_name(f"{name.name}.lock")):
        left.unlink(missing_ok=True)
    write_settings(layout)
    _remove_old_logs(layout)
    give_up = time.monotonic() + _ORPHANS_WAIT_S
    while not _pg_ctl_start(layout):
        tail = _log_tail(layout)
        held = any("shared memory block" in line for line in tail)
        if not held or time.monotonic() > give_up:
            raise _failed(layout, "did not start", tail)
        time.sleep(0.2)


def _pg_ctl_start(layout: Layout) -> bool:
    startup_log = layout.log_dir / "startup.log"
    startup_log.unlink(missing_ok=True)
    done = run_as(
        layout.account,
        [
            *(layout.binaries.program("pg_ctl"), "start", "-w", "-s", "-t", str(_START_WAIT_S)),
            *("-D", layout.data_dir, "-l", startup_log),
            *("-o", f"-c config_file={_shell_quoted(layout.conf_dir / 'postgresql.conf')}"),
        ],
        timeout_s=_START_WAIT_S + 30.0,
    )
    return done.returncode == 0


def _shell_quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "'\\''") + "'"


def stop(layout: Layout) -> bool:
    """Stop the server, ending its sessions; False if it was not running.

    Raises
    ------
    WarehouseError
        If it does not stop.
    """
    if postmaster_pid(layout) is None:
        return False
    command = [layout.binaries.program("pg_ctl"), "stop", "-w", "-s", "-m", "fast", "-t", str(_STOP_WAIT_S)]
    done = run_as(layout.account, [*command, "-D", str(layout.data_dir)])
    if done.returncode != 0 and postmaster_pid(layout) is not None:
        raise _failed(layout, "did not stop", [done.stderr.strip(), *_log_tail(layout)])
    return True


def postmaster_pid(layout: Layout) -> int | None:
    """Process id of this data directory's running server; None if the number in its file is another's."""
    try:
        pid = int((layout.data_dir / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
    return pid if _serves(pid, layout.data_dir) else None


def _serves(pid: int, data_dir: Path) -> bool:
    """Whether a process is the server of a data directory: Postgres makes that its working directory."""
    if Path("/proc/self/cwd").exists():
        try:
            return os.readlink(f"/proc/{pid}/cwd") == str(data_dir.resolve())
        except OSError:
            return False
    return str(data_dir) in run_as(current(), ["ps", "-p", str(pid), "-o", "command="]).stdout


def _remove_old_logs(layout: Layout) -> None:
    """Files are overwritten a week later only while the server runs; see to it at a start too."""
    now = (layout.conf_dir / "postgresql.conf").stat().st_mtime
    oldest = now - _LOG_KEPT_S
    for path in layout.log_dir.glob("postgresql-*.log"):
        if path.lstat().st_mtime < oldest:
            path.unlink(missing_ok=True)


def _log_tail(layout: Layout) -> list[str]:
    """Lines of the start's own log if it tells of a failure, else those of the newest log file."""
    early = _lines(layout.log_dir / "startup.log")
    if any(line and not any(mark in line for mark in _HARMLESS) for line in early):
        return early
    logs = sorted(layout.log_dir.glob("postgresql-*.log"), key=lambda path: path.lstat().st_mtime)
    return _lines(logs[-1]) if logs else early


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []


def _failed(layout: Layout, what: str, lines: list[str]) -> WarehouseError:
    shown = "\n  ".join(line for line in lines[-_TAIL_LINES:] if line.strip())
    message = f"The embedded Postgres of {layout.home} {what}. Its last words:\n  {shown}\n"
    return WarehouseError(message, f"See {layout.log_dir}, or set `warehouse.url` to a Postgres of your own.")
