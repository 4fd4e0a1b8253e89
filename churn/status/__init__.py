"""`churn status`: how tonight is in three lines, then what is at work, who waits for what, and what comes next.

The first line says whether the night that is due was published, and if not, why; the second what is published and how
old that is; the third what to run next. They say so too where the warehouse can't be reached or is not migrated.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from churn.alerts import kept_alerts
from churn.config import Settings
from churn.connections import open_warehouse
from churn.errors import ChurnError
from churn.migrate import require_current
from churn.status.headline import Picture, headline, look, unreachable
from churn.status.times import next_lines
from churn.status.upkeep import alert_lines, kept_lines, lock_lines, run_lines, scheduler_lines
from churn.status.worth import drift_lines, model_lines, realised_lines

__all__ = ["Picture", "Status", "headline", "status_lines", "status_of"]


@dataclass(frozen=True)
class Status:
    """What `churn status` prints.

    Attributes
    ----------
    lines : tuple of str
        The most urgent first.
    error : ChurnError or None
        Why the warehouse could not be looked at; the command ends with its exit code.
    """

    lines: tuple[str, ...]
    error: ChurnError | None = None


def status_of(settings: Settings, now: datetime) -> Status:
    """Look at the warehouse, and where that can't be done, at what this machine knows.

    Parameters
    ----------
    settings : Settings
    now : datetime
        UTC.
    """
    try:
        lines = _warehouse_lines(settings, now)
    except ChurnError as error:
        told = [*unreachable(settings, error), *kept_lines(kept_alerts(settings.home))]
        return Status((*told, *scheduler_lines(settings, now), *next_lines(settings, now)), error)
    kept = kept_alerts(settings.home)
    after = [*(kept_lines(kept) if kept else []), *scheduler_lines(settings, now), *next_lines(settings, now)]
    return Status((*lines, *after))


def status_lines(settings: Settings, now: datetime) -> list[str]:
    """Return the lines of `status_of`."""
    return list(status_of(settings, now).lines)


def _warehouse_lines(settings: Settings, now: datetime) -> list[str]:
    warehouse = open_warehouse(settings, job="status")
    with warehouse.begin() as connection:
        require_current(connection)
        picture = look(connection, settings, now)
        return [
            *headline(picture, settings),
            *lock_lines(connection, now),
            *picture.missed_lines(),
            *alert_lines(connection, settings),
            *model_lines(connection),
            *realised_lines(connection),
            *drift_lines(connection),
            *run_lines(connection, settings),
        ]
