"""The figures of the warehouse that monitoring shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.engine import Connection

from churn.sqlfiles import read_sql


@dataclass(frozen=True)
class Stage:
    """A stage of the last published night; what it took is unknown where it was cut off after its last write."""

    name: str
    rows: int
    seconds: float


@dataclass(frozen=True)
class Figures:
    """What the warehouse said at one moment.

    Attributes
    ----------
    read_at : datetime
    published : date, optional
        The latest published night.
    successes : dict of str to datetime
        When each job succeeded last, on any machine.
    stages : tuple of Stage
        Of the run that published the latest night.
    checks : dict of (str, str) to int
        Checks of the last run that had any, by severity and status.
    alerts : dict of str to int
        Open alerts by severity.
    """

    read_at: datetime
    published: date | None
    successes: dict[str, datetime]
    stages: tuple[Stage, ...]
    checks: dict[tuple[str, str], int]
    alerts: dict[str, int]


def read_figures(connection: Connection, now: datetime) -> Figures:
    """Read the figures from a warehouse."""
    successes, stages, checks, alerts = (
        connection.execute(read_sql(f"scheduling/{name}.sql").statement).all()
        for name in ("last_successes", "night_stages", "check_counts", "open_alerts")
    )
    return Figures(
        read_at=now,
        published=connection.scalar(read_sql("scheduling/latest_night.sql").statement),
        successes={row.job: row.finished_at for row in successes},
        stages=tuple(Stage(row.stage, row.made, row.seconds) for row in stages),
        checks={(row.severity, row.status): row.checks for row in checks},
        alerts={row.severity: row.alerts for row in alerts},
    )
