"""What the first line may have to tell beside the night: runs whose process is gone, failures that are open."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from churn.alerts import KeptAlert
from churn.alerts.book import OpenAlert
from churn.alerts.causes import FAIL, NEXT, Alert
from churn.sqlfiles import read_sql


@dataclass(frozen=True)
class Open:
    """A failure that is open.

    Attributes
    ----------
    told : str
        What happened, in one line.
    command : str
        What to run next.
    """

    told: str
    command: str


def fail_alerts(known: Sequence[OpenAlert], kept: Sequence[KeptAlert]) -> list[Open]:
    """Return the failures that are open in the warehouse, then those that only this machine knows of."""
    alerts: list[OpenAlert | Alert] = [*known, *(one.alert for one in kept)]
    return [opened(alert) for alert in alerts if alert.severity == FAIL]


def opened(alert: OpenAlert | Alert) -> Open:
    """Return an alert as one line and what to run next."""
    what, _, command = alert.detail.rpartition(NEXT)
    first = what.split("\nWhere: ")[0].strip()
    return Open(": ".join(" ".join(part.split()) for part in (alert.title, first) if part), command)


def dead_runs(connection: Connection) -> tuple[Sequence[Any], frozenset[int]]:
    """Return the runs that say that they are at work, and those among them whose process is gone.

    A run holds the writer lock as long as it is at work, so it is gone where nobody holds the lock, or where this is
    its machine and it has no such process. The runs are read before the lock and after: none ends in between.
    """
    before = {run.run_id for run in connection.execute(read_sql("status/running_runs.sql").statement)}
    is_held = connection.execute(read_sql("status/lock_holder.sql").statement).first() is not None
    running = connection.execute(read_sql("status/running_runs.sql").statement).all()
    gone = {run.run_id for run in running if not is_held or _has_no_process(run)}
    return running, frozenset(gone & before)


def _has_no_process(run: Any) -> bool:
    if run.pid is None or run.host != socket.gethostname():
        return False
    try:
        os.kill(run.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
