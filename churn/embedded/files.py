"""The lock on a home folder, and files that only their owner may read."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from churn.errors import TransientError, WarehouseError

_LOCK_FILE = "pg.lock"
_LOCK_WAIT_S = 330.0


@contextmanager
def locked(home: Path) -> Iterator[Path]:
    """Hold the home folder's lock, making the folder if need be, and give its resolved path.

    Raises
    ------
    WarehouseError
        If the folder can't be made or written.
    TransientError
        If another command holds the lock for minutes.
    """
    home = home.resolve()
    try:
        home.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(home / _LOCK_FILE, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise unusable(home, error) from error
    try:
        _wait_for_lock(descriptor, home)
        yield home
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int, home: Path) -> None:
    give_up = time.monotonic() + _LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > give_up:
                message = f"Another command is still starting or stopping the embedded Postgres of {home}."
                raise TransientError(message, "Try again in a minute.") from None
            time.sleep(0.02)


def unusable(folder: Path, error: OSError) -> WarehouseError:
    """Error for a folder that the system refuses us."""
    message = f"The embedded Postgres can't use the folder {folder}: {error.strerror or error}."
    return WarehouseError(message, "Check its owner and the free disk space, or set `warehouse.url`.")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read (mode 0600), replacing it in one step."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
