"""What was told while the warehouse could not be reached: a file of this machine, until it is entered there."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from churn.alerts.causes import Alert

FILE = "alerts.json"
_LOCK = "alerts.lock"


@dataclass(frozen=True)
class KeptAlert:
    """A cause that the warehouse does not know of yet.

    Attributes
    ----------
    alert : Alert
    opened_at : datetime
        UTC.
    sent_to : tuple of str
        Channels that know of it.
    """

    alert: Alert
    opened_at: datetime
    sent_to: tuple[str, ...]


def kept_alerts(home: Path) -> list[KeptAlert]:
    """Return what the file holds, by cause; nothing where there is none, or none that can be read."""
    try:
        found = json.loads((home / FILE).read_text(encoding="utf-8"))
        return [_read(entry) for entry in found]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def keep(home: Path, kept: Sequence[KeptAlert]) -> None:
    """Write the file whole, for its owner alone, or take it away where there is nothing to keep."""
    if not kept:
        (home / FILE).unlink(missing_ok=True)
        return
    entries = [
        asdict(entry.alert) | {"opened_at": entry.opened_at.isoformat(), "sent_to": list(entry.sent_to)}
        for entry in sorted(kept, key=lambda one: one.alert.cause)
    ]
    write_whole(home / FILE, entries)


def write_whole(path: Path, content: object) -> None:
    """Replace a file by JSON in one step, for its owner alone; call it within `one_at_a_time`."""
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


@contextmanager
def one_at_a_time(home: Path) -> Iterator[None]:
    """Let one process of this machine read, tell and write the file at a time."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / _LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _read(entry: dict[str, Any]) -> KeptAlert:
    alert = Alert(*(str(entry[name]) for name in ("cause", "severity", "title", "detail")))
    return KeptAlert(alert, datetime.fromisoformat(entry["opened_at"]), tuple(map(str, entry["sent_to"])))
